"""What has been found of how long units remember, told in three ways: a table, a picture, a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.recording.address import Address
from rnnscope.shown import Shown, card_table
from rnnscope.style import FAINT, colours, given_panels, logarithmic, new_panels, style
from rnnscope.text import counted

WAYS = ("forget", "autocorrelation", "jacobian")

FACTOR = 2.0
"""By how much two ways may differ before they disagree."""

_LEGEND = (
    "Forget: -1 / mean ln of the gate that keeps. Autocorrelation: first lag below 1/e. Jacobian: of the mode of the "
    "mean one-step Jacobian that the unit takes most part in. Disagree: the ways differ by a factor above 2."
)


@dataclass(frozen=True, eq=False, repr=False)
class Timescales(Shown):
    """How long each unit remembers, in steps, in three ways. Made by `rnnscope.timescales`.

    Attributes
    ----------
    steps : int
        Steps of the text that were read.
    table : DataFrame
        One row a unit of each layer's memory: ``signal``, its address, such as ``l0.c``; ``unit``; ``forget``,
        ``autocorrelation`` and ``jacobian``, in steps, infinite where it does not decay, NaN where that way has nothing
        to say; ``ratio`` of the longest to the shortest, what is below one step taken as one; ``disagree``, whether it
        is above 2.
    """

    steps: int
    table: pd.DataFrame

    @property
    def disagree(self) -> pd.DataFrame:
        """The units whose timescales differ by more than a factor of 2, the worst first."""
        return self.table.query("disagree").sort_values("ratio", ascending=False, kind="stable")

    @property
    def summary(self) -> pd.DataFrame:
        """One row a layer's memory, indexed by ``signal``: the medians, the share that disagree, and ``units``."""
        by_signal = self.table.groupby("signal", sort=False)
        return by_signal[[*WAYS]].median().assign(disagree=by_signal["disagree"].mean(), units=by_signal.size())

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """Each way against each other, a dot a unit, on logarithmic axes; those that have values.

        On new axes if none are given, as many as `Timescales.pairs`, one at least.
        """
        table = self.table.assign(layer=[Address.parse(signal).node for signal in self.table["signal"]])
        count = max(1, len(self.pairs))
        if ax is None:
            panels = new_panels(1, count, min(6.9, 0.6 + 2.3 * count), 2.3)
        else:
            panels = given_panels(ax, count)
        layers = colours(list(table["layer"].unique()))
        for panel, (one, other) in zip(panels, self.pairs, strict=False):
            finite: Any = table[np.isfinite(table[[one, other]]).all(axis=1) & (table[[one, other]] > 0).all(axis=1)]
            for layer, own in finite.groupby("layer", sort=False):
                panel.scatter(own[one], own[other], 6, layers[layer], alpha=0.6, linewidths=0, label=layer)
            ends = (finite[[one, other]].min(axis=None), finite[[one, other]].max(axis=None))
            panel.plot(ends, ends, "--", color=FAINT, linewidth=0.8, zorder=0)
            panel.set(xlabel=f"{one} (steps)", ylabel=f"{other} (steps)")
            logarithmic(panel, "xy")
        if len(layers) > 1:
            panels[-1].legend(title="layer", handletextpad=0)
        return panels

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The ways that have values, each with each other; a single one with itself."""
        known = [way for way in WAYS if np.isfinite(self.table[way]).any()]
        return list(combinations(known, 2)) or [(way, way) for way in known]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Timescales of units", style="bold")
        yield Text(f"In steps, over {self.steps:,} of them; of each layer the median, then the longest units.")
        table = card_table("", *WAYS, "disagree")
        for row in self.summary.reset_index().to_dict("records"):
            ways = (_number(row[way]) for way in WAYS)
            table.add_row(f"{row['signal']}, {counted(int(row['units']), 'unit')}", *ways, f"{row['disagree']:.0%}")
        table.add_section()
        longest = self.table.sort_values(["autocorrelation", "jacobian"], ascending=False).head(8)
        for row in longest.to_dict("records"):
            ways = (_number(row[way]) for way in WAYS)
            table.add_row(
                f"{row['signal']}.{row['unit']}", *ways, "×" + _number(row["ratio"]) if row["disagree"] else ""
            )
        yield table
        yield Text(_LEGEND, style="dim")


def _number(value: float) -> str:
    return (
        "-" if np.isnan(value) else "inf" if np.isinf(value) else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    )

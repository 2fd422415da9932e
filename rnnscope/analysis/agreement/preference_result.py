"""What a network prefers in minimal pairs: a table by condition, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.analysis.intervals import wilson_interval
from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, CONTROL, FOCUS, label, legend_below, new_axes, style

from .columns import chosen_conditions, forms_of, parts
from .statistics import separation, separation_interval, share_right

_BESIDE = 54
"""Columns of a terminal that the rest of the table takes."""


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(Shown):
    """Which sentence of each minimal pair a network holds to be the more probable. Made by `rnnscope.agreement`.

    Attributes
    ----------
    pairs : DataFrame
        One row a pair: its conditions; the sentences ``good`` and ``bad``; what differs in them, ``good form`` and
        ``bad form``; ``margin``, by how many nats the good sentence is the more probable, below 0 where the network
        prefers the bad one; ``baseline``, the same by the n-gram model if there is one.
    by : tuple of str
        The conditions by which `table` tells.
    text : str
        How the sentences were read.
    baseline : str
        What the network is compared with; empty for nothing.
    seed : int
        Of the bootstrap.
    """

    pairs: pd.DataFrame
    by: tuple[str, ...]
    text: str
    baseline: str
    seed: int

    @property
    def table(self) -> pd.DataFrame:
        """All pairs in the first row, then one row a condition of `by`; see `told_by`."""
        return self.told_by(*self.by)

    def told_by(self, *conditions: str) -> pd.DataFrame:
        """The preferences by some conditions.

        Returns
        -------
        DataFrame
            Indexed by condition, all pairs first. ``pairs``, how many; ``right``, the share of them whose good
            sentence is the more probable, with the interval ``low`` to ``high`` of Wilson (1927), which takes pairs to
            be independent; ``margin``, its median in nats; ``auc``, how well the log-odds of two forms tell where the
            one is right from where the other is, with the interval ``auc_low`` to ``auc_high`` from a bootstrap over
            pairs. ``right`` and ``auc`` are 0.5 at chance and 1 at best. A network that prefers *is* to *are*
            everywhere is right in half of the pairs and always wrong in some conditions; ``auc`` does not count such
            a liking. It is NaN where no two forms stand both ways. With a baseline, ``baseline`` is its share and
            ``baseline_auc`` its area.
        """
        named = parts(self.pairs, chosen_conditions(self.pairs, conditions))
        return pd.DataFrame({"condition": name} | self._row(part) for name, part in named).set_index("condition")

    def _row(self, part: pd.DataFrame) -> dict[str, float]:
        margins, forms, count = part["margin"].to_numpy(), forms_of(part), len(part)
        right = share_right(margins)
        low, high = wilson_interval(right, count)
        area_low, area_high = separation_interval(margins, forms, self.seed)
        row = {"pairs": count, "right": right / count, "low": low, "high": high, "margin": float(np.median(margins))}
        row |= {"auc": separation(margins, forms), "auc_low": area_low, "auc_high": area_high}
        if self.baseline:
            others = part["baseline"].to_numpy()
            row |= {"baseline": share_right(others) / count, "baseline_auc": separation(others, forms)}
        return row

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of right preferences and area under the ROC by condition; on new axes if none are given."""
        table = self.table
        ax = ax or new_axes("page", 1.1 + 0.19 * len(table))
        places = np.arange(len(table))
        series = [("right", "low", "high", FOCUS, "D", "share right", -0.13)]
        series += [("auc", "auc_low", "auc_high", BESIDE, "o", "area under the ROC", 0.13)]
        for value, low, high, color, marker, name, shift in series:
            reach = np.abs(table[[low, high]].to_numpy().T - table[value].to_numpy())
            look: dict[str, Any] = {"fmt": marker, "color": color, "elinewidth": 0.8}
            ax.errorbar(table[value], places + shift, xerr=reach, label=name, **look)
            if self.baseline:
                other = "baseline" if value == "right" else "baseline_auc"
                hollow = {"facecolors": "none", "edgecolors": color, "marker": marker, "s": 12, "zorder": 1}
                ax.scatter(table[other], places + shift, label=label(f"{self.baseline}: {name}"), **hollow)
        ax.axvline(0.5, color=CONTROL, linestyle="--", linewidth=0.8)
        ax.set_yticks(places, [label(str(name), 30) for name in table.index])
        ax.set(xlabel="share, or area; 0.5 is chance", ylabel="condition")
        ax.set(ylim=(len(table) - 0.4, -0.6), xlim=(-0.02, 1.02))
        legend_below(ax, 4)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Is the good sentence the more probable?", style="bold")
        yield Text(f"Read: {self.text}")
        yield self._card(options.max_width)
        yield Text(
            "right: share of the pairs, 95 % interval; margin: median, in nats; auc: how well the log-odds of two "
            "forms tell where the one is right and where the other, whatever is preferred everywhere. "
            f"0.5 is chance.{f' Beside them a {self.baseline} model.' if self.baseline else ''}"
        )

    def _card(self, width: int) -> Table:
        names = ["pairs", "right", "interval", "margin", "auc", *([self.baseline, "auc"] if self.baseline else [])]
        table = card_table(", ".join(self.by) or "pairs", *names)
        table.columns[0].max_width = max(12, width - _BESIDE)
        for row in self.table.reset_index().to_dict("records"):
            cells = [Text(str(row["condition"])), f"{row['pairs']:,}", share(row["right"])]
            cells += [f"{row['low']:.2f} {row['high']:.2f}", f"{row['margin']:+.2f}", share(row["auc"])]
            table.add_row(*cells, *([share(row["baseline"]), share(row["baseline_auc"])] if self.baseline else []))
        return table


def share(value: float) -> str:
    """A share with two digits; a dash where there is none."""
    return "-" if np.isnan(value) else f"{value:.2f}"

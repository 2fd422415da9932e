"""Which unit of one network goes with which of another: a table, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown
from rnnscope.style import BESIDE, CONTROL, FOCUS, legend_below, new_axes, style, title
from rnnscope.text import counted

_SHOWN = 12
"""Pairs on a card."""

_BEYOND = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Shown):
    """Which unit of one network goes with which of another. Made by `rnnscope.align_units`.

    Attributes
    ----------
    models : tuple of str
        What the two networks are called.
    signals : tuple of str
        The addresses of the signals that are aligned.
    steps : int
        Steps of the text that both signals take.
    shifts : int
        How many times the second was shifted in time, for ``chance`` and ``p``.
    table : DataFrame
        One row a unit of the first, indexed by its address (``unit``): its ``partner``, the unit of the second with the
        highest absolute correlation, None where the unit never changes; ``correlation`` with it, from -1 to 1;
        ``mutual``, whether the unit is also the best for its partner; ``slope`` and ``offset`` of the least-squares map
        from the partner's values to the unit's; ``chance``, the highest absolute correlation with any unit
        of the second where that is shifted in time, the mean over the shifts; ``p``, the share of shifts, the true
        place counted, at which it is as high as in truth; ``matched`` and ``matched_correlation``, the partner where
        each unit has one of its own, None and NaN where the second has too few units; and ``diverges``, the first step
        at which the unit and what its partner says are far apart, NA where they never are.
    first_guess : int or None
        The first character that the networks guess differently before they read it, or the first step at which
        their labels differ; None if there is none, or they do not guess the same kind of thing.
    same_guess : float
        The share of steps at which their first guesses are the same; NaN if they cannot be compared.
    first_cost : int or None
        The first character whose cost differs by more than one nat.
    """

    models: tuple[str, str]
    signals: tuple[str, str]
    steps: int
    shifts: int
    table: pd.DataFrame
    first_guess: int | None
    same_guess: float
    first_cost: int | None

    @property
    def aligned(self) -> pd.DataFrame:
        """The pairs that chance does not explain (p of 0.05 at most), the highest absolute correlation first."""
        told: Any = self.table[self.table["p"] <= _BEYOND]
        return told.sort_values("correlation", key=np.abs, ascending=False, kind="stable")

    @property
    def said(self) -> list[str]:
        """What was found, in sentences."""
        sizes: Any = self.table[["correlation", "matched_correlation", "chance"]].abs().mean()
        ours, theirs = (f"{signal} of {model}" for signal, model in zip(self.signals, self.models, strict=True))
        sentences = [
            f"Over {counted(self.steps, 'step')}, {len(self.aligned)} of {len(self.table)} units of {ours} have a "
            f"partner in {theirs} that goes with them better than when it is shifted in time (p up to {_BEYOND}, "
            f"{self.shifts} shifts).",
            f"Mean absolute correlation with the best partner {_two(sizes['correlation'])}, by chance "
            f"{_two(sizes['chance'])}; where each has a partner of its own "
            f"{_two(sizes['matched_correlation'])}.",
        ]
        if not np.isnan(self.same_guess):
            differ = "nowhere" if self.first_guess is None else f"first at step {self.first_guess:,}"
            sentences.append(
                f"The first guesses are the same at {self.same_guess:.1%} of the steps; they differ {differ}."
            )
        if self.first_cost is not None:
            sentences.append(f"The costs differ by more than one nat first at step {self.first_cost:,}.")
        return sentences

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Absolute correlation of each unit, the highest first: with its partner, one to one, and by chance."""
        ax = ax or new_axes(height=2.6)
        told = self.table.dropna(subset="correlation")
        order = told["correlation"].abs().argsort(kind="stable")[::-1]
        dots = {"color": BESIDE, "linestyle": "", "marker": ".", "markersize": 2}
        drawn: list[tuple[str, str, dict[str, Any]]] = [
            ("correlation", "best partner", {"color": FOCUS}),
            ("matched_correlation", "one to one", dots),
            ("chance", "best by chance", {"color": CONTROL}),
        ]
        for name, says, how in drawn:
            ax.plot(np.arange(1, len(told) + 1), told[name].abs().to_numpy()[order], label=says, **how)
        ax.set(xlabel=f"unit of {self.signals[0]}, by rank", ylabel="absolute correlation", ylim=(0, 1.02))
        title(ax, self._heading)
        legend_below(ax, columns=3)
        return ax

    @property
    def _heading(self) -> str:
        return " beside ".join(f"{signal} of {model}" for signal, model in zip(self.signals, self.models, strict=True))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self._heading, style="bold")
        for sentence in self.said:
            yield Text(sentence)
        rows = self.aligned.head(_SHOWN)
        if len(rows):
            yield self._pairs(rows)
        if len(self.aligned) > _SHOWN:
            yield Text(f"and {len(self.aligned) - _SHOWN} more")

    def _pairs(self, rows: pd.DataFrame) -> Table:
        table = Table(box=None, pad_edge=False)
        for name in ("unit", "partner"):
            table.add_column(name, no_wrap=True)
        for name in ("r", "chance", "p", "slope"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("mutual", no_wrap=True)
        table.add_column("diverges at", justify="right", no_wrap=True)
        for unit, row in zip(rows.index, rows.to_dict("records"), strict=True):
            numbers = (f"{row['correlation']:+.3f}", f"{row['chance']:.3f}", f"{row['p']:.2f}", f"{row['slope']:+.3g}")
            diverges = "-" if pd.isna(row["diverges"]) else f"{row['diverges']:,}"
            table.add_row(unit, row["partner"], *numbers, "yes" if row["mutual"] else "no", diverges)
        return table


def _two(number: float) -> str:
    return "-" if np.isnan(number) else f"{number:.2f}"

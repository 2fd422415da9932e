"""How well units, principal components and random directions tell of concepts: a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.analysis.search.found import reasons
from rnnscope.analysis.search.scores import MEASURES
from rnnscope.shown import Shown
from rnnscope.style import BESIDE, CONTROL, FAINT, FOCUS, label, legend_below, new_axes, style, title


@dataclass(frozen=True, eq=False, repr=False)
class BasisComparison(Shown):
    """The best unit for each concept beside the best principal component and the best random directions.

    Made by `rnnscope.compare_bases`.

    Attributes
    ----------
    signal : str
        Whose units these are.
    units : int
        How many there are, and as many directions in each basis.
    standardised : bool
        Whether units were divided by their standard deviation before they were rotated.
    table : DataFrame
        One row a concept, indexed by its name. ``kind`` of the concept and ``measure``: ``auroc`` from 0 to 1, 0.5
        tells nothing; ``spearman`` from -1 to 1; ``eta_squared`` from 0 to 1. All scores are of the held-out half
        (as in ``FoundUnits.scores``), of the direction that is best on the fit half, turned so that it rises there
        with the label: ``unit`` and ``unit_score``; ``component``, the number of the principal component, from 0,
        and ``component_score``; ``rotations``, the median over the random bases, from ``low`` to ``high``.
        ``as_well`` counts the random bases that do at least as well as the units, and ``p`` is their share, the units
        counted among them: where it is small, the units are a special basis for the concept.
    rotations : DataFrame
        The score of each random basis (rows) for each concept (columns).
    steps : mapping of str to int
        Characters of the halves: ``fit``, ``held_out``.
    left_out : mapping of str to str
        The concepts that could not be searched for, and why.
    """

    signal: str
    units: int
    standardised: bool
    table: pd.DataFrame
    rotations: pd.DataFrame
    steps: Mapping[str, int]
    left_out: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"The units of {self.signal} as a basis"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """A line a concept: a dot for each random basis, and marks for units and components.

        On new axes if none are given.
        """
        ax = ax or new_axes("page", 1.1 + 0.16 * len(self.table))
        neutral = self.table["kind"].map(lambda kind: MEASURES[kind].neutral)
        told = self.table[["unit_score", "component_score"]].sub(neutral, axis=0).div(1 - neutral, axis=0)
        random = self.rotations.sub(neutral).div(1 - neutral).melt(var_name="concept", value_name="told")
        names = list(self.table.index)
        sns.stripplot(random, x="told", y="concept", order=names, color=CONTROL, size=2.5, jitter=False, ax=ax)
        mark: dict[str, Any] = {"markersize": 4, "zorder": 10}
        ax.plot(told["component_score"], range(len(names)), "s", color=BESIDE, label="best component", **mark)
        ax.plot(told["unit_score"], range(len(names)), "D", color=FOCUS, label="best unit", **mark)
        ax.plot([], [], "o", color=CONTROL, markersize=2.5, label="best of a random basis")
        ax.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set_yticks(range(len(names)), [label(str(name), 40) for name in names])
        ax.set(xlabel="tells of the concept (2 AUROC - 1, Spearman, eta²)", ylabel="concept")
        title(ax, self.title)
        ax.set_ylim(len(names) - 0.5, -0.5)
        legend_below(ax, 3)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        yield self._rows()
        scaled = ", each divided by its standard deviation," if self.standardised else " as they are"
        yield Text(
            f"{len(self.rotations)} random rotations of the {self.units} units{scaled} and the principal components: "
            f"in each basis the best direction was chosen on {self.steps['fit']:,} steps and scored on "
            f"{self.steps['held_out']:,} others."
        )
        yield Text("p: the share of bases, the units among them, that do as well as the units.")
        if self.left_out:
            yield Text(f"Left out: {reasons(self.left_out)}.")

    def _rows(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in ("\nconcept", "\nmeasure"):
            table.add_column(heading, overflow="fold")
        for heading in ("best\nunit", "\nscore", "comp-\nonent", "\nscore", "rotations\nmedian", "\nrange", "\np"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.table.reset_index().to_dict("records"):
            unit = (row["unit"].rpartition(".")[2], f"{row['unit_score']:.3f}")
            component = (str(row["component"]), f"{row['component_score']:.3f}")
            rotated = (f"{row['rotations']:.3f}", f"{row['low']:.3f} {row['high']:.3f}", f"{row['p']:.3f}")
            table.add_row(*map(Text, (row["concept"], MEASURES[row["kind"]].title, *unit, *component, *rotated)))
        return table

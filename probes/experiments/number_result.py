"""How the number of a subject is kept up to its verb: a table by word, matrices, a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.probes.decoders.time_probe import TimeMatrix
from rnnscope.shown import Shown, card_table
from rnnscope.style import SIGNALS, SMALLEST, given_panels, new_panels, style


@dataclass(frozen=True, eq=False, repr=False)
class NumberProbes(Shown):
    """How well the number can be told at each word before the verb. Made by `rnnscope.probes.number_probes`.

    Attributes
    ----------
    table : DataFrame
        One row a place, the last one before the verb: ``word``, the most frequent one; ``accuracy`` of a linear probe
        of all units on nouns that it was not trained on, from 0 to 1, with the 95 % interval ``low`` to ``high``
        (Wilson, 1927); ``untrained``, the same on an untrained network; ``majority``; ``unit_accuracy``, that of the
        best single unit, on held-out nouns, too; ``unit``, which one that is in most folds, and in how many ``folds``.
    matrices : mapping of str to TimeMatrix
        The accuracy of the probe of each place at each other: of ``all`` examples, and of those with a second noun
        whose number is that of the subject (``attractor same``) or not (``attractor other``), where this is known.
    unit : str
        The best single unit before the verb, of all examples.
    units : tuple of str
        The units that together tell most before the verb, of all examples.
    classes : tuple of str
    text : str
        What was read.
    """

    table: pd.DataFrame
    matrices: Mapping[str, TimeMatrix]
    unit: str
    units: tuple[str, ...]
    classes: tuple[str, ...]
    text: str

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """A matrix for each kind of example, from 0 to 1; on new axes if none are given."""
        count = len(self.matrices)
        panels = new_panels(1, count, min(6.9, 1 + 2 * count), 2.8) if ax is None else given_panels(ax, count)
        for place, (panel, (name, matrix)) in enumerate(zip(panels, self.matrices.items(), strict=True)):
            sns.heatmap(
                matrix.table, vmin=0, vmax=1, cmap=SIGNALS, annot=True, fmt=".2f",
                cbar=False, yticklabels=place == 0, annot_kws={"size": SMALLEST}, ax=panel,
            )  # fmt: skip
            panel.set(title=name, xlabel="tested after", ylabel="trained after")
            panel.tick_params(axis="x", rotation=60)
            panel.tick_params(axis="y", rotation=0)
            panel.tick_params(length=0)
        return panels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"{' or '.join(self.classes)}: can it be told after each word?", style="bold")
        yield Text(f"Read: {self.text}")
        table = card_table("after", "all units", "interval", "untrained", "majority", "one unit", gap=2)
        table.add_column("which", no_wrap=True)
        for row in self.table.to_dict("records"):
            cells = [Text(str(row["word"])), f"{row['accuracy']:.2f}", f"{row['low']:.2f} {row['high']:.2f}"]
            cells += [f"{row[name]:.2f}" for name in ("untrained", "majority", "unit_accuracy")]
            table.add_row(*cells, row["unit"])
        yield table
        yield from self._matrices()
        yield Text(f"Before the verb, {self.unit} tells most by itself; together {', '.join(self.units)}.")

    def _matrices(self) -> RenderResult:
        for name, matrix in self.matrices.items():
            yield Text(f"Probe of a word (down) tested after another (across), {name}:")
            table = card_table("", *map(str, matrix.table.columns), gap=2)
            for row, values in matrix.table.iterrows():
                table.add_row(Text(str(row)), *(f"{value:.2f}" for value in values))
            yield table

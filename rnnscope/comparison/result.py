"""What a comparison has shown: a table of cells, the runs behind it, a page of figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.output import write_table
from rnnscope.shown import Shown, card_table

from .columns import RUN_COLUMNS, column
from .page import draw


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Shown):
    """Networks beside each other, as `rnnscope.compare` and `rnnscope.run_comparison` measure them.

    Attributes
    ----------
    runs : DataFrame
        One row a network: ``experiment``; ``name``, that of the cell where a recipe was compared by; ``cell``;
        ``seed`` and ``learning_rate`` of its training; ``folder``; and its measures, NaN where one does not apply or
        training diverged. docs/compare.md says what each of them is.
    sweep : DataFrame
        One row a learning rate that was tried: ``experiment``, ``cell``, ``learning_rate``, ``validation_loss`` (the
        best, infinite if training diverged), ``chosen``. Empty where networks were given.
    notes : tuple of str
        How the figures were made, and what is to be known of them.
    """

    runs: pd.DataFrame
    sweep: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def measures(self) -> list[str]:
        """The names of the columns that are measures."""
        return [name for name in self.runs if name not in RUN_COLUMNS]

    @property
    def experiments(self) -> list[str]:
        return list(dict.fromkeys(self.runs["experiment"]))

    @property
    def table(self) -> pd.DataFrame:
        """One row a cell: the mean of each measure over the seeds, and after it ``MEASURE_error``, its standard error.

        The error is NaN with fewer than two seeds. With several experiments a column's name begins with that of its
        experiment, as in ``prose.parameters``.
        """
        several = len(self.experiments) > 1
        parts = []
        for experiment in self.experiments:
            part = self.of(experiment)
            parts.append(part.add_prefix(f"{experiment}.") if several else part)
        return pd.concat(parts, axis=1)

    def of(self, experiment: str) -> pd.DataFrame:
        """The table of one experiment, without what was measured in none of its runs."""
        rows = self.runs.query("experiment == @experiment")
        names = rows["name"].to_numpy()
        columns: dict[str, list[float]] = {}
        for key in self.measures:
            values = rows[key].to_numpy(dtype=float)
            if np.isnan(values).all():
                continue
            by_name = [values[(names == name) & ~np.isnan(values)] for name in dict.fromkeys(names)]
            columns[key] = [_mean(of) for of in by_name]
            columns[f"{key}_error"] = [_standard_error(of) for of in by_name]
        return pd.DataFrame(columns, index=pd.Index(list(dict.fromkeys(names)), name="name"))

    def save(self, path: str | Path) -> Path:
        """Write the table to a file, as CSV or Parquet by the ending of its name.

        Raises
        ------
        OutputError
        """
        return write_table(self.table, path)

    def plot(self, ax: Figure | SubFigure | None = None) -> Figure | SubFigure:
        """A page of small pictures: for each measure the cells, a dot a seed, and their mean with its error.

        There are as many as there are measures, so that it takes and returns a figure, or a part of one, rather than
        axes; a new one if none is given.
        """
        return draw({name: self.runs.query("experiment == @name") for name in self.experiments}, self.measures, ax)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for experiment in self.experiments:
            yield from self._tables(experiment, options.max_width)
        yield from self._rates()
        for note in self.notes:
            yield Text(note)

    def _tables(self, experiment: str, width: int) -> Iterator[Table | Text]:
        """Measures down the side, cells across; so many tables that none is too wide."""
        table = self.of(experiment)
        forms = {key: column(key) for key in table if not key.endswith("_error")}
        titles = [form.title for form in forms.values()]
        cells = {
            str(row["name"]): [form.written(row[key], row[f"{key}_error"]) for key, form in forms.items()]
            for row in table.reset_index().to_dict("records")
        }
        for names in _fitting(cells, width - max(map(len, titles), default=0)):
            yield _table(experiment, titles, {name: cells[name] for name in names})
            yield Text()

    def _rates(self) -> Iterator[Text]:
        """The learning rates that were tried, and what each gave."""
        tried: dict[tuple[str, str], list[str]] = {}
        for row in self.sweep.to_dict("records"):
            words = f"{row['learning_rate']:g} {_loss(row['validation_loss'])}{' (chosen)' if row['chosen'] else ''}"
            tried.setdefault((row["experiment"], row["cell"]), []).append(words)
        for (experiment, cell), words in tried.items():
            yield Text(f"{experiment}, {cell}, validation loss by learning rate: {', '.join(words)}")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _standard_error(values: np.ndarray) -> float:
    if len(values) < 2 or not np.isfinite(values).all():
        return np.nan
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _loss(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "diverged"


def _fitting(cells: Mapping[str, Sequence[str]], width: int) -> Iterator[list[str]]:
    """The columns in groups that have room side by side."""
    group, left = list[str](), width
    for name, figures in cells.items():
        needed = max(map(len, (name, *figures))) + 2
        if group and needed > left:
            yield group
            group, left = [], width
        group.append(name)
        left -= needed
    if group:
        yield group


def _table(title: str, rows: Sequence[str], cells: Mapping[str, Sequence[str]]) -> Table:
    table = card_table(title)
    for name in cells:
        table.add_column(Text(name), justify="right", overflow="fold")
    for number, row in enumerate(rows):
        table.add_row(Text(row), *(figures[number] for figures in cells.values()))
    return table

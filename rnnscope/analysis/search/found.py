"""What a search for units finds, as tables and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text
from scipy.cluster.hierarchy import leaves_list, linkage

from rnnscope.errors import ConceptError
from rnnscope.output import write_table
from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import SIGNALS, SMALLEST, label, new_axes, style

from .scores import MEASURES


@dataclass(frozen=True, eq=False, repr=False)
class FoundUnits(Shown):
    """The best unit for each concept, and all the others.

    Attributes
    ----------
    table : DataFrame
        One row a concept, indexed by its name, with scores on the held-out half: ``kind`` of the concept;
        ``unit``; ``sign``, -1 if the unit is low where the label is high, which all scores of the table take
        into account; ``measure`` and ``score`` (``auroc`` from 0 to 1, ``spearman`` from -1 to 1,
        ``eta_squared`` from 0 to 1); ``low`` and ``high``, its 95 % interval; ``p`` of the best unit on the fit half;
        ``fit_score`` there; ``steps`` where the concept applies; ``mutual_information`` of value and label in
        bits, corrected for chance; ``pearson`` of a flag or number. Of a flag also ``share``, how often it holds;
        ``average_precision``; ``threshold``, and with it ``iou``, ``f1``, ``precision``, ``recall``; ``iou_top`` with
        ``threshold_top``, beyond which 0.5 % of the values lie (below which, of a unit that is low), or
        the most extreme value if more are alike.
    scores, fit_scores : DataFrame
        Every unit (rows, by address) against every concept (columns), in the measure of its kind and without
        regard to sign, on the held-out half and on the fit half. Here, ranks for Spearman's correlation and eta
        squared are those that values have among the steps that bins were made from, some 16,384 of the fit half.
    iou : DataFrame
        Of every unit and flag the IoU on the held-out half, with direction and threshold of the fit half.
    left_out : mapping of str to str
        The concepts that could not be searched for, and why.
    steps : mapping of str to int
        Characters of the halves: ``fit``, ``held_out``.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    fit_scores: pd.DataFrame
    iou: pd.DataFrame
    left_out: Mapping[str, str]
    steps: Mapping[str, int]

    @property
    def associations(self) -> pd.DataFrame:
        """The held-out scores from -1 to 1 (categories from 0), 0 where a unit tells nothing."""
        flags = self.table.query("kind == 'flag'").index.to_list()
        scaled = self.scores.copy()
        scaled[flags] = 2 * scaled[flags] - 1
        return scaled.fillna(0.0)

    def ranking(self, concept: str, signal: str | None = None) -> pd.DataFrame:
        """All units by how well they tell a concept on the fit half: ``fit_score``, ``score``, and of a flag ``iou``.

        Parameters
        ----------
        concept : str
        signal : str, optional
            Of units of this signal alone, such as ``c``.

        Raises
        ------
        ConceptError
            If the concept was not searched for.
        """
        if concept not in self.scores:
            raise ConceptError(f"{concept!r} was not searched for. There are: {', '.join(self.scores)}.")
        ranking = pd.DataFrame({"fit_score": self.fit_scores[concept], "score": self.scores[concept]})
        if concept in self.iou:
            ranking["iou"] = self.iou[concept]
        if signal is not None:
            ranking = ranking.loc[[unit for unit in ranking.index if Address.parse(str(unit)).signal == signal]]
        neutral = MEASURES[str(self.table.loc[concept, "kind"])].neutral
        told = np.abs(ranking["fit_score"].to_numpy() - neutral)
        return ranking.iloc[(-told).argsort(kind="stable")]

    def sorted(self, by: str) -> FoundUnits:
        """The same with the rows in the order of a column, highest first, or by name (``concept``).

        ``score`` goes by how much a unit tells, whatever the measure; of ``p`` the lowest is first.

        Raises
        ------
        ConceptError
            If there is no such column.
        """
        if by == "concept":
            return replace(self, table=self.table.sort_index())
        if by not in self.table:
            raise ConceptError(f"The table has no column {by!r}. It has: {', '.join(self.table)}.")
        told = [self._told(row) for row in self.table.to_dict("records")] if by == "score" else self.table[by]
        order = pd.Series(told, self.table.index).sort_values(ascending=by == "p", kind="stable").index
        return replace(self, table=self.table.loc[order])

    @staticmethod
    def _told(row: dict[Any, Any]) -> float:
        """A score from 0, which tells nothing, to 1."""
        neutral = MEASURES[row["kind"]].neutral
        return abs(row["score"] - neutral) / (1 - neutral)

    def save(self, path: str | Path) -> Path:
        """Write the table to a file, as CSV or Parquet by the ending of its name.

        Raises
        ------
        OutputError
        """
        return write_table(self.table, path)

    @style()
    def plot(self, ax: Axes | None = None, units: int = 40) -> Axes:
        """A heatmap of the units that tell most against concepts, those that are alike side by side.

        On new axes if none are given.
        """
        told = self.associations
        best = told.abs().max(axis=1).sort_values(ascending=False, kind="stable").head(units).index
        chosen = told.loc[list(dict.fromkeys([*best, *self.table["unit"]]))]
        chosen = chosen.iloc[_order(chosen.to_numpy())].iloc[:, _order(chosen.to_numpy().T)].T
        chosen.index = [label(str(name), 30) for name in chosen.index]
        ax = ax or new_axes(min(6.9, 2.6 + 0.12 * chosen.shape[1]), max(1.5, 1.1 + 0.13 * chosen.shape[0]))
        kinds = {"label": "association", "pad": 0.02}
        sns.heatmap(chosen, vmin=-1, vmax=1, cmap=SIGNALS, xticklabels=True, yticklabels=True, ax=ax, cbar_kws=kinds)
        ax.set(xlabel="unit", ylabel="concept", title="2 AUROC - 1, Spearman or eta²")
        ax.tick_params(length=0, labelsize=SMALLEST + 0.5)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _table(self.table)
        fit, held_out = self.steps["fit"], self.steps["held_out"]
        units = len(self.scores)
        yield f"Chosen on {fit:,} steps; scored on {held_out:,} others. p: the best of {units:,} units by chance."
        if self.left_out:
            yield Text(f"Left out: {reasons(self.left_out)}.")


def reasons(left_out: Mapping[str, str]) -> str:
    """Why some concepts could not be searched for."""
    return "; ".join(f"{name} {reason}" for name, reason in left_out.items())


def _table(rows: pd.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("concept", "best unit", "measure"):
        table.add_column(heading, overflow="fold")
    for heading in ("score", "95 %", "IoU", "F1", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows.reset_index().to_dict("records"):
        unit = f"{row['unit']}{' low' if row['sign'] < 0 else ''}"
        flag = (f"{row['iou']:.2f}", f"{row['f1']:.2f}") if row["kind"] == "flag" else ("", "")
        score, interval = f"{row['score']:.3f}", f"{row['low']:.3f} {row['high']:.3f}"
        cells = (row["concept"], unit, MEASURES[row["kind"]].title, score, interval, *flag, f"{row['p']:.3f}")
        table.add_row(*map(Text, cells))
    return table


def _order(rows: np.ndarray) -> np.ndarray:
    """The rows in an order in which neighbours are alike."""
    return leaves_list(linkage(rows, "average", optimal_ordering=True)) if len(rows) > 2 else np.arange(len(rows))

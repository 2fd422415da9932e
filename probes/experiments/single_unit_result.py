"""What the final state of a network says of classes of texts: a table, three pictures, a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, CONTROL, FAINT, FOCUS, INK, colours, given_panels, new_panels, style


@dataclass(frozen=True, eq=False, repr=False)
class SingleUnitStudy(Shown):
    """How well one unit, some, or all tell the classes of texts. Made by `rnnscope.probes.single_unit_study`.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``by``: ``majority``, who always says the most frequent class of the training part; ``one unit``,
        the best one with its threshold; ``probe``, the regression that is best in validation; both on the untrained
        network; ``the network itself``, if it is a classifier of these classes. Columns: ``units``, how many are read;
        ``accuracy`` on the test part, from 0 to 1, with the 95 % interval ``low`` to ``high`` (Wilson, 1927).
    curve : DataFrame
        One row a strength of the L1 penalty, the strongest first: ``C``, how many ``units`` keep a weight, the accuracy
        on ``train``, ``validation`` and ``test``, and whether it is the one ``chosen`` in validation.
    unit : str
        The best single unit, chosen on the training part.
    threshold : float
        From which on a text is of the other class.
    values : DataFrame
        One row a text of the test part: the unit's ``value``, the ``class``, the ``text``.
    texts : str
        How many there are for what.
    read : str
        Of which signals, and where.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    unit: str
    threshold: float
    values: pd.DataFrame
    texts: str
    read: str

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """Accuracy against units kept, the best unit by class, all accuracies; on three new axes if none are given."""
        panels = new_panels(1, 3, width_ratios=(1.1, 1, 0.9)) if ax is None else given_panels(ax, 3)
        self._plot_curve(panels[0])
        shape: dict[str, Any] = {"bins": 30, "element": "step", "stat": "density", "common_norm": False}
        classes = colours(list(dict.fromkeys(self.values["class"])))
        sns.histplot(self.values, x="value", hue="class", palette=classes, ax=panels[1], **shape)
        panels[1].set_ylim(top=1.25 * panels[1].get_ylim()[1])
        sns.move_legend(panels[1], "upper center", ncols=len(classes), title=None)
        panels[1].axvline(self.threshold, 0, 0.8, color=INK, linestyle="--", linewidth=0.8)
        panels[1].set(xlabel=f"{self.unit} of a text", ylabel="density", title="the best single unit")
        rows = self.table.iloc[::-1]
        reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["accuracy"].to_numpy())
        panels[2].errorbar(rows["accuracy"], np.arange(len(rows)), xerr=reach, fmt="D", color=FOCUS)
        panels[2].set_yticks(np.arange(len(rows)), list(rows.index))
        panels[2].set(xlabel="accuracy on the test part", ylabel="told by")
        return panels

    def _plot_curve(self, ax: Axes) -> None:
        kept = self.curve[self.curve["units"] > 0]
        ax.plot(kept["units"], kept["validation"], color=CONTROL, marker="o", label="validation")
        ax.plot(kept["units"], kept["test"], color=FOCUS, marker="o", label="test")
        ax.plot(1, self.table.at["one unit", "accuracy"], "*", color=BESIDE, markersize=8, label="best unit, test")
        majority = self.table.at["majority", "accuracy"]
        ax.axhline(majority, color=FAINT, linestyle="--", linewidth=0.8, label="majority")
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:.0f}")
        ax.set(xlabel="units kept by the L1 penalty", ylabel="accuracy", title="some units")
        ax.legend()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        one, all_ = (float(self.table.at[name, "accuracy"]) for name in ("one unit", "probe"))
        kept = int(self.table.at["probe", "units"])
        yield Text(f"{self.unit} alone tells {one:.1%} of the texts, {kept} units {all_:.1%}", style="bold")
        yield Text(f"Read: {self.read}; {self.texts}.")
        yield self._card(self.table.reset_index(), {"by": "", "units": "units", "accuracy": "accuracy"}, True)
        yield Text("Accuracy on the test part, 95 % interval. With an L1 penalty:")
        names = {name: name for name in ("C", "units", "train", "validation", "test")}
        yield self._card(self.curve, names, False)
        yield Text("The penalty is chosen by its accuracy in validation (marked).")

    def _card(self, rows: pd.DataFrame, names: dict[str, str], interval: bool) -> Table:
        table = card_table(*names.values(), words=int(interval), gap=2)
        table.add_column("interval" if interval else "")
        for row in rows.to_dict("records"):
            last = f"{row['low']:.3f} {row['high']:.3f}" if interval else "*" if row["chosen"] else ""
            table.add_row(*(_cell(name, row[name]) for name in names), last)
        return table


def _cell(name: str, value: Any) -> str:
    if name == "by":
        return str(value)
    if name == "C":
        return f"1/{1 / value:.0f}"
    if name == "units":
        return "-" if np.isnan(value) else f"{value:.0f}"
    return f"{value:.3f}"

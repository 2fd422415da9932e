"""What an ablation does to the preference in minimal pairs: a table by condition, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, CONTROL, FAINT, FOCUS, label, legend_below, new_axes, style, title

_BESIDE = 50
"""Columns of a terminal that the rest of the table takes."""

_LISTED = 5


@dataclass(frozen=True, eq=False, repr=False)
class AgreementAblation(Shown):
    """The preference for good sentences without some units. Made by `rnnscope.agreement_ablation`.

    Attributes
    ----------
    units : tuple of str
        The addresses of what was ablated.
    std : tuple of float
        How much each of them varies on the sentences.
    what : str
        What was replaced and by what.
    text : str
        How the sentences were read.
    by : tuple of str
        The conditions by which the table tells.
    table : DataFrame
        Indexed by ``condition``, all pairs first, and ``measure``: ``right``, the share of pairs whose good sentence
        is the more probable; ``auc``, how well the log-odds of two forms tell where which is right; ``margin``, the
        mean in nats. See `Agreement.told_by`. Columns: ``pairs``, how many; ``intact`` and ``ablated``, the measure
        with and without the units; ``change``, with its interval ``low`` to ``high`` from a bootstrap over pairs, NaN
        for ``auc``; ``controls``, the median of the matched sets, ``controls_low`` to ``controls_high`` their range;
        ``exceeded``, how many of them leave more.
    controls : tuple of str
        The matched sets.
    """

    units: tuple[str, ...]
    std: tuple[float, ...]
    what: str
    text: str
    by: tuple[str, ...]
    table: pd.DataFrame
    controls: tuple[str, ...]

    @property
    def title(self) -> str:
        more = f" and {len(self.units) - _LISTED} more" if len(self.units) > _LISTED else ""
        return f"Agreement without {', '.join(self.units[:_LISTED])}{more}"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The area under the ROC by condition, intact, ablated and of the controls; on new axes if none are given.

        The share of right preferences where no area can be told.
        """
        table = self.table.xs("auc", level="measure").dropna(subset="intact")
        measured = "area under the ROC; 0.5 is chance"
        if not len(table):
            table = self.table.xs("right", level="measure")
            measured = "share of right preferences; 0.5 is chance"
        ax = ax or new_axes("page", 1.1 + 0.16 * len(table))
        places = np.arange(len(table))
        ax.hlines(places, table["controls_low"], table["controls_high"], color=FAINT, linewidth=4, label="controls")
        ax.plot(table["intact"], places, "o", color=BESIDE, label="intact")
        ax.plot(table["ablated"], places, "D", color=FOCUS, label="ablated")
        ax.axvline(0.5, color=CONTROL, linestyle="--", linewidth=0.8)
        ax.set_yticks(places, [label(str(name), 30) for name in table.index])
        ax.set(xlabel=measured, ylabel="condition", ylim=(len(table) - 0.4, -0.6))
        title(ax, self.title)
        legend_below(ax, 3)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        yield Text(f"Ablated: {self.what}.")
        yield Text(f"Read: {self.text}")
        by = ", ".join(self.by) or "pairs"
        table = card_table(by, "", "intact", "ablated", "controls", "range", "exceeded")
        table.columns[0].max_width = max(12, options.max_width - _BESIDE)
        for row in self.table.reset_index().to_dict("records"):
            cells = [_number(row[name]) for name in ("intact", "ablated", "controls")]
            span = f"{_number(row['controls_low'])} {_number(row['controls_high'])}"
            exceeded = "-" if np.isnan(row["intact"]) else f"{row['exceeded']:.0f}/{len(self.controls)}"
            condition = Text(row["condition"] if row["measure"] == "right" else "")
            table.add_row(condition, row["measure"], *cells, span, exceeded)
        yield table
        yield Text(
            "right: share of pairs whose good sentence is the more probable; auc: how well the log-odds of two forms "
            f"tell where which is right; margin: mean, in nats. Controls: {len(self.controls)} matched sets, median "
            "and range; exceeded: so many of them leave more."
        )


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"

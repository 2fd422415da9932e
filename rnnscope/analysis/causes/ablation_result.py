"""What an ablation has shown: a table, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, FAINT, FOCUS, label, legend_below, new_axes, style, title
from rnnscope.text import visible

_TITLES = {
    "inside": "inside",
    "outside": "outside",
    "all": "everywhere",
    "begins": "where it begins",
    "ends": "where it ends",
}


_WIDEST = max(map(len, _TITLES.values()))

_WIDE = 100
"""Columns of a terminal that leave room between those of the card."""

_LARGE = 999
"""The largest ratio that is said exactly."""


@dataclass(frozen=True, eq=False, repr=False)
class Ablation(Shown):
    """What a network loses on a text without a unit, or without a set of them. Made by `rnnscope.ablation`.

    Attributes
    ----------
    units : tuple of str
        The addresses of what was ablated.
    std : tuple of float
        How much each of them varies on the text.
    concept : str
    what : str
        What was replaced and by what.
    text : str
        How much was read, and how the intervals are made.
    endings : dict of str to int
        The characters at which a stretch of the concept ends, most frequent first.
    table : DataFrame
        One row a place: ``inside`` and ``outside`` the concept, ``all``, and the characters at which a
        stretch of it ``begins`` and ``ends``. Columns: ``characters``, how many; ``loss`` of the intact
        network in nats per character; ``change`` of it by the ablation, above 0 where the unit was of use,
        with the interval ``low`` to ``high``; ``probability`` of the character that came, the mean for the
        intact network, and ``probability_ablated``; ``controls``, the median change by the matched units,
        ``controls_low`` to ``controls_high`` their range; ``ratio`` of the change to the median size of
        theirs; ``exceeded``, how many of them change the loss less. NaN where it cannot be told.
    controls : DataFrame
        One row a control, indexed by address: ``std``, and for each place its change of the loss.
    """

    units: tuple[str, ...]
    std: tuple[float, ...]
    concept: str
    what: str
    text: str
    endings: dict[str, int]
    table: pd.DataFrame
    controls: pd.DataFrame

    @property
    def title(self) -> str:
        more = f" and {len(self.units) - 3} more" if len(self.units) > 3 else ""
        return f"{self.concept} without {', '.join(self.units[:3])}{more}"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The change at each place with its interval, over a dot for each control; on new axes if none are given."""
        rows = self.table.dropna(subset="change")
        ax = ax or new_axes(height=1.0 + 0.25 * len(rows))
        places = list(rows.index)
        if len(self.controls):
            long = self.controls[places].melt(var_name="place", value_name="change")
            sns.stripplot(long, x="change", y="place", order=places, color=CONTROL, size=2.5, jitter=False, ax=ax)
            ax.plot([], [], "o", color=CONTROL, markersize=2.5, label="controls")
        reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["change"].to_numpy())
        names = label(", ".join(self.units), 30)
        ax.errorbar(rows["change"], range(len(rows)), xerr=reach, fmt="D", color=FOCUS, label=names)
        ax.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set_yticks(range(len(rows)), [_TITLES[place] for place in places])
        ax.set(xlabel="change of loss (nats per character)", ylabel=label(self.concept, 30) or "place")
        title(ax, self.title)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        legend_below(ax, 2)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        yield Text(f"Ablated: {self.what}.")
        yield Text(f"Read: {self.text}")
        yield self._card(options.max_width < _WIDE)
        yield from self._endings()
        yield from self._comparison()

    def _card(self, narrow: bool) -> Table:
        names = [self.concept, "chars", "loss\nnats", "change\nnats", "interval\n95 %"]
        names += ["controls\nmedian", "controls\nrange", "ratio"] if len(self.controls) else []
        table = card_table(*names, gap=0 if narrow else 1)
        table.columns[0].max_width = _WIDEST
        for row in self.table.reset_index().to_dict("records"):
            cells = [
                _TITLES[row["place"]],
                f"{row['characters']:,.0f}",
                _number(row["loss"], ""),
                _number(row["change"]),
            ]
            cells.append(_range(row["low"], row["high"]))
            if len(self.controls):
                cells += [_number(row["controls"]), _range(row["controls_low"], row["controls_high"])]
                cells.append(_times(row["ratio"]))
            table.add_row(*cells)
        return table

    def _endings(self) -> RenderResult:
        row, total = self.table.loc["ends"], sum(self.endings.values())
        most = list(self.endings.items())[:3]
        names = ", ".join(f"{visible(character)} {count / total:.0%}" for character, count in most)
        yield Text(
            f"Where it ends ({names}), the character that came had a probability of "
            f"{row['probability']:.3f}; without the unit{'s' if len(self.units) > 1 else ''} "
            f"{row['probability_ablated']:.3f}."
        )

    def _comparison(self) -> RenderResult:
        if not len(self.controls):
            return
        exceeded, count = int(self.table.loc["ends", "exceeded"]), len(self.controls)
        std = np.exp(np.log(np.maximum(self.std, 1e-12)).mean())
        kind = "matched sets" if len(self.units) > 1 else "matched units"
        signals = ", ".join(dict.fromkeys(unit.rpartition(".")[0] for unit in self.units))
        yield Text(
            f"Controls: {count} {kind} of {signals}, ablated in the same way; standard deviation {std:.3g}, "
            f"theirs {self.controls['std'].min():.3g} to {self.controls['std'].max():.3g}. "
            f"Where it ends, the change is larger than that of {exceeded} of {count}. "
            "Ratio: to the median size of their changes."
        )


def _number(value: float, sign: str = "+") -> str:
    if np.isnan(value):
        return "-"
    if abs(value) < 0.0005:
        return "0.000"  # without a sign that says nothing
    return f"{value:{sign}.{3 if abs(value) < 9.9995 else 2}f}"


def _range(low: float, high: float) -> str:
    return "-" if np.isnan(low) else f"{_number(low)} {_number(high):>6}"


def _times(ratio: float) -> str:
    if np.isnan(ratio):
        return "-"
    if abs(ratio) >= _LARGE:
        return f">{_LARGE}×" if ratio > 0 else f"<-{_LARGE}×"
    return f"{ratio:.0f}×" if abs(ratio) >= 10 else f"{ratio:.1f}×"

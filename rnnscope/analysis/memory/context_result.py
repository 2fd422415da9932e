"""What has been found of the context that a network uses: a table, a picture, a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, FOCUS, INK, PALE, given_panels, logarithmic, new_panels, style, title

SHARE = 0.01
"""A loss that is so much above the full context's, as a share of it, is as good."""

_COLOURS = {"truncated": INK, "shuffled": BESIDE, "replaced": FOCUS}


@dataclass(frozen=True, eq=False, repr=False)
class EffectiveContext(Shown):
    """How many characters back the loss of a network depends on. Made by `rnnscope.effective_context`.

    Attributes
    ----------
    characters : float
        The effective context: the smallest number of characters left whose loss is within 1 % of that with
        all of them; infinite if none of those tried is.
    low, high : float
        Its interval of 95 %; like itself among the contexts that were tried.
    loss : float
        With the full context, in nats per character.
    table : DataFrame
        One row a condition. Columns: ``condition``, which is full, truncated, shuffled or replaced; ``from``
        and ``to``, distances from the target in characters, the nearest being 1: of what is left
        where it is truncated, of what is changed where it is shuffled or replaced; ``loss`` in nats per
        character; ``change`` of it against the full context, above 0 where something of use is missing, with
        the interval ``low`` to ``high``.
    text : str
        How much was read.
    """

    characters: float
    low: float
    high: float
    loss: float
    table: pd.DataFrame
    text: str

    @property
    def title(self) -> str:
        if np.isinf(self.characters):
            return f"Effective context: more than {self.table['to'].replace(np.inf, 0).max():,.0f} characters"
        return f"Effective context: {self.characters:,.0f} character{'s' if self.characters > 1 else ''}"

    def rows(self, condition: str) -> pd.DataFrame:
        """The rows of the table of one condition."""
        return self.table.query(f"condition == {condition!r}")

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
        """What it costs to leave some characters alone, and to change them at a distance; on two new axes if not given.

        The costs are in nats; they are linear up to 0.01 and logarithmic from there on.
        """
        left, right = new_panels(1, 2, height=2.5) if ax is None else given_panels(ax, 2)
        self._draw(left, {"truncated": 1.0}, "o-")
        self._draw(right, {"shuffled": 0.96, "replaced": 1.04}, "o")
        if np.isfinite(self.characters):
            left.axvline(self.characters, color=FOCUS, linewidth=0.8, linestyle=":", label="effective context")
        left.set(xlabel="characters left")
        title(left, self.title)
        right.set(xlabel="distance of the stretch (characters)", title="A stretch that is not the true one")
        for one in (left, right):
            one.legend()
        return left, right

    def _draw(self, ax: Axes, shifts: dict[str, float], marks: str) -> None:
        """The change of loss in some conditions, shifted sideways, at the middle of each stretch."""
        for condition, shift in shifts.items():
            rows = self.rows(condition)
            place = rows["to"] if condition == "truncated" else np.sqrt(rows["from"] * rows["to"])
            reach = np.abs(rows[["low", "high"]].to_numpy().T - rows["change"].to_numpy())
            ax.errorbar(
                place * shift, rows["change"], yerr=reach, fmt=marks, color=_COLOURS[condition], label=condition
            )
        ax.axhspan(0, SHARE * self.loss, color=PALE, linewidth=0, zorder=0, label="within 1 % of the loss")
        logarithmic(ax)
        ax.set_yscale("symlog", linthresh=0.01)
        least = np.fmin.reduce(self.table["low"].to_numpy(), initial=0.0)
        most = np.fmax.reduce(self.table["high"].to_numpy(), initial=0.0)
        ax.set_ylim(min(-0.003, 1.5 * least), max(0.03, 2 * most))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        ax.set_ylabel(f"loss above {self.loss:.3f} (nats)")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"{self.title} (95 %: {_count(self.low)} to {_count(self.high)})", style="bold")
        yield Text(
            f"The smallest number of characters left whose loss is within 1 % of {self.loss:.4f} nats per character, "
            f"the loss with all of them. {self.text}"
        )
        yield self._contexts()
        yield Text("The loss when a stretch at a distance from the character to predict is not the true one:")
        yield self._distances()

    def _contexts(self) -> Table:
        table = card_table("left\nchars", "loss\nnats", "change\nnats", "interval\n95 %", "change\n%", words=0)
        for row in self.rows("truncated").to_dict("records"):
            share = f"{row['change'] / self.loss:+.1%}" if self.loss else "-"
            table.add_row(f"{row['to']:,.0f}", f"{row['loss']:.4f}", _number(row["change"]), _range(row), share)
        return table

    def _distances(self) -> Table:
        table = card_table(
            "distance\nchars", "shuffled\nnats", "interval\n95 %", "replaced\nnats", "interval\n95 %", words=0
        )
        shuffled = {row["to"]: row for row in self.rows("shuffled").to_dict("records")}
        for row in self.rows("replaced").to_dict("records"):
            other = shuffled.get(row["to"])
            cells = (_number(other["change"]), _range(other)) if other else ("-", "-")
            far = f"{row['from']:,.0f}" + (f"-{row['to']:,.0f}" if row["to"] > row["from"] else "")
            table.add_row(far, *cells, _number(row["change"]), _range(row))
        return table


def _count(value: float) -> str:
    return "none of these" if np.isinf(value) else f"{value:,.0f}"


def _number(value: float) -> str:
    return "0.0000" if abs(value) < 0.00005 else f"{value:+.4f}"


def _range(row: dict[str, float]) -> str:
    return f"{_number(row['low'])} {_number(row['high']):>7}"

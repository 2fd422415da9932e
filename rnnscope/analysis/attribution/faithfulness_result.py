"""What a faithfulness check has found: a table, a picture, a card that says which attribution to trust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, PALE, colours, label, new_axes, style, title
from rnnscope.text import counted

from .faithfulness_summary import RANDOM


@dataclass(frozen=True, eq=False, repr=False)
class Faithfulness(Shown):
    """Which attributions beat random orders on a network. Made by `rnnscope.faithfulness`.

    Attributes
    ----------
    target : str
    parts : str
        What was deleted one by one: characters or words.
    baseline : str
        What took their place.
    texts, orders : int
        How many texts, and random orders of each.
    left_out : int
        Texts with fewer than two parts to delete.
    table : DataFrame
        One row a method, the best first. Columns: ``deletion`` and ``insertion``, the mean of the target over the
        curve (its area), and ``random``, that of random orders; ``deletion_gain``, by how much the target is lower
        than in random orders, ``insertion_gain``, by how much it is higher, and ``gain``, the mean of the two, in the
        unit of the target: above 0 is better than random. Each with the 95 % interval ``_low`` to ``_high``, over
        texts; of one text, over random orders. ``rank``, the mean over texts, 1 is best, with an interval; ``level``,
        whether the interval of the best method's lead includes 0.
    curves : DataFrame
        One row a ``method``, ``curve`` (deletion or insertion) and ``share`` of the parts: the ``target``, its mean
        over texts; for random orders with the range ``low`` to ``high`` of 95 % of them.
    areas : DataFrame
        One row a text and method: ``text``, ``method``, ``deletion``, ``insertion``, ``random``.
    refused : dict of str to str
        Methods that do not hold for the network, and why.
    """

    target: str
    parts: str
    baseline: str
    texts: int
    left_out: int
    orders: int
    table: pd.DataFrame
    curves: pd.DataFrame
    areas: pd.DataFrame
    refused: dict[str, str]

    @property
    def verdicts(self) -> pd.Series:
        """For each method: yes if the intervals of its gains by deletion and by insertion are above 0.

        ``half`` if one of them is, ``worse`` if that of their mean is below 0, ``no`` otherwise.
        """
        return pd.Series({row["method"]: row["verdict"] for row in self._rows}, name="verdict").rename_axis("method")

    @property
    def _rows(self) -> list[dict[str, Any]]:
        """The table row by row, with its index and the verdict."""
        return [row | {"verdict": _verdict(row)} for row in self.table.reset_index().to_dict("records")]

    @property
    def title(self) -> str:
        return f"Faithfulness of attributions: {self.target}"

    @style()
    def plot(self, ax: Axes | None = None, curve: str = "deletion") -> Axes:
        """The target while parts are deleted, or inserted, a line a method; random orders as a band.

        On new axes if none are given.
        """
        ax = ax or new_axes("page", 2.6)
        rows = self.curves.query("curve == @curve")
        random = rows.query("method == @RANDOM")
        ax.fill_between(random["share"], random["low"], random["high"], color=PALE, label=f"{RANDOM} orders")
        ax.plot(random["share"], random["target"], color=CONTROL, linewidth=0.8)
        order = list(self.table.index)
        sns.lineplot(
            rows.query("method != @RANDOM"), x="share", y="target", hue="method", hue_order=order, style="method",
            style_order=order, palette=colours(order), estimator=None, ax=ax,
        )  # fmt: skip
        done = {"deletion": "deleted", "insertion": "inserted"}[curve]
        measured = self.target if self.texts == 1 else "target, mean over texts"
        ax.set(xlabel=f"share of {self.parts} {done}, most important first", ylabel=label(measured, 40))
        title(ax, self.title)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        texts = counted(self.texts, "text")
        left_out = f" ({self.left_out:,} left out, with fewer than two to delete)" if self.left_out else ""
        yield Text(
            f"{texts}{left_out}, {self.orders} random orders of each; {self.baseline} for what is deleted. "
            "Gain over random orders, in the unit of the target: above 0 is better; intervals of 95 % over "
            f"{'random orders' if self.texts == 1 else 'texts'}."
        )
        yield Text()
        yield self._card()
        yield Text()
        for line in self._advice():
            yield Text(line)

    def _card(self) -> Table:
        table = card_table("method", "deletion", "insertion", "both")
        table.add_column("interval", justify="right", overflow="fold")
        table.add_column("trust", no_wrap=True)
        for row in self._rows:
            table.add_row(
                row["method"], f"{row['deletion_gain']:+.3f}", f"{row['insertion_gain']:+.3f}", f"{row['gain']:+.3f}",
                f"{row['gain_low']:+.2f} to {row['gain_high']:+.2f}", row["verdict"],
            )  # fmt: skip
        return table

    def _advice(self) -> Iterator[str]:
        """Which to trust on this network."""
        rows = self._rows
        good = [row for row in rows if row["verdict"] == "yes"]
        if not good:
            yield "Trust none of them here: none is better than random both by deletion and by insertion."
        else:
            level = [row["method"] for row in good[1:] if row["level"]]
            yield f"Trust {good[0]['method']} first" + (
                f"; as good within the intervals: {', '.join(level)}." if level else "."
            )
        if wrong := [row["method"] for row in rows if row["verdict"] in ("no", "worse")]:
            yield f"Do not trust here: {', '.join(wrong)}."
        for name, why in self.refused.items():
            yield f"Not for this network: {name}. {why.partition('. ')[0].partition(':')[0].rstrip('.')}."


def _verdict(row: dict[str, Any]) -> str:
    better = (row["deletion_gain_low"] > 0) + (row["insertion_gain_low"] > 0)
    if row["gain_high"] < 0:
        return "worse"
    return ("no", "half", "yes")[better]

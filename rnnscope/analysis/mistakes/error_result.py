"""What has been found of the errors of models: tables, a picture, a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import INK, colours, given_panels, logarithmic, new_panels, style

_FEWEST = 10
"""Characters of a range that is drawn."""


@dataclass(frozen=True, eq=False, repr=False)
class ErrorAnalysis(Shown):
    """Which characters models get wrong, side by side. Made by `rnnscope.error_analysis`.

    Losses are in nats per character. NaN where there is no character to tell of.

    Attributes
    ----------
    summary : DataFrame
        One row a model: ``characters`` counted, ``loss``, ``errors``, and their ``share`` of the characters.
    table : DataFrame
        One row a category and model: ``errors``, and their ``share`` of the model's.
    pairs : DataFrame
        One row an ordered pair of models and a category: ``characters`` that the model ``right`` gets right and
        the model ``wrong`` wrong, and their ``share`` of the errors that this one makes in the category. Where one
        of the two is an n-gram, the category of that name is passed over: the next one that holds counts.
    by_class : DataFrame
        One row a class of characters and model: ``characters``, ``loss``, ``errors``.
    by_position : DataFrame
        One row a range of positions and model: positions ``from`` and ``to`` in the document, the first
        character's being 0; ``characters``, ``loss``.
    by_distance : DataFrame
        One row a range of distances and model, for each of quote and bracket (``opened``): steps ``from`` and
        ``to`` since the last opening that is not yet closed; ``characters``, ``loss``; ``closings``, those that
        close it, and their ``closing_loss``.
    definitions : dict of str to str
        What the categories mean. An error belongs to the first one that holds.
    text : str
        How much was read.
    """

    summary: pd.DataFrame
    table: pd.DataFrame
    pairs: pd.DataFrame
    by_class: pd.DataFrame
    by_position: pd.DataFrame
    by_distance: pd.DataFrame
    definitions: dict[str, str]
    text: str

    @property
    def models(self) -> list[str]:
        """The names of the models, networks first."""
        return list(self.summary.index)

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> tuple[Axes, Axes, Axes, Axes]:
        """Errors by category, loss by class, by position and since an opening; on four new axes if none are given.

        The last is left empty where fewer than ten quotes or brackets are closed at any distance.
        """
        categories, by_class, position, distance = new_panels(2, 2, height=5.2) if ax is None else given_panels(ax, 4)
        models = colours(self.models)
        known: Any = self.table[self.table["category"].isin(list(self.definitions))]
        _bars(categories, known, "category", "errors", models)
        categories.set(xlabel="errors", title="Errors by category")
        categories.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        categories.legend()
        _bars(by_class, self.by_class, "class", "loss", models, legend=False)
        by_class.set(xlabel="loss (nats per character)", title="Loss by class of character")
        _lines(position, self.by_position, "loss", "characters", models)
        position.set(xlabel="position in the document (characters)", title="Loss by position")
        styles: dict[str, Literal["-", "--"]] = {"quote": "-", "bracket": "--"}
        closings = self.by_distance.query(f"closings >= {_FEWEST}")
        handles = []
        for opened, rows in closings.groupby("opened", sort=False):
            dashes = styles[str(opened)]
            _lines(distance, rows, "closing_loss", "closings", models, dashes)
            handles.append(Line2D([], [], color=INK, linestyle=dashes, label=str(opened)))
        distance.set(xlabel="steps since the opening one", title="Loss of closing quotes and brackets")
        distance.legend(handles=handles)
        distance.set_visible(bool(handles))
        return categories, by_class, position, distance

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Errors", style="bold")
        yield Text(f"A character is an error of a model that gave it a probability below 0.5. Read: {self.text}.")
        yield self._summary()
        yield Text(
            "Errors by category, each in the first that holds (rnnscope errors --definitions), and their share of the "
            "model's:"
        )
        yield self._categories()
        if len(self.models) > 1:
            first = self.models[0]
            yield Text(f"Characters that {first} gets right and the other wrong : the other way round:")
            yield self._pairs(first)
        yield Text("Loss by class of character (nats):")
        yield self._losses(self.by_class, self.by_class["class"].to_list(), "class", "loss", "characters")
        yield Text("Loss by position in the document (nats):")
        yield self._losses(self.by_position, _spans(self.by_position), "position", "loss", "characters")
        for opened in ("quote", "bracket"):
            rows = self.by_distance.query(f"opened == {opened!r} and closings > 0")
            if len(rows):
                yield Text(f"Loss of the closing {opened} by the steps since the opening one (nats):")
                yield self._losses(rows, _spans(rows), "steps", "closing_loss", "closings")

    def _summary(self) -> Table:
        table = card_table("model", "characters", "loss", "errors", "share", gap=2)
        for model, row in self.summary.iterrows():
            cells = (f"{row['characters']:,.0f}", f"{row['loss']:.4f}", f"{row['errors']:,.0f}", f"{row['share']:.1%}")
            table.add_row(Text(str(model)), *cells)
        return table

    def _categories(self) -> Table:
        table = _beside("category", *self.models)
        cells = self.table.set_index(["category", "model"])
        for category in self.definitions:
            found = [cells.loc[(category, model)] for model in self.models]
            table.add_row(category, *(f"{row['errors']:,.0f} {_percent(row['share']):>4}" for row in found))
        return table

    def _pairs(self, first: str) -> Table:
        others = self.models[1:]
        table = _beside("category", *others)
        counts = self.pairs.pivot_table(index="category", columns=["right", "wrong"], values="characters", sort=False)
        counts = counts.reindex(self.definitions)
        counts.loc["all"] = counts.sum()
        for category, row in counts.iterrows():
            found = [(row[first, other], row[other, first]) for other in others]
            table.add_row(
                str(category), *("-" if np.isnan(won) else f"{won:,.0f} : {lost:,.0f}" for won, lost in found)
            )
        return table

    def _losses(self, rows: pd.DataFrame, labels: list[str], name: str, loss: str, count: str) -> Table:
        table = _beside(name, count, *self.models)
        for label, found in rows.groupby(np.array(labels), sort=False):
            losses = found.set_index("model")[loss]
            cells = ("-" if np.isnan(losses[model]) else f"{losses[model]:.3f}" for model in self.models)
            table.add_row(str(label), f"{found[count].iloc[0]:,}", *cells)
        return table


def _bars(ax: Axes, rows: pd.DataFrame, of: str, measure: str, models: dict[str, str], legend: bool = True) -> None:
    """A bar a model for each row."""
    sns.barplot(
        rows, y=of, x=measure, hue="model", palette=models, errorbar=None, saturation=1, legend=legend, ax=ax
    )  # fmt: skip


def _lines(ax: Axes, rows: pd.DataFrame, loss: str, count: str, models: dict[str, str], dashes: str = "-") -> None:
    """A line a model, at the geometric middle of each range that has enough characters."""
    for model, found in rows[rows[count] >= _FEWEST].groupby("model", sort=False):
        middle = np.sqrt(found["from"] * found["to"])
        ax.plot(middle, found[loss], dashes, marker="o", color=models[str(model)], label=str(model))
    logarithmic(ax)
    ax.set_ylabel("loss (nats per character)")


def _spans(rows: pd.DataFrame) -> list[str]:
    return [f"{low:,} to {high:,}" for low, high in zip(rows["from"], rows["to"], strict=True)]


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{share:.0%}"


def _beside(first: str, *names: str) -> Table:
    """A table with a column of numbers for each name, which is folded where it is long."""
    table = card_table(first, gap=2)
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table

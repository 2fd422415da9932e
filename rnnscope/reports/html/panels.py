"""Panels of the page: a result of rnnscope as sentences, a table and a picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnscope.errors import ReportError
from rnnscope.style import figure_of

from .plain import plain_rows
from .sentences import card_title, sentences

_LARGER = 1.5
"""How much larger a figure for a paper is on a page."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A result on the page.

    Attributes
    ----------
    id : str
        Letters and hyphens; one for each kind of result.
    title : str
    said : list of str
        Sentences: what it means, how it was made, and what was found.
    columns : list of str
    rows : list of list
        Numbers, words, or None where there is no number; "inf" for what is infinite.
    figure : bytes
        An SVG file, the same at each call.
    """

    id: str
    title: str
    said: list[str]
    columns: list[str]
    rows: list[list[Any]]
    figure: bytes


def panel(result: Any, said: Sequence[str] = (), title: str | None = None) -> Panel:
    """Any result of rnnscope as a panel: what has a ``table``, a ``plot`` and a card.

    Parameters
    ----------
    result : a result, such as what `rnnscope.saturation` returns
    said : sequence of str
        Sentences that come first.
    title : str, optional
        If not given, that of the result's card.

    Raises
    ------
    ReportError
        If it is no result of rnnscope.
    """
    parts = ("table", "plot", "__rich_console__")
    if isinstance(result, type) or not all(hasattr(result, part) for part in parts):
        raise ReportError(
            f"A panel shows a result of rnnscope, such as rnnscope.saturation(...) gives; got {type(result).__name__}."
        )
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(result).__name__).lower()
    table = _named(result.table)
    return Panel(
        id=name,
        title=title or card_title(result) or name.replace("-", " ").capitalize(),
        said=[*said, *sentences(result)],
        columns=[str(column) for column in table.columns],
        rows=plain_rows(table),
        figure=svg(result),
    )


def svg(result: Any) -> bytes:
    """The picture of a result as an SVG file, the same at each call, and of a size that is read well on a page."""
    file = io.BytesIO()
    figure_of(result.plot()).savefig(file, format="svg", metadata={"Date": None})
    root = re.compile(rb'(?<= )(width|height)="([\d.]+)pt"')
    return root.sub(lambda found: b'%s="%gpt"' % (found[1], _LARGER * float(found[2])), file.getvalue(), count=2)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose index, if it says something, is its first columns."""
    if isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        return table
    names = [name or "name" for name in table.index.names]
    return table.reset_index(names=names)  # pyright: ignore[reportArgumentType]

"""How results show themselves: where Python prints them, and in a notebook."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from .text import in_a_line

_COLUMNS = 100
"""Characters across a card."""

_ROWS = 20
"""Rows of the table below a card."""

_PRE = (
    "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 0.9em; "
    "line-height: 1.25; white-space: pre; overflow-x: auto; background: none; color: inherit; margin: 0 0 0.5em 0"
)


class Shown:
    """A result that is a card where it is printed, and in a notebook the card over its table.

    A subclass has ``__rich_console__``, and perhaps a DataFrame ``table``. A dataclass among them is made with
    ``repr=False``.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        raise NotImplementedError

    def __repr__(self) -> str:
        return plain(self)

    def _repr_html_(self) -> str:
        table = getattr(self, "table", None)
        return card_html(self) + (table_html(table) if isinstance(table, pd.DataFrame) else "")


def card_table(*titles: str, words: int = 1, gap: int = 1) -> Table:
    """A table of a card, to which rows are to be added: a line below its titles, and no frame.

    Parameters
    ----------
    *titles : str
        Of the columns; each may have several lines.
    words : int
        So many columns, the first ones, hold words, which are folded where there is no room; the others hold numbers.
    gap : int
        How far columns are apart: 1 is narrow, 2 is wide.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    for place, title in enumerate(titles):
        if place < words:
            table.add_column(Text(title), vertical="bottom", overflow="fold")
        else:
            table.add_column(Text(title), justify="right", vertical="bottom", no_wrap=True)
    return table


def plain(renderable: Any, columns: int = _COLUMNS) -> str:
    """What rich would print of it, without colours and without spaces at the ends of lines."""
    console = Console(
        file=io.StringIO(), width=columns, color_system=None, force_terminal=False, force_jupyter=False, _environ={}
    )
    with console.capture() as capture:
        console.print(renderable)
    return encodable("\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n"))


def card_html(renderable: Any, columns: int = _COLUMNS) -> str:
    """What rich would print of it as HTML that reads well on light and on dark."""
    console = Console(
        file=io.StringIO(), width=columns, color_system="truecolor", record=True, force_terminal=True,
        force_jupyter=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(renderable)
    code = console.export_html(inline_styles=True, code_format="{code}")
    code = "\n".join(re.sub(r" +$", "", line) for line in code.rstrip("\n").split("\n"))
    return f'<pre style="{_PRE}">{encodable(code)}</pre>'


def table_html(table: pd.DataFrame, rows: int = _ROWS) -> str:
    """The first rows of a table, behind a line that says how large it is."""
    shown = table.head(rows).map(_cell)
    shown.index = shown.index.map(_named)
    shown.columns = shown.columns.map(_named)
    size = f"{len(table):,} row{'s' * (len(table) != 1)}, {len(table.columns):,} columns"
    first = f" (the first {rows})" if len(table) > rows else ""
    body = shown.to_html(border=0, na_rep="", float_format="{:.4g}".format)
    return encodable(f"<details><summary>Table: {html.escape(size)}{first}</summary>\n{body}\n</details>")


def _cell(value: Any) -> Any:
    """A value whose characters can all be seen."""
    if isinstance(value, (str, tuple, list, dict)):
        return in_a_line(str(value))
    return value


def _named(name: Any) -> Any:
    return tuple(map(_cell, name)) if isinstance(name, tuple) else _cell(name)


def encodable(text: str) -> str:
    """A text that can be written as UTF-8: a lone surrogate becomes its number."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

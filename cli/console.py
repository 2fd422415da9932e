"""Where commands print: a terminal of any width, or plain columns for other programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement, measure_renderables
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

_NARROWEST = 20
"""Columns; a terminal that has fewer breaks the lines by itself."""
_ENDLESS = 1_000_000
_LONG_WORD = 24
"""Letters; where a column may be broken, a longer word is."""


def standard_output(columns: int = 80) -> Console:
    """A terminal as it is; or plain columns, where the output is a file or another program.

    Parameters
    ----------
    columns : int
        Where there is no terminal and COLUMNS is not set: how wide a drawing may be that is made of characters, such
        as a text with bars. Tables and sentences are not broken there.
    """
    return _console(columns)


def standard_error() -> Console:
    """Where progress and notes go."""
    return _console(stderr=True)


def _console(columns: int = 80, stderr: bool = False) -> Console:
    asked = os.environ.get("COLUMNS", "")
    width = max(_NARROWEST, int(asked)) if asked.isdecimal() else None
    terminal = TerminalConsole(highlight=False, stderr=stderr, width=width)
    if not terminal.is_terminal:
        return PlainConsole(width or columns, folded=width is not None, stderr=stderr)
    if terminal.is_dumb_terminal and width is not None:  # rich takes 80 columns for such
        terminal.size = (width, 25)  # pyright: ignore[reportAttributeAccessIssue]
    return terminal


class TerminalConsole(Console):
    """Sets a table that is too wide in parts below each other, each with the table's first column."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        options = options or self.options
        parts = _parts(self, options, renderable) if isinstance(renderable, Table) else [renderable]
        for part in parts:
            yield from super().render(part, options)


class PlainConsole(Console):
    """Columns that other programs can read: no colour, no rule, a row a line; sentences are not broken.

    Parameters
    ----------
    width : int
    folded : bool
        Whether that is the width of tables and sentences too.
    stderr : bool
    """

    def __init__(self, width: int, folded: bool = False, stderr: bool = False) -> None:
        super().__init__(highlight=False, color_system=None, width=width, stderr=stderr, soft_wrap=not folded)
        self._folded = folded
        self._page = TerminalConsole(
            highlight=False, color_system=None, width=width if folded else _ENDLESS, stderr=stderr
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        if isinstance(renderable, Table):
            yield from self._table(renderable)
        elif isinstance(renderable, str | Text):
            yield from self._page.render(renderable)
        else:
            yield from super().render(renderable, options)

    def _table(self, table: Table) -> Iterator[Segment]:
        cells = [cell for column in table.columns for cell in column.cells]
        if any(isinstance(cell, Table) for cell in cells):  # side by side
            for cell in cells:
                yield from self.render(cell)
            return
        if table.title:
            yield from self._page.render(table.title)
        text = "".join(segment.text for segment in self._page.render(_plain(table, self._folded)))
        yield Segment("\n".join(line.rstrip() for line in text.split("\n")))


def _plain(table: Table, folded: bool) -> Table:
    """A table without rules and title, its columns two spaces apart."""
    freed = {} if folded else {"max_width": None, "no_wrap": True}
    columns = [
        replace(column, header=_in_a_line(column.header), **freed)  # pyright: ignore[reportArgumentType]
        for column in table.columns
    ]
    plain = _with(table, columns)
    plain.box, plain.title, plain.pad_edge, plain.padding = None, None, False, (0, 2, 0, 0)
    return plain


def _in_a_line(header: RenderableType) -> RenderableType:
    text = header.plain if isinstance(header, Text) else header
    return Text(text.strip("\n").replace("-\n", "").replace("\n", " ")) if isinstance(text, str) else header


def _parts(console: Console, options: ConsoleOptions, table: Table) -> Iterator[Table]:
    """The columns of a table in so many tables that none is broken in the middle of a word."""
    columns = [_unbroken(console, options, column) for column in table.columns]
    first = columns[:1] if table.show_header else []
    part: list[Column] = []
    for column in columns:
        if len(part) > len(first) and not _fits(console, options, _with(table, [*part, column])):
            yield _with(table, part)
            table = copy(table)
            table.title, part = None, [*first]
        part.append(column)
    yield _with(table, part)


def _with(table: Table, columns: Sequence[Column]) -> Table:
    """A table of some of its columns."""
    found = copy(table)
    found.columns = [replace(column, _index=index) for index, column in enumerate(columns)]
    return found


def _unbroken(console: Console, options: ConsoleOptions, column: Column) -> Column:
    """A column that keeps its words whole, if each of its cells is a word."""
    needed = _measured(console, options, column)
    return replace(column, no_wrap=True) if needed.minimum == needed.maximum <= _LONG_WORD else column


def _fits(console: Console, options: ConsoleOptions, table: Table) -> bool:
    """Whether no column has to be narrower than it can be."""
    narrowest = [replace(column, width=_narrowest(console, options, column)) for column in table.columns]
    needed = Measurement.get(console, options.update(max_width=_ENDLESS), _with(table, narrowest))
    return needed.maximum <= options.max_width


def _narrowest(console: Console, options: ConsoleOptions, column: Column) -> int:
    """The least columns of the page that a column of a table takes."""
    needed = _measured(console, options, column)
    if not column.no_wrap:
        return min(needed.minimum, _LONG_WORD)
    return needed.maximum if column.max_width is None else min(needed.maximum, column.max_width)


def _measured(console: Console, options: ConsoleOptions, column: Column) -> Measurement:
    return measure_renderables(console, options.update(max_width=_ENDLESS), [column.header, *column.cells])

"""A text cut into the lines of a page, each character kept with its step."""

from __future__ import annotations

from collections.abc import Container, Iterator

from rich.cells import cell_len

from rnnscope.text import in_a_line


def lines(text: str, width: int, starts: Container[int] = ()) -> Iterator[list[tuple[int, str]]]:
    """The (step, visible character) pairs of each line: broken after a newline, and where the page ends.

    Parameters
    ----------
    text : str
    width : int
        Columns of the page; a wide character takes two.
    starts : container of int
        Steps that begin a line in any case, as the first of a document does.
    """
    line: list[tuple[int, str]] = []
    used = 0
    for step, character in enumerate(text):
        shown = in_a_line(character)
        size = cell_len(shown) or 1
        if line and (used + size > width or step in starts):
            yield line
            line, used = [], 0
        line.append((step, shown))
        used += size
        if character == "\n":
            yield line
            line, used = [], 0
    if line:
        yield line

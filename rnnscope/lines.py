"""A text cut into the lines of a page, each character kept with its step."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from rich.cells import cell_len

from .text import in_a_line


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
    shown = list(map(in_a_line, text))
    for line in folded(text, [cell_len(character) or 1 for character in shown], width, starts, at_spaces=False):
        yield [(step, shown[step]) for step in line]


def folded(
    characters: Sequence[str], widths: Sequence[int], columns: int, starts: Container[int] = (), at_spaces: bool = True
) -> Iterator[range]:
    """The steps of each line: broken after a newline, and where it ends or after the last space of its second half.

    Parameters
    ----------
    characters : sequence of str
        One for each step.
    widths : sequence of int
        Columns that each takes.
    columns : int
    starts : container of int
        Steps that begin a line in any case.
    at_spaces : bool
        Whether words stay whole that are shorter than half of a line.
    """
    start = used = 0
    space = None
    for step, character in enumerate(characters):
        begins = step in starts
        if step > start and (begins or used + widths[step] > columns):
            stop = step if begins or space is None else space
            yield range(start, stop)
            start, used, space = stop, sum(widths[stop:step]), None
        used += widths[step]
        if character == "\n":
            yield range(start, step + 1)
            start, used, space = step + 1, 0, None
        elif at_spaces and character == " " and used > columns // 2:
            space = step + 1
    if start < len(characters):
        yield range(start, len(characters))

"""A text in the terminal, each character on the colour of its score; a row of bars where there are no colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib
import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from rnnscope.text import in_a_line

COLOURS = matplotlib.colormaps["PuOr_r"]
"""Purple is below zero, white is zero, orange is above (Brewer 2003)."""

_BARS = "▁▂▃▄▅▆▇█"


def reach(scores: np.ndarray) -> float:
    """The largest size of a score; 1 where all are zero."""
    return float(np.abs(scores).max(initial=0)) or 1.0


def is_dark(colour: tuple[float, ...]) -> bool:
    """Whether white can be read on a colour better than black, given as red, green and blue from 0 to 1."""
    red, green, blue = colour[:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5


class Shading:
    """A text to be printed.

    Parameters
    ----------
    characters : sequence of str
        One for each step; those that are longer than a character are set apart.
    scores : array of shape (time,)
    """

    def __init__(self, characters: Sequence[str], scores: np.ndarray) -> None:
        apart = any(len(character) > 1 for character in characters)
        self.names = [f"{name} " if apart else in_a_line(name) for name in characters]
        self.ends = [name == "\n" for name in characters]
        self.scores, self.reach = scores, reach(scores)

    def render(self, console: Console, options: ConsoleOptions) -> RenderResult:
        coloured = console.color_system in ("256", "truecolor") and not console.no_color
        yield Text()
        for line in self._lines(options.max_width):
            yield from [self._coloured(line)] if coloured else self._barred(line)
        yield Text()

    def _lines(self, width: int) -> Iterator[list[int]]:
        """The steps of each line: broken after a newline, and where the page ends."""
        line: list[int] = []
        used = 0
        for step, name in enumerate(self.names):
            size = max(cell_len(name), 1)
            if line and used + size > width:
                yield line
                line, used = [], 0
            line.append(step)
            used += size
            if self.ends[step]:
                yield line
                line, used = [], 0
        if line:
            yield line

    def _coloured(self, line: list[int]) -> Text:
        row = Text(no_wrap=True)
        for step in line:
            row.append(self.names[step], self._style(self.scores[step]))
        return row

    def _style(self, score: float) -> Style:
        colour = COLOURS(0.5 + score / self.reach / 2)
        red, green, blue = (int(255 * part) for part in colour[:3])
        return Style(color="bright_white" if is_dark(colour) else "black", bgcolor=f"rgb({red},{green},{blue})")

    def _barred(self, line: list[int]) -> Iterator[Text]:
        """The line, below it a bar for the size of each score, and a minus below the bars of those below zero."""
        yield Text("".join(self.names[step] for step in line), no_wrap=True)
        bars = [_bar(abs(self.scores[step]) / self.reach) for step in line]
        signs = ["-" if bar != " " and self.scores[step] < 0 else " " for bar, step in zip(bars, line, strict=True)]
        for marks in (bars, signs):
            row = "".join(m.ljust(max(cell_len(self.names[s]), 1)) for m, s in zip(marks, line, strict=True)).rstrip()
            if row:
                yield Text(row, style="dim", no_wrap=True)


def _bar(share: float) -> str:
    place = round(share * len(_BARS))
    return _BARS[place - 1] if place else " "

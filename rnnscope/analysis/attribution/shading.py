"""A text in the terminal, each character on the colour of its score; a row of bars where there are no colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from rnnscope.lines import folded
from rnnscope.style import BARS, SIGNALS, on_colour
from rnnscope.text import in_a_line


def extent(scores: np.ndarray) -> float:
    """The largest size of a score; 1 where all are zero."""
    return float(np.abs(scores).max(initial=0)) or 1.0


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
        self.characters, self.scores, self.extent = characters, scores, extent(scores)

    def render(self, console: Console, options: ConsoleOptions) -> RenderResult:
        coloured = console.color_system in ("256", "truecolor") and not console.no_color
        signed = bool((self.scores < 0).any())
        yield Text()
        for line in folded(self.characters, [max(cell_len(name), 1) for name in self.names], options.max_width):
            yield from [self._coloured(line)] if coloured else self._barred(line)
        yield Text()
        if coloured:
            yield Text("Orange: for the target. Purple: against it." if signed else "Orange: the score.", style="dim")
        else:
            yield Text(f"Bar: the score.{' With a minus below: against the target.' if signed else ''}", style="dim")
        yield Text()

    def _coloured(self, line: range) -> Text:
        row = Text(no_wrap=True)
        for step in line:
            row.append(self.names[step], self._style(self.scores[step]))
        return row

    def _style(self, score: float) -> Style:
        return on_colour(SIGNALS(0.5 + score / self.extent / 2, bytes=True))

    def _barred(self, line: range) -> Iterator[Text]:
        """The line, below it a bar for the size of each score, and a minus below the bars of those below zero."""
        yield Text("".join(self.names[step] for step in line), no_wrap=True)
        bars = [_bar(abs(self.scores[step]) / self.extent) for step in line]
        signs = ["-" if bar != " " and self.scores[step] < 0 else " " for bar, step in zip(bars, line, strict=True)]
        for marks in (bars, signs):
            row = "".join(m.ljust(max(cell_len(self.names[s]), 1)) for m, s in zip(marks, line, strict=True)).rstrip()
            if row:
                yield Text(row, style="dim", no_wrap=True)


def _bar(share: float) -> str:
    place = round(share * len(BARS))
    return BARS[place - 1] if place else " "

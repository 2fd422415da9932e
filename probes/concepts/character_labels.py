"""A text in the terminal with the labels of a concept, to check them by eye."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from rnnscope.concept import Concept
from rnnscope.lines import lines
from rnnscope.reports.scale import Scale
from rnnscope.reports.terminal import bars
from rnnscope.shown import Shown
from rnnscope.style import on_colour
from rnnscope.text import in_a_line

_COLOURS = ("yellow", "cyan", "green", "magenta", "blue", "red", "white")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class CharacterLabels(Shown):
    """The labels of a concept, each as the colour of its character; dim where the concept does not apply.

    Where the terminal has no colours, a row of marks stands below each line instead.

    Parameters
    ----------
    text : str
    labels : array of shape (time,)
    concept : Concept
        That the labels are of.
    """

    def __init__(self, text: str, labels: np.ndarray, concept: Concept) -> None:
        self.text, self.labels, self.concept = text, labels, concept
        there = labels[~np.isnan(labels)]
        self.scale = Scale(float(there.min()), float(there.max())) if len(there) else Scale(0, 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        coloured = console.color_system is not None and not console.no_color
        yield Text.assemble((self.concept.name, "bold"), f"  {self.concept.about}")
        yield Text(self._summary())
        if self.concept.categories:
            yield self._legend(coloured)
        yield Text()
        for line in lines(self.text, options.max_width):
            yield from self._coloured(line) if coloured else self._marked(line)

    def _summary(self) -> str:
        applies = ~np.isnan(self.labels)
        if not applies.any():
            return "It applies to no character here."
        there, parts = self.labels[applies], []
        if not applies.all():
            parts.append(f"applies to {applies.mean():.1%} of {len(self.labels):,} characters")
        if self.concept.kind == "flag":
            parts.append(f"on at {there.mean():.1%} of {len(there):,} characters")
        elif self.concept.kind == "number":
            parts.append(f"from {there.min():g} to {there.max():g}, mean {there.mean():.2f}")
        return ", ".join(parts)

    def _legend(self, coloured: bool) -> Text:
        styles = ((i, name, self._style(i) if coloured else "") for i, name in self._categories())
        return Text(" ").join(Text(f" {_mark(i)} {in_a_line(name)} ", style) for i, name, style in styles)

    def _categories(self) -> Iterator[tuple[int, str]]:
        """Those that occur."""
        for place in np.unique(self.labels[~np.isnan(self.labels)]).astype(int):
            yield place, self.concept.categories[place]

    def _coloured(self, line: list[tuple[int, str]]) -> Iterator[Text]:
        row = Text(no_wrap=True, end="\n")
        for step, character in line:
            row.append(character, self._style(self.labels[step]))
        yield row

    def _style(self, label: float) -> Style:
        if np.isnan(label):
            return Style(dim=True)
        if self.concept.kind == "category":
            return Style(color="black", bgcolor=_COLOURS[int(label) % len(_COLOURS)])
        if self.concept.kind == "flag":
            return Style(reverse=bool(label))
        return on_colour(self.scale.rgb(np.asarray(label)))

    def _marked(self, line: list[tuple[int, str]]) -> Iterator[Text]:
        yield Text("".join(character for _, character in line), no_wrap=True)
        pads = (" " * (cell_len(character) - 1) for _, character in line)
        marks = self._marks(self.labels[[step for step, _ in line]])
        row = "".join(mark + pad for mark, pad in zip(marks, pads, strict=True)).rstrip()
        if row:
            yield Text(row, no_wrap=True)

    def _marks(self, labels: np.ndarray) -> str:
        if self.concept.kind == "number":
            return bars(labels, self.scale).plain
        marks = "".join(" " if np.isnan(label) else _mark(int(label)) for label in cast("list[float]", labels.tolist()))
        return marks if self.concept.kind == "category" else marks.translate({ord("0"): " ", ord("1"): "▔"})


def _mark(place: int) -> str:
    return _DIGITS[place % len(_DIGITS)]

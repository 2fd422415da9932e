"""A text as a picture: characters on coloured cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rnnscope.text import in_a_line

from .shading import COLOURS, folded, is_dark, reach

COLUMNS = 64
"""Characters of a line."""

_NAMES = 16
"""Steps of a line where a step has a name of several characters."""

_MOST = 24
"""Lines at most."""

_WIDTH, _HEIGHT = 0.105, 0.24
"""Inches of a character."""


def draw(characters: Sequence[str], scores: np.ndarray, title: str, axes: Axes | None = None) -> Axes:
    """Draw a text whose characters have scores; on new axes if none are given."""
    single = all(len(name) == 1 for name in characters)
    columns = COLUMNS if single else _NAMES
    rows = _around_the_largest(list(folded(characters, [1] * len(characters), columns)), scores)
    size = (COLUMNS * _WIDTH + 0.9, _HEIGHT * len(rows) + 0.7)
    axes = axes or Figure(figsize=size, layout="constrained").subplots()
    norm = Normalize(-reach(scores), reach(scores))
    cells = np.full((len(rows), columns), np.nan)
    for line, steps in enumerate(rows):
        cells[line, : len(steps)] = scores[list(steps)]
        for column, step in enumerate(steps):
            axes.text(
                *(column, line, in_a_line(characters[step])),
                ha="center",
                va="center",
                family="monospace",
                fontsize=10 if single else 8,
                color="white" if is_dark(COLOURS(norm(scores[step]))) else "black",
                parse_math=False,
            )
    axes.imshow(cells, cmap=COLOURS, norm=norm, aspect="auto", interpolation="nearest")
    axes.set(xticks=[], yticks=range(len(rows)), yticklabels=[str(steps[0]) for steps in rows])
    axes.set_title(in_a_line(title), parse_math=False)
    if sum(map(len, rows)) < len(characters):
        axes.set_xlabel(f"steps {rows[0][0]:,} to {rows[-1][-1]:,} of {len(characters):,}: about the largest score")
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(ScalarMappable(norm, COLOURS), ax=axes, label="score", pad=0.01, aspect=12)
    return axes


def _around_the_largest(rows: list[range], scores: np.ndarray) -> list[range]:
    """As many lines as a picture has room for, with that of the largest score."""
    if len(rows) <= _MOST:
        return rows
    largest = int(np.abs(scores).argmax())
    line = next(line for line, steps in enumerate(rows) if largest in steps)
    first = int(np.clip(line - _MOST // 2, 0, len(rows) - _MOST))
    return rows[first : first + _MOST]

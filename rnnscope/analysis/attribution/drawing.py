"""A text as a picture: characters on coloured cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from rnnscope.lines import folded
from rnnscope.style import SIGNALS, ink, label, new_axes, style, title

from .shading import extent

COLUMNS = 64
"""Characters of a line."""

_NAMES = 16
"""Steps of a line where a step has a name of several characters."""

_MOST = 24
"""Lines at most."""

_HEIGHT = 0.17
"""Inches of a line."""


@style()
def draw(characters: Sequence[str], scores: np.ndarray, words: str, ax: Axes | None = None) -> Axes:
    """Draw a text whose characters have scores, over these words; on new axes if none are given."""
    single = all(len(name) == 1 for name in characters)
    room = COLUMNS if single else _NAMES
    rows = _around_the_largest(list(folded(characters, [1] * len(characters), room)), scores)
    columns = max(map(len, rows))
    ax = ax or new_axes(max(3.3, 6.9 * columns / room), max(1.1, _HEIGHT * len(rows) + 0.7))
    norm = Normalize(-extent(scores), extent(scores))
    cells = np.full((len(rows), columns), np.nan)
    for line, steps in enumerate(rows):
        cells[line, : len(steps)] = scores[list(steps)]
        for column, step in enumerate(steps):
            colour = ink(SIGNALS(norm(scores[step]), bytes=True))
            ax.text(
                column, line, label(characters[step], None if single else 12), ha="center", va="center",
                family="monospace", fontsize=8 if single else 6, color=colour,
            )  # fmt: skip
    ax.imshow(cells, cmap=SIGNALS, norm=norm, aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=range(len(rows)), yticklabels=[str(steps[0]) for steps in rows], ylabel="step")
    title(ax, words)
    drawn = sum(map(len, rows))
    part = f"steps {rows[0][0]:,} to {rows[-1][-1]:,} of {len(characters):,}: about the largest score"
    ax.set_xlabel("text" if drawn == len(characters) else part, loc="left")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(ScalarMappable(norm, SIGNALS), ax=ax, label="score", pad=0.01, aspect=12)
    return ax


def _around_the_largest(rows: list[range], scores: np.ndarray) -> list[range]:
    """As many lines as a picture has room for, with that of the largest score."""
    if len(rows) <= _MOST:
        return rows
    largest = int(np.abs(scores).argmax())
    line = next(line for line, steps in enumerate(rows) if largest in steps)
    first = int(np.clip(line - _MOST // 2, 0, len(rows) - _MOST))
    return rows[first : first + _MOST]

"""Sheets: what fits on a column or a page of a paper, and what the pictures of signals have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from rnnscope.style import SIGNALS, Width

from .scale import Scale


@dataclass(frozen=True)
class Sheet:
    """What fits on a column or a page of a paper: inches, points of type, and characters across."""

    width: float
    height: float
    left: float
    right: float
    header: float
    bar: float
    """From the top to the middle of the bar of colours."""
    across: int
    type: float
    """Of the characters over a heatmap."""
    line: int
    """Characters of a line of text."""
    text: float
    """Their type."""


SHEETS: dict[Width, Sheet] = {
    "column": Sheet(3.3, 8.8, 0.36, 0.03, 0.58, 0.3, 60, 5.5, 54, 6.0),
    "page": Sheet(6.9, 8.8, 0.42, 0.04, 0.5, 0.13, 100, 6.5, 90, 7.5),
}

ASIDE = "#777777"
"""The ink of what has no value."""


def margins(figure: Figure, sheet: Sheet, bottom: float) -> dict[str, float]:
    """Margins given in inches as the shares that matplotlib wants."""
    width, height = figure.get_size_inches()
    return {
        "left": sheet.left / width,
        "right": 1 - sheet.right / width,
        "top": 1 - sheet.header / height,
        "bottom": bottom / height,
    }


def numbered(words: str, pages: int) -> list[str]:
    """The title of each of so many pages."""
    return [words] if pages == 1 else [f"{words}, page {number} of {pages}" for number in range(1, pages + 1)]


def sheet_title(figure: Figure, words: str) -> None:
    """At the left end of the header."""
    width, height = figure.get_size_inches()
    figure.text(0.04 / width, 1 - 0.06 / height, words, ha="left", va="top", fontsize=7.5, weight="bold")


def colour_bar(figure: Figure, scale: Scale, sheet: Sheet) -> None:
    """At the right end of the header."""
    width, height = figure.get_size_inches()
    right, long = width - 0.4, 0.9
    ax = figure.add_axes(((right - long) / width, 1 - (sheet.bar + 0.04) / height, long / width, 0.08 / height))
    ax.imshow(np.linspace(0, 1, 128)[None], aspect="auto", cmap=SIGNALS)
    ax.set_axis_off()
    for x, value, side in ((right - long - 0.05, scale.low, "right"), (right + 0.05, scale.high, "left")):
        words = f"{value:+.2g}" if scale.low < 0 else f"{value:.2g}"
        figure.text(x / width, 1 - sheet.bar / height, words, ha=side, va="center_baseline", fontsize=6)

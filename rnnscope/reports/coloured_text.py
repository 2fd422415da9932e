"""A text as a picture: each character on the colour of a unit's value there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnnscope.lines import lines
from rnnscope.recording.address import Address
from rnnscope.style import FAINT, INK, PALE, Picture, Width, drawable, ink, style

from .scale import Scale
from .sheets import ASIDE, SHEETS, Sheet, colour_bar, margins, numbered, sheet_title

_LINE = 0.155
"""Inches of height for a line of text."""

_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "family": "monospace", "parse_math": False}
_BESIDE: dict[str, Any] = {"ha": "left", "va": "center", "parse_math": False}

Row = str | list[tuple[int, str]]
"""A heading, or the (step, visible character) pairs of a line."""


def coloured_text(
    text: str,
    series: xr.DataArray,
    first_step: int = 0,
    headings: Mapping[int, str] | None = None,
    width: Width = "page",
) -> list[Figure]:
    """A text with each character on the colour of a unit's value there, over the unit's series.

    Parameters
    ----------
    text : str of as many characters as the series has steps
    series : DataArray of dims (time,), named by its address
    first_step : int
        The step of the first character in its trace.
    headings : dict of int to str
        What stands above the line that begins with a step of the series, such as the name of a document.
    width : {"page", "column"}
        Of a paper, 6.9 or 3.3 inches: 90 or 54 characters across.

    Returns
    -------
    list of Figure, one a page
    """
    address, headings = Address.parse(str(series.name)), headings or {}
    values, sheet = np.asarray(series, dtype=np.float64), SHEETS[width]
    scale = Scale.of(address.signal, values)
    rows: list[Row] = []
    for line in lines(text, sheet.line, headings):
        rows += [headings[line[0][0]], line] if line[0][0] in headings else [line]
    per_page = int((sheet.height - 1.4) / _LINE)
    pages = [rows[first : first + per_page] for first in range(0, len(rows), per_page)]
    titles = numbered(str(address), len(pages))
    return [
        _text_page(page, words, values, scale, first_step, sheet) for page, words in zip(pages, titles, strict=True)
    ]


@style()
def _text_page(
    rows: Sequence[Row], words: str, values: np.ndarray, scale: Scale, first_step: int, sheet: Sheet
) -> Figure:
    height, curve, gap = len(rows) * _LINE, 0.65, 0.35
    figure = Picture(figsize=(sheet.width, height + curve + gap + sheet.header - 0.15))
    top, body = figure.subplots(2, 1, height_ratios=[curve, height])
    placed = margins(figure, sheet, 0.05) | {"top": 1 - (sheet.header - 0.2) / figure.get_figheight()}
    figure.subplots_adjust(hspace=2 * gap / (height + curve), **placed)
    steps = [step for row in rows if not isinstance(row, str) for step, _ in row]
    _curve(top, values, steps[0], steps[-1], first_step)
    for heading, line in pairwise(rows):
        if isinstance(heading, str) and not isinstance(line, str):
            top.axvline(first_step + line[0][0], color=PALE, linewidth=0.7, zorder=0)
    _body(body, rows, values, scale, sheet)
    sheet_title(figure, words)
    colour_bar(figure, scale, sheet)
    return figure


def _curve(ax: Axes, values: np.ndarray, first: int, last: int, first_step: int) -> None:
    there = first + np.flatnonzero(~np.isnan(values[first : last + 1]))
    ax.plot(first_step + there, values[there], color=INK, linewidth=0.6)
    ax.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
    ax.set_xlim(first_step + first, first_step + max(last, first + 1))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.margins(y=0.1)
    ax.tick_params(labelsize=6, length=2)
    ax.set_xlabel("step", fontsize=6, labelpad=1)


def _body(ax: Axes, rows: Sequence[Row], values: np.ndarray, scale: Scale, sheet: Sheet) -> None:
    width = max(len(row) for row in rows if not isinstance(row, str))
    colours = np.full((len(rows), max(width, sheet.line), 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        if isinstance(row, str):
            ax.text(-0.5, y, drawable(row[: sheet.line]), color=ASIDE, fontsize=6, **_BESIDE)
            continue
        for x, (step, character) in enumerate(row):
            if not np.isnan(values[step]):
                colours[y, x] = scale.rgb(values[step])
            colour = ASIDE if np.isnan(values[step]) else ink(colours[y, x])
            ax.text(x, y, drawable(character), color=colour, fontsize=sheet.text, **_CENTRED)
    ax.imshow(colours, aspect="auto", interpolation="nearest")
    ax.set_axis_off()

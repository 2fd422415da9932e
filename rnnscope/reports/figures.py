"""Signals as pictures for a page: heatmaps of many units, and a text coloured by one.

Computing and drawing are apart: these functions take series and give matplotlib figures; `save`
writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from scipy.cluster.hierarchy import leaves_list, linkage

from rnnscope.analysis.units import rank_units
from rnnscope.errors import OutputError
from rnnscope.output import atomic_path
from rnnscope.recording.address import Address
from rnnscope.text import Vocabulary, visible

from .lines import lines
from .scale import COLOURS, Scale, is_gate, reach

FORMATS = (".png", ".svg", ".pdf")

PAGE_WIDTH = 10.0  # inches
PAGE_HEIGHT = 13.0
COLUMNS = 100
"""Characters across a page."""
MOST_UNITS = 32
"""Units in a heatmap, if the user names none."""

_ROW = 0.105  # inches of height for one unit
_LINE = 0.19  # inches of height for a line of text
_MARGIN = 0.36

_NOTHING = "#dddddd"
"""The colour of what is not there."""
_ASIDE = "#888888"
"""The ink of what has no value."""

_CENTRED = {"ha": "center", "va": "center", "family": "monospace", "parse_math": False}

Order = Literal["cluster", "address"]

Row = str | list[tuple[int, str]]
"""A heading, or the (step, visible character) pairs of a line."""


def heatmap(
    text: str, series: xr.DataArray, order: Order = "cluster", most: int = MOST_UNITS, first_step: int = 0
) -> list[Figure]:
    """Units down the side, characters along the top, a long text over several rows and pages.

    Gates are drawn in their own range; of a state each unit is drawn in units of its own reach (see
    `rnnscope.reports.scale`), since some live within 0.1 of zero and others go beyond 10. Grey is where
    a layer has no step; a line stands before the first character of a document.

    Parameters
    ----------
    text : str of as many characters as the series has steps
    series : DataArray of dims (time, unit), named by its address
    order : {"cluster", "address"}
        Units that behave alike side by side, or by number.
    most : int
        At most so many units: the most switch-like ones, see `rnnscope.rank_units`.
    first_step : int
        The step of the first character in its trace.

    Returns
    -------
    list of Figure, one a page
    """
    address, series = Address.parse(str(series.name)), series.astype("float64")
    if series.sizes["unit"] > most:
        series = series.sel(unit=np.sort(rank_units(series).switches(most)["unit"]))
    if order == "cluster":
        series = series.isel(unit=_clustered(series.values))
    if is_gate(address.signal):
        scale = Scale.of(address.signal, series.values)
    else:
        scale, series = Scale(-1.0, 1.0), series / reach(series.values, axis=0)
    title = f"{address}: {series.sizes['unit']} units" + ("" if is_gate(address.signal) else ", each by its own reach")
    starts = range(0, len(text), COLUMNS)
    per_page = max(1, int(PAGE_HEIGHT / _panel_height(series)))
    pages = [starts[first : first + per_page] for first in range(0, len(starts), per_page)]
    titles = _numbered(title, len(pages))
    return [_heatmap_page(text, series, scale, *page, first_step) for page in zip(pages, titles, strict=True)]


def _panel_height(series: xr.DataArray) -> float:
    """Inches of one row of the text, its characters included."""
    return series.sizes["unit"] * _ROW + _MARGIN


def _heatmap_page(
    text: str, series: xr.DataArray, scale: Scale, starts: Sequence[int], title: str, first_step: int
) -> Figure:
    height = _panel_height(series)
    figure = Figure(figsize=(PAGE_WIDTH, height * len(starts) + _MARGIN))
    axes = np.atleast_1d(figure.subplots(len(starts), 1))
    figure.subplots_adjust(
        left=0.075, right=0.995, hspace=_MARGIN / (height - _MARGIN), **_vertical_margins(figure, 0.62, 0.08)
    )
    for start, panel in zip(starts, axes, strict=True):
        _heatmap_row(panel, text[start : start + COLUMNS], series[start : start + COLUMNS], scale, first_step + start)
    _title(figure, title)
    _colour_bar(figure, scale)
    return figure


def _heatmap_row(axes: Axes, text: str, series: xr.DataArray, scale: Scale, start: int) -> None:
    sns.heatmap(
        series.values.T,
        ax=axes,
        vmin=scale.low,
        vmax=scale.high,
        cmap=COLOURS.with_extremes(bad=_NOTHING),
        cbar=False,
        xticklabels=False,
        yticklabels=False,
    )
    axes.set_xlim(0, COLUMNS)
    if "document" in series.coords:
        for x in np.flatnonzero(np.diff(series["document"].values)) + 1:
            axes.axvline(float(x), color="black", linewidth=0.8)
    axes.set_yticks(np.arange(series.sizes["unit"]) + 0.5, [str(unit) for unit in series["unit"].values], fontsize=5.5)
    axes.set_xticks(np.arange(len(text)) + 0.5, [_drawable(visible(c)) for c in text], family="monospace", fontsize=7)
    axes.tick_params(axis="both", length=0, pad=1, labelrotation=0)
    axes.xaxis.tick_top()
    for label in axes.get_xticklabels():
        label.set_parse_math(False)
    axes.annotate(
        f"{start:,}", (0, 1), (-4, 3), "axes fraction", "offset points", ha="right", fontsize=6.5, color="#777777"
    )


def coloured_text(
    text: str, series: xr.DataArray, first_step: int = 0, headings: Mapping[int, str] | None = None
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

    Returns
    -------
    list of Figure, one a page
    """
    address, headings = Address.parse(str(series.name)), headings or {}
    values = np.asarray(series, dtype=np.float64)
    scale = Scale.of(address.signal, values)
    rows: list[Row] = []
    for line in lines(text, COLUMNS - 10, headings):
        rows += [headings[line[0][0]], line] if line[0][0] in headings else [line]
    per_page = int((PAGE_HEIGHT - 2.2) / _LINE)
    pages = [rows[first : first + per_page] for first in range(0, len(rows), per_page)]
    titles = _numbered(str(address), len(pages))
    return [_text_page(page, values, scale, title, first_step) for page, title in zip(pages, titles, strict=True)]


def _text_page(rows: Sequence[Row], values: np.ndarray, scale: Scale, title: str, first_step: int) -> Figure:
    height = len(rows) * _LINE
    figure = Figure(figsize=(PAGE_WIDTH, height + 2.0))
    margins = _vertical_margins(figure, 0.62, 0.1)
    top, body = figure.subplots(2, 1, height_ratios=[0.9, height])
    figure.subplots_adjust(left=0.06, right=0.985, hspace=0.4 * 2 / (height + 0.9), **margins)
    steps = [step for row in rows if not isinstance(row, str) for step, _ in row]
    _curve(top, values, steps[0], steps[-1], first_step)
    for heading, line in pairwise(rows):
        if isinstance(heading, str) and not isinstance(line, str):
            top.axvline(first_step + line[0][0], color=_NOTHING, linewidth=0.7, zorder=0)
    _body(body, rows, values, scale)
    _title(figure, title)
    _colour_bar(figure, scale)
    return figure


def _curve(axes: Axes, values: np.ndarray, first: int, last: int, first_step: int) -> None:
    there = first + np.flatnonzero(~np.isnan(values[first : last + 1]))
    axes.plot(first_step + there, values[there], color="#444444", linewidth=0.7)
    axes.axhline(0, color="#bbbbbb", linewidth=0.5, zorder=0)
    axes.set_xlim(first_step + first, first_step + max(last, first + 1))
    axes.margins(y=0.1)
    axes.tick_params(labelsize=6.5, length=2)
    sns.despine(ax=axes)


def _body(axes: Axes, rows: Sequence[Row], values: np.ndarray, scale: Scale) -> None:
    width = max(len(row) for row in rows if not isinstance(row, str))
    colours = np.ones((len(rows), max(width, COLUMNS - 10), 3))
    for y, row in enumerate(rows):
        if isinstance(row, str):
            row = "".join(map(_drawable, row[: COLUMNS - 10]))
            axes.text(-0.5, y, row, color=_ASIDE, fontsize=7, ha="left", va="center", parse_math=False)
            continue
        for x, (step, character) in enumerate(row):
            ink = _ASIDE
            if not np.isnan(values[step]):
                colours[y, x] = scale.rgb(values[step]) / 255
                ink = "white" if colours[y, x] @ (0.299, 0.587, 0.114) < 0.5 else "black"
            axes.text(x, y, _drawable(character), color=ink, fontsize=8, **_CENTRED)
    axes.imshow(colours, aspect="auto", interpolation="nearest")
    axes.set_axis_off()


def save(figures: Sequence[Figure], path: str | Path) -> list[Path]:
    """Write figures: a PDF holds all pages; of PNG and SVG each page is a file, numbered from -1 if there are several.

    Raises
    ------
    OutputError
        If the format is none of PNG, SVG and PDF, or the files cannot be written.
    """
    path = check_format(path)
    if path.suffix.lower() == ".pdf":
        with atomic_path(path) as partial, PdfPages(partial) as pdf:
            for figure in figures:
                pdf.savefig(figure)
        return [path]
    paths = page_paths(path, len(figures))
    for figure, page in zip(figures, paths, strict=True):
        with atomic_path(page) as partial:
            figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)
    return paths


def page_paths(path: Path, pages: int) -> list[Path]:
    """The files that `save` writes for so many pages."""
    if pages == 1 or path.suffix.lower() == ".pdf":
        return [path]
    return [path.with_stem(f"{path.stem}-{number}") for number in range(1, pages + 1)]


def check_format(path: str | Path) -> Path:
    """The path, if its suffix names a format that can be drawn."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"{path} does not name a picture: its ending must be one of {', '.join(FORMATS)}.")
    return path


def _clustered(values: np.ndarray) -> np.ndarray:
    """An order of the columns of (time, unit) that puts those that rise and fall together side by side."""
    values = values[~np.isnan(values).all(axis=1)]
    if values.shape[1] < 3 or len(values) < 2:
        return np.arange(values.shape[1])
    centred = values - values.mean(axis=0)
    scaled = centred / (np.linalg.norm(centred, axis=0) + 1e-9)
    return leaves_list(linkage(scaled.T, method="average", optimal_ordering=True))


def _vertical_margins(figure: Figure, top: float, bottom: float) -> dict[str, float]:
    """Margins given in inches as the shares that matplotlib wants."""
    height = figure.get_figheight()
    return {"top": 1 - top / height, "bottom": bottom / height}


def _numbered(title: str, pages: int) -> list[str]:
    return [title] if pages == 1 else [f"{title}, page {number} of {pages}" for number in range(1, pages + 1)]


def _title(figure: Figure, title: str) -> None:
    figure.text(0.01, 1 - 0.12 / figure.get_figheight(), title, ha="left", va="top", fontsize=10, weight="bold")


def _colour_bar(figure: Figure, scale: Scale) -> None:
    height = figure.get_figheight()
    axes = figure.add_axes((0.74, 1 - 0.24 / height, 0.2, 0.1 / height))
    axes.imshow(np.linspace(0, 1, 128)[None], aspect="auto", cmap=COLOURS)
    axes.set_axis_off()
    for x, value, side in ((0.735, scale.low, "right"), (0.945, scale.high, "left")):
        figure.text(
            x, 1 - 0.19 / height, f"{value:+.2g}" if scale.low < 0 else f"{value:.2g}", ha=side, va="center", fontsize=8
        )


def _drawable(character: str) -> str:
    """A character that the figure's font can draw."""
    return character if _font().get_char_index(ord(character[0])) else Vocabulary.UNKNOWN


@cache
def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont("monospace"))

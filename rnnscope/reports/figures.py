"""Signals as pictures for a paper: heatmaps of many units, and a text coloured by one.

Computing and drawing are apart: these functions take series and give matplotlib figures; `save`
writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.cluster.hierarchy import leaves_list, linkage

from rnnscope.analysis.units import rank_units
from rnnscope.errors import OutputError
from rnnscope.output import atomic_path
from rnnscope.recording.address import Address
from rnnscope.style import FAINT, INK, PALE, SIGNALS, SMALLEST, Picture, Width, drawable, figure_of, ink, style
from rnnscope.text import visible

from .lines import lines
from .scale import Scale, is_gate, reach

FORMATS = (".png", ".svg", ".pdf")

MOST_UNITS = 32
"""Units in a heatmap, if the user names none."""


@dataclass(frozen=True)
class _Sheet:
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


_SHEETS: dict[Width, _Sheet] = {
    "column": _Sheet(3.3, 8.8, 0.36, 0.03, 0.58, 0.3, 60, 5.5, 54, 6.0),
    "page": _Sheet(6.9, 8.8, 0.42, 0.04, 0.5, 0.13, 100, 6.5, 90, 7.5),
}

_ROW = 0.08  # inches of height for one unit
_LINE = 0.155  # inches of height for a line of text
_MARGIN = 0.3

_ASIDE = "#777777"
"""The ink of what has no value."""

_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "family": "monospace", "parse_math": False}
_BESIDE: dict[str, Any] = {"ha": "left", "va": "center", "parse_math": False}

Order = Literal["cluster", "address"]

Row = str | list[tuple[int, str]]
"""A heading, or the (step, visible character) pairs of a line."""


def heatmap(
    text: str,
    series: xr.DataArray,
    order: Order = "cluster",
    most: int = MOST_UNITS,
    first_step: int = 0,
    width: Width = "page",
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
    width : {"page", "column"}
        Of a paper, 6.9 or 3.3 inches: 100 or 60 characters across, in type of 5.5 points or more.

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
    words = f"{address}: {series.sizes['unit']} units" + ("" if is_gate(address.signal) else ", each by its own reach")
    sheet = _SHEETS[width]
    starts = range(0, len(text), sheet.across)
    per_page = max(1, int(sheet.height / _panel_height(series)))
    pages = [starts[first : first + per_page] for first in range(0, len(starts), per_page)]
    titles = _numbered(words, len(pages))
    return [_heatmap_page(text, series, scale, *page, first_step, sheet) for page in zip(pages, titles, strict=True)]


def _panel_height(series: xr.DataArray) -> float:
    """Inches of one row of the text, its characters included."""
    return series.sizes["unit"] * _ROW + _MARGIN


@style()
def _heatmap_page(
    text: str,
    series: xr.DataArray,
    scale: Scale,
    starts: Sequence[int],
    words: str,
    first_step: int,
    sheet: _Sheet,
) -> Figure:
    height = _panel_height(series)
    figure = Picture(figsize=(sheet.width, height * len(starts) - _MARGIN + sheet.header + 0.05))
    panels = np.atleast_1d(figure.subplots(len(starts), 1))
    figure.subplots_adjust(hspace=_MARGIN / (height - _MARGIN), **_margins(figure, sheet, 0.05))
    for start, panel in zip(starts, panels, strict=True):
        part = slice(start, start + sheet.across)
        _heatmap_row(panel, text[part], series[part], scale, first_step + start, sheet)
    _title(figure, words)
    _colour_bar(figure, scale, sheet)
    return figure


def _heatmap_row(ax: Axes, text: str, series: xr.DataArray, scale: Scale, start: int, sheet: _Sheet) -> None:
    sns.heatmap(
        series.values.T,
        ax=ax,
        vmin=scale.low,
        vmax=scale.high,
        cmap=SIGNALS.with_extremes(bad=PALE),
        cbar=False,
        xticklabels=False,
        yticklabels=False,
    )
    ax.set_xlim(0, sheet.across)
    if "document" in series.coords:
        for x in np.flatnonzero(np.diff(series["document"].values)) + 1:
            ax.axvline(float(x), color="black", linewidth=0.8)
    ax.set_yticks(np.arange(series.sizes["unit"]) + 0.5, [str(unit) for unit in series["unit"].values])
    ax.set_xticks(np.arange(len(text)) + 0.5, [drawable(visible(c)) for c in text], family="monospace")
    ax.tick_params(axis="both", length=0, pad=1, labelrotation=0)
    ax.tick_params(axis="x", labelsize=sheet.type)
    ax.tick_params(axis="y", labelsize=SMALLEST)
    ax.xaxis.tick_top()
    for label in ax.get_xticklabels():
        label.set_parse_math(False)
    ax.annotate(f"{start:,}", (0, 1), (-3, 2.5), "axes fraction", "offset points", ha="right", fontsize=6, color=_ASIDE)


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
    values, sheet = np.asarray(series, dtype=np.float64), _SHEETS[width]
    scale = Scale.of(address.signal, values)
    rows: list[Row] = []
    for line in lines(text, sheet.line, headings):
        rows += [headings[line[0][0]], line] if line[0][0] in headings else [line]
    per_page = int((sheet.height - 1.4) / _LINE)
    pages = [rows[first : first + per_page] for first in range(0, len(rows), per_page)]
    titles = _numbered(str(address), len(pages))
    return [
        _text_page(page, words, values, scale, first_step, sheet) for page, words in zip(pages, titles, strict=True)
    ]


@style()
def _text_page(
    rows: Sequence[Row], words: str, values: np.ndarray, scale: Scale, first_step: int, sheet: _Sheet
) -> Figure:
    height, curve, gap = len(rows) * _LINE, 0.65, 0.35
    figure = Picture(figsize=(sheet.width, height + curve + gap + sheet.header - 0.15))
    top, body = figure.subplots(2, 1, height_ratios=[curve, height])
    margins = _margins(figure, sheet, 0.05) | {"top": 1 - (sheet.header - 0.2) / figure.get_figheight()}
    figure.subplots_adjust(hspace=2 * gap / (height + curve), **margins)
    steps = [step for row in rows if not isinstance(row, str) for step, _ in row]
    _curve(top, values, steps[0], steps[-1], first_step)
    for heading, line in pairwise(rows):
        if isinstance(heading, str) and not isinstance(line, str):
            top.axvline(first_step + line[0][0], color=PALE, linewidth=0.7, zorder=0)
    _body(body, rows, values, scale, sheet)
    _title(figure, words)
    _colour_bar(figure, scale, sheet)
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


def _body(ax: Axes, rows: Sequence[Row], values: np.ndarray, scale: Scale, sheet: _Sheet) -> None:
    width = max(len(row) for row in rows if not isinstance(row, str))
    colours = np.full((len(rows), max(width, sheet.line), 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        if isinstance(row, str):
            ax.text(-0.5, y, drawable(row[: sheet.line]), color=_ASIDE, fontsize=6, **_BESIDE)
            continue
        for x, (step, character) in enumerate(row):
            if not np.isnan(values[step]):
                colours[y, x] = scale.rgb(values[step])
            colour = _ASIDE if np.isnan(values[step]) else ink(colours[y, x])
            ax.text(x, y, drawable(character), color=colour, fontsize=sheet.text, **_CENTRED)
    ax.imshow(colours, aspect="auto", interpolation="nearest")
    ax.set_axis_off()


def save(drawn: Sequence[Axes | Sequence[Axes] | Figure], path: str | Path) -> list[Path]:
    """Write figures, or what `.plot()` of results has given.

    A PDF holds all pages; of PNG and SVG each page is a file, numbered from -1 if there are several.

    Raises
    ------
    OutputError
        If the format is none of PNG, SVG and PDF, or the files cannot be written.
    """
    path, figures = check_format(path), [figure_of(one) for one in drawn]
    if path.suffix.lower() == ".pdf":
        with style(), atomic_path(path) as partial, PdfPages(partial, metadata={"CreationDate": None}) as pdf:
            for figure in figures:
                pdf.savefig(figure)
        return [path]
    paths, kind = page_paths(path, len(figures)), path.suffix[1:].lower()
    dated: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {}
    for figure, page in zip(figures, paths, strict=True):
        with style(), atomic_path(page) as partial:
            figure.savefig(partial, format=kind, **dated)
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


def _margins(figure: Figure, sheet: _Sheet, bottom: float) -> dict[str, float]:
    """Margins given in inches as the shares that matplotlib wants."""
    width, height = figure.get_size_inches()
    return {
        "left": sheet.left / width,
        "right": 1 - sheet.right / width,
        "top": 1 - sheet.header / height,
        "bottom": bottom / height,
    }


def _numbered(words: str, pages: int) -> list[str]:
    return [words] if pages == 1 else [f"{words}, page {number} of {pages}" for number in range(1, pages + 1)]


def _title(figure: Figure, words: str) -> None:
    width, height = figure.get_size_inches()
    figure.text(0.04 / width, 1 - 0.06 / height, words, ha="left", va="top", fontsize=7.5, weight="bold")


def _colour_bar(figure: Figure, scale: Scale, sheet: _Sheet) -> None:
    """At the right end of the header."""
    width, height = figure.get_size_inches()
    right, long = width - 0.4, 0.9
    ax = figure.add_axes(((right - long) / width, 1 - (sheet.bar + 0.04) / height, long / width, 0.08 / height))
    ax.imshow(np.linspace(0, 1, 128)[None], aspect="auto", cmap=SIGNALS)
    ax.set_axis_off()
    for x, value, side in ((right - long - 0.05, scale.low, "right"), (right + 0.05, scale.high, "left")):
        words = f"{value:+.2g}" if scale.low < 0 else f"{value:.2g}"
        figure.text(x / width, 1 - sheet.bar / height, words, ha=side, va="center_baseline", fontsize=6)

"""Heatmaps: the units of a signal down the side, the characters of a text along the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnscope.analysis.units import rank_units
from rnnscope.recording.address import Address
from rnnscope.style import PALE, SIGNALS, SMALLEST, Picture, Width, drawable, style
from rnnscope.text import visible

from .ordering import alike
from .scale import Scale, is_gate, reach
from .sheets import ASIDE, SHEETS, Sheet, colour_bar, margins, numbered, sheet_title

MOST_UNITS = 32
"""Units in a heatmap, if the user names none."""

_ROW = 0.08
"""Inches of height for one unit."""

_MARGIN = 0.3
"""Inches between two rows of the text."""

Order = Literal["cluster", "address"]


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
        series = series.isel(unit=alike(series.values[~np.isnan(series.values).all(axis=1)]))
    if is_gate(address.signal):
        scale = Scale.of(address.signal, series.values)
    else:
        scale, series = Scale(-1.0, 1.0), series / reach(series.values, axis=0)
    words = f"{address}: {series.sizes['unit']} units" + ("" if is_gate(address.signal) else ", each by its own reach")
    sheet = SHEETS[width]
    starts = range(0, len(text), sheet.across)
    per_page = max(1, int(sheet.height / _panel_height(series)))
    pages = [starts[first : first + per_page] for first in range(0, len(starts), per_page)]
    titles = numbered(words, len(pages))
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
    sheet: Sheet,
) -> Figure:
    height = _panel_height(series)
    figure = Picture(figsize=(sheet.width, height * len(starts) - _MARGIN + sheet.header + 0.05))
    panels = np.atleast_1d(figure.subplots(len(starts), 1))
    figure.subplots_adjust(hspace=_MARGIN / (height - _MARGIN), **margins(figure, sheet, 0.05))
    for start, panel in zip(starts, panels, strict=True):
        part = slice(start, start + sheet.across)
        _heatmap_row(panel, text[part], series[part], scale, first_step + start, sheet)
    sheet_title(figure, words)
    colour_bar(figure, scale, sheet)
    return figure


def _heatmap_row(ax: Axes, text: str, series: xr.DataArray, scale: Scale, start: int, sheet: Sheet) -> None:
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
    ax.annotate(f"{start:,}", (0, 1), (-3, 2.5), "axes fraction", "offset points", ha="right", fontsize=6, color=ASIDE)

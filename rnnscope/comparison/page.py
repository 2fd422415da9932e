"""A comparison as one page of small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from .columns import column

_ACROSS = 4
_WIDTH, _HEIGHT = 2.6, 2.0  # inches of a picture
_DOT = "#222222"
_LARGE = EngFormatter(sep="")
_LOSSES = ("test", "loss")
"""What differs by little: zero is not in their pictures."""


def draw(experiments: Mapping[str, pd.DataFrame], measures: Sequence[str]) -> Figure:
    """A picture for each measure of each experiment.

    Parameters
    ----------
    experiments : mapping of name to DataFrame
        One row a run, its ``name`` and measures.
    measures : sequence of str
        Columns; one that is finite nowhere has no picture.
    """
    panels = [
        (experiment, measure, runs)
        for experiment, runs in experiments.items()
        for measure in measures
        if np.isfinite(runs[measure]).any()
    ]
    across = min(_ACROSS, max(1, len(panels)))
    down = max(1, -(-len(panels) // across))
    figure = Figure(figsize=(_WIDTH * across, _HEIGHT * down), layout="constrained")
    grid = list(np.atleast_1d(figure.subplots(down, across)).flat)
    for axes, (experiment, measure, runs) in zip(grid, panels, strict=False):
        _draw_measure(axes, runs, measure)
        title = column(measure).title
        axes.set_title(f"{experiment}: {title}" if len(experiments) > 1 else title, fontsize=8)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    return figure


def _draw_measure(axes: Axes, runs: pd.DataFrame, measure: str) -> None:
    """A dot a seed, and the mean of each cell with its standard error."""
    names = list(dict.fromkeys(runs["name"]))
    finite = np.where(np.isfinite(runs[measure]), runs[measure], np.nan)
    rows = pd.DataFrame({"name": runs["name"], measure: finite})
    colours = dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
    sns.stripplot(rows, x=measure, y="name", order=names, color=_DOT, alpha=0.5, size=3, jitter=False, ax=axes)
    sns.pointplot(
        rows,
        x=measure,
        y="name",
        hue="name",
        order=names,
        palette=colours,
        legend=False,
        errorbar="se",
        linestyle="none",
        marker="D",
        markersize=5,
        ax=axes,
    )
    if not measure.startswith(_LOSSES):
        axes.axvline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _LARGE(x) if abs(x) >= 1000 else f"{x:g}"))
    axes.set(xlabel="", ylabel="")
    axes.tick_params(labelsize=7)

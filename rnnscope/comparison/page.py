"""A comparison as one page of small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from .columns import column

_ACROSS = 4
_WIDTH, _HEIGHT, _HEADING = 2.6, 2.0, 0.3  # inches of a picture, and of what stands above those of an experiment
_TITLE = 32
"""Characters in a line of a title."""
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
    drawn = {
        name: [measure for measure in measures if np.isfinite(runs[measure]).any()]
        for name, runs in experiments.items()
    }
    down = [max(1, -(-len(chosen) // _ACROSS)) for chosen in drawn.values()]
    heading = _HEADING * (len(experiments) > 1)
    heights = [heading + _HEIGHT * rows for rows in down]
    figure = Figure(figsize=(_WIDTH * _ACROSS, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, rows, (name, chosen) in zip(parts, down, drawn.items(), strict=True):
        if len(experiments) > 1:
            part.suptitle(name, fontsize=11, fontweight="bold")
        grid = part.subplots(rows, _ACROSS).flat
        for axes, measure in zip_longest(grid, chosen):
            if measure is None:
                axes.set_axis_off()
            else:
                _draw_measure(axes, experiments[name], measure)
                axes.set_title(fill(column(measure).title, _TITLE), fontsize=8)
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

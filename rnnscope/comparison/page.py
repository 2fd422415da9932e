"""A comparison as one page of small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from rnnscope.style import FAINT, INK, SMALLEST, colours, label, new_figure, style, title

from .columns import column

_ACROSS = 4
_EMPTY, _ROW, _HEADING = 0.7, 0.13, 0.3  # inches of a picture, of each of its rows, and above those of an experiment
_LARGE = EngFormatter(sep="")
_LOSSES = ("test", "loss")
"""What differs by little: zero is not in their pictures."""


@style()
def draw(
    experiments: Mapping[str, pd.DataFrame], measures: Sequence[str], figure: Figure | SubFigure | None = None
) -> Figure | SubFigure:
    """A picture for each measure of each experiment; on a new figure if none is given.

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
    each = [_EMPTY + _ROW * len(set(runs["name"])) for runs in experiments.values()]
    heights = [heading + height * rows for height, rows in zip(each, down, strict=True)]
    figure = figure or new_figure("page", sum(heights))
    parts: Any = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, rows, (name, chosen) in zip(parts, down, drawn.items(), strict=True):
        if len(experiments) > 1:
            part.suptitle(label(name), fontsize=8, fontweight="bold")
        _draw_experiment(part.subplots(rows, _ACROSS, squeeze=False, sharey=True), experiments[name], chosen)
    return figure


def _draw_experiment(grid: np.ndarray, runs: pd.DataFrame, measures: Sequence[str]) -> None:
    for place, (ax, measure) in enumerate(zip_longest(grid.flat, measures)):
        if measure is None:
            ax.set_axis_off()
            continue
        _draw_measure(ax, runs, measure)
        title(ax, column(measure).title)
        if place % grid.shape[1]:
            ax.tick_params(axis="y", labelleft=False)


def _draw_measure(ax: Axes, runs: pd.DataFrame, measure: str) -> None:
    """A dot a seed, and the mean of each cell with its standard error."""
    names = list(dict.fromkeys(runs["name"]))
    finite = np.where(np.isfinite(runs[measure]), runs[measure], np.nan)
    rows = pd.DataFrame({"name": runs["name"], measure: finite})
    sns.stripplot(rows, x=measure, y="name", order=names, color=INK, alpha=0.5, size=2, jitter=False, ax=ax)
    sns.pointplot(
        rows,
        x=measure,
        y="name",
        hue="name",
        order=names,
        palette=colours(names),
        legend=False,
        errorbar="se",
        linestyle="none",
        marker="D",
        markersize=3,
        err_kws={"linewidth": 1},
        ax=ax,
    )
    if not measure.startswith(_LOSSES):
        ax.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    ax.grid(axis="x")
    ax.margins(x=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _LARGE(x) if abs(x) >= 1000 else f"{x:g}"))
    ax.set_yticks(range(len(names)), [label(name, 24) for name in names])
    ax.set(xlabel="", ylabel="")
    ax.tick_params(labelsize=SMALLEST + 0.5)

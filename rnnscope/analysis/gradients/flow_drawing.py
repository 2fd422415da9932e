"""What the pictures and cards of gradient flows have alike, of one network and of several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from rich.table import Table
from rich.text import Text

from rnnscope.shown import card_table
from rnnscope.style import title

LEGEND = (
    "Medians over targets. Half-life: steps beyond lag 1. Vanishes: first lag below float32's resolution of what it "
    "is at the smallest lag. Slopes: nats per step; along: of the path along the carried state alone."
)


def draw_norms(ax: Axes, rows: pd.DataFrame, colour: object, band: bool = True, **line: Any) -> None:
    """The median of a signal by lag, with a band between the quartiles; ``rows`` of `GradientFlow.table`."""
    lags: Any = rows["lag"]
    ax.plot(lags, finite(rows["median"]), color=colour, label=rows["signal"].iloc[0], **line)
    if band:
        low, high = finite(rows["lower"]), finite(rows["upper"])
        ax.fill_between(lags, low, high, color=colour, alpha=0.15, linewidth=0)


def draw_bound(ax: Axes, rows: pd.DataFrame, log_bound: float, colour: Any) -> None:
    """The most that is left of a signal's median by a bound in nats per step, from the lag 1 on."""
    lags, median = (rows[name].to_numpy() for name in ("lag", "median"))
    lags, median = lags[lags >= 1], median[lags >= 1]
    if len(lags) < 2 or not np.isfinite([log_bound, median[0]]).all():
        return
    low, high = ax.get_ylim()
    words = f"{rows['signal'].iloc[0]} at most, by the bound: {log_bound:+.2f} nats/step"
    line = median[0] + log_bound / np.log(10) * (lags - lags[0])
    ax.plot(lags, line, "-.", color=colour, linewidth=1, label=words)
    ax.set_ylim(low, min(ax.get_ylim()[1], high + 3))


def finish(ax: Axes, words: str, handles: list[Line2D] | None = None) -> Axes:
    ax.set(xlabel="lag k (steps back)", ylabel="log10 of the gradient's norm")
    title(ax, words)
    ax.grid(axis="y")
    ax.legend(handles=handles)
    return ax


def finite(values: ArrayLike) -> np.ndarray:
    """What can be drawn: NaN instead of -inf."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def summary_card(summary: pd.DataFrame, names: list[str], grouped: bool = False) -> Table:
    """The summary to be printed; grouped, a model's name stands once."""
    titles = ["first\nnorm", "half-life\nsteps", "vanishes\nat lag", "slope\nnats/step", "along\nnats/step"]
    small = bool(summary["below"].any())
    table = card_table(*names, *titles, *(["below\n1.2e-38"] if small else []), words=len(names))
    above = None
    for row in summary.to_dict("records"):
        cells = [Text("" if grouped and name == "model" and row[name] == above else row[name]) for name in names]
        above = row.get("model")
        cells += [f"{row['first']:.2g}", _steps(row["half_life"]), _steps(row["vanishes"])]
        cells += [f"{row[name]:+.3f}" if np.isfinite(row[name]) else "-" for name in ("slope", "slope_along")]
        table.add_row(*cells, *([f"{row['below']:.1%}"] if small else []))
    return table


def _steps(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "never" if np.isinf(value) else f"{value:.1f}" if value % 1 else f"{value:.0f}"

"""Which units to look at first, from their series alone: switches, and those with the longest timescale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.signal
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from rnnscope.recording.address import Address

LONGEST = 20_000
"""Steps that are looked at: the first ones of a longer series."""

_NORMAL_SHARE = 2 / np.pi  # the share of a normal distribution's variance that lies between its halves


@dataclass(frozen=True, eq=False)
class UnitRanking:
    """Units of one signal, most switch-like first.

    Attributes
    ----------
    signal : str
        The signal's address.
    table : DataFrame
        One row a unit, indexed by address: ``unit``; ``switch`` from 0 to 1, higher is more
        switch-like; ``threshold`` between its two modes (of tanh for a cell state); ``on``, the
        share of steps above it; ``dwell``, the mean steps it stays in the rarer mode;
        ``timescale`` in steps, NaN where the text is too short to tell.
    """

    signal: str
    table: pd.DataFrame

    def switches(self, count: int) -> pd.DataFrame:
        """The most switch-like units."""
        return self.table.head(count)

    def longest(self, count: int) -> pd.DataFrame:
        """The units with the longest timescale that the text can tell."""
        return self.table.dropna().sort_values("timescale", ascending=False, kind="stable").head(count)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Timescale against switch-likeness, a dot a unit; on new axes if none are given."""
        axes = sns.scatterplot(self.table, x="switch", y="timescale", size="dwell", ax=axes or Figure().subplots())
        axes.set(yscale="log", title=self.signal, ylabel="timescale (steps)")
        return axes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(title=f"Units of {self.signal}, most switch-like first", title_justify="left")
        table.add_column("unit")
        for name in ("switch", "on", "dwell", "timescale"):
            table.add_column(name, justify="right")
        for row in self.switches(10).reset_index(names="address").to_dict("records"):
            numbers = (f"{row['switch']:.2f}", f"{row['on']:.0%}", f"{row['dwell']:.1f}", steps(row["timescale"]))
            table.add_row(row["address"], *numbers)
        yield table


def steps(timescale: float) -> str:
    """A timescale in words: a dash where it cannot be told."""
    return "-" if np.isnan(timescale) else f"{timescale:,.0f}"


def rank_units(series: xr.DataArray) -> UnitRanking:
    """Rank the units of a signal without any label.

    *Switch*: with the threshold that best parts the series into two groups (Otsu 1979), the share of
    the variance between the groups, rescaled so that a normal distribution has 0 and two values
    alone have 1; times 1 - 1/dwell and 1 - 2/stretches, so that what stays for one step, or flips
    only once in the text, counts for nothing. A cell state is seen through tanh, as the network sees it.

    *Timescale*: the first lag at which the autocorrelation, a linear drift taken out, is below 1/e.
    Beyond a tenth of the series, and for a unit that never changes, it cannot be told: NaN.

    Parameters
    ----------
    series : DataArray of dims (time, unit), as a trace gives it
        Its first 20,000 steps are used.

    Returns
    -------
    UnitRanking
    """
    values = np.asarray(series[:LONGEST], dtype=np.float64)
    seen = np.tanh(values) if Address.parse(str(series.name)).signal == "c" else values
    share, threshold = _two_groups(seen)
    above = seen > threshold
    stretches = 1 + np.count_nonzero(above[1:] != above[:-1], axis=0)
    dwell = _mean_stay(np.where(above.mean(axis=0) > 0.5, ~above, above))
    bimodal = np.clip((share - _NORMAL_SHARE) / (1 - _NORMAL_SHARE), 0, 1)
    table = pd.DataFrame(
        {
            "unit": series["unit"].values,
            "switch": bimodal * (1 - 1 / dwell) * np.clip(1 - 2 / stretches, 0, 1),
            "threshold": threshold,
            "on": above.mean(axis=0),
            "dwell": dwell,
            "timescale": _autocorrelation_time(values),
        },
        index=[f"{series.name}.{unit}" for unit in series["unit"].values],
    )
    return UnitRanking(str(series.name), table.sort_values("switch", ascending=False, kind="stable"))


def _two_groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Otsu's threshold of each column of (time, unit), and the share of variance between its two groups."""
    steps = len(values)
    if steps < 2:
        return np.zeros(values.shape[1]), values[0]
    ranked = np.sort(values, axis=0)
    below = np.arange(1, steps)[:, None] / steps
    mean = ranked.mean(axis=0)
    partial = np.cumsum(ranked - mean, axis=0)[:-1] / steps
    between = partial**2 / (below * (1 - below))
    best = between.argmax(axis=0)
    columns = np.arange(values.shape[1])
    threshold = (ranked[best, columns] + ranked[best + 1, columns]) / 2
    varies = ranked[0] < ranked[-1]
    share = np.divide(between[best, columns], ranked.var(axis=0), out=np.zeros(len(varies)), where=varies)
    return share, threshold


def _mean_stay(inside: np.ndarray) -> np.ndarray:
    """Mean length of the stretches of each boolean column of (time, unit), in steps; 1 where there is none."""
    starts = inside[0].astype(int) + np.count_nonzero(inside[1:] & ~inside[:-1], axis=0)
    return np.maximum(1, np.count_nonzero(inside, axis=0) / np.maximum(1, starts))


def _autocorrelation_time(values: np.ndarray) -> np.ndarray:
    """The first lag at which each column's autocorrelation is below 1/e, in steps; NaN if it cannot be told."""
    blocks = np.array_split(values, -(-values.shape[1] // 128), axis=1)  # the transform of all at once takes gigabytes
    return np.concatenate([_first_lag_below(block) for block in blocks])


def _first_lag_below(values: np.ndarray) -> np.ndarray:
    steps = len(values)
    if steps < 2:
        return np.full(values.shape[1], np.nan)
    residual = scipy.signal.detrend(values, axis=0)
    spectrum = np.fft.rfft(residual, n=2 * steps, axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: 1 + steps // 10]
    low = covariance < covariance[0] / np.e
    told = low.any(axis=0) & (values.min(axis=0) < values.max(axis=0))
    return np.where(told, low.argmax(axis=0), np.nan)

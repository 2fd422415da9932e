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
    Beyond a tenth of the longest document, and for a unit that never changes, it cannot be told: NaN.

    Several documents make one series, but no stretch and no lag reaches from one into the next. Steps
    at which the layer does not step (NaN) are left out.

    Parameters
    ----------
    series : DataArray of dims (time, unit), as a trace gives it
        Its first 20,000 steps are used. Its coordinate ``document``, if it has one, parts the documents.

    Returns
    -------
    UnitRanking
    """
    values, fresh = _steps_of(series[:LONGEST])
    seen = np.tanh(values) if Address.parse(str(series.name)).signal == "c" else values
    share, threshold = _two_groups(seen)
    above = seen > threshold
    flips = np.count_nonzero((above[1:] != above[:-1]) & ~fresh[1:, None], axis=0)
    on = above.sum(axis=0) / max(1, len(above))
    dwell = _mean_stay(np.where(on > 0.5, ~above, above), fresh)
    bimodal = np.clip((share - _NORMAL_SHARE) / (1 - _NORMAL_SHARE), 0, 1)
    table = pd.DataFrame(
        {
            "unit": series["unit"].values,
            "switch": bimodal * (1 - 1 / dwell) * np.clip(1 - 2 / np.maximum(1, fresh.sum() + flips), 0, 1),
            "threshold": threshold,
            "on": on,
            "dwell": dwell,
            "timescale": _autocorrelation_time(values, fresh),
        },
        index=[f"{series.name}.{unit}" for unit in series["unit"].values],
    )
    return UnitRanking(str(series.name), table.sort_values("switch", ascending=False, kind="stable"))


def _steps_of(series: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """The values at the steps that the layer takes, of shape (time, unit), and whether a step is its document's first.

    Where a trace has no step, all units of the signal are NaN.
    """
    values = np.asarray(series, dtype=np.float64)
    taken = ~np.isnan(values).all(axis=1)
    fresh = np.zeros(np.count_nonzero(taken), dtype=bool)
    fresh[:1] = True
    if "document" in series.coords:
        fresh[1:] = np.diff(series["document"].values[taken]) != 0
    return values[taken], fresh


def _two_groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Otsu's threshold of each column of (time, unit), and the share of variance between its two groups."""
    steps = len(values)
    if steps < 2:
        return np.zeros(values.shape[1]), values.sum(axis=0)
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


def _mean_stay(inside: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Mean length of the stretches of each boolean column of (time, unit), in steps; 1 where there is none."""
    before = np.zeros_like(inside)
    before[1:] = inside[:-1] & ~fresh[1:, None]
    starts = np.count_nonzero(inside & ~before, axis=0)
    return np.maximum(1, np.count_nonzero(inside, axis=0) / np.maximum(1, starts))


def _autocorrelation_time(values: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """The first lag at which each column's autocorrelation is below 1/e, in steps; NaN if it cannot be told."""
    blocks = np.array_split(values, -(-values.shape[1] // 128), axis=1)  # the transform of all at once takes gigabytes
    return np.concatenate([_first_lag_below(block, np.flatnonzero(fresh)) for block in blocks])


def _first_lag_below(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    if len(values) < 2:
        return np.full(values.shape[1], np.nan)
    residual = scipy.signal.detrend(values, axis=0)
    longest = np.diff(starts, append=len(values)).max()
    covariance = np.zeros((1 + longest // 10, values.shape[1]))
    for document in np.split(residual, starts[1:]):
        products = _lagged_products(document)[: len(covariance)]
        covariance[: len(products)] += products
    low = covariance < covariance[0] / np.e
    told = low.any(axis=0) & (values.min(axis=0) < values.max(axis=0))
    return np.where(told, low.argmax(axis=0), np.nan)


def _lagged_products(values: np.ndarray) -> np.ndarray:
    """For each lag, the sum over the products of values that far apart, of each column of (time, unit)."""
    spectrum = np.fft.rfft(values, n=2 * len(values), axis=0)
    return np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: len(values)]

"""Which units to look at first, with no label of anything: switches, counters, and the longest timescales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.fft
import scipy.signal
import xarray as xr
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import BESIDE, CATEGORIES, CONTROL, FOCUS, legend_below, logarithmic, new_axes, style, title
from rnnscope.text import counted, visible

from .counters import START, counter_scores
from .unit_series import as_seen, check_dims, text_of

LONGEST = 20_000
"""Steps that are looked at: the first ones of a longer series."""

SWITCH, COUNTER, SLOW = 0.5, 0.4, 20
"""From which value of ``switch``, of ``counter`` and of ``timescale`` on a unit is called so."""

_TOLD = 0.1
"""From which value of ``counter`` on it is said what a unit counts."""

_PRINTED = 8
"""Units of each group on the card."""

_MANY = {"switch": "switch-like", "counter": "counting", "slow": "slow"}

_NORMAL_SHARE = 2 / np.pi  # the share of a normal distribution's variance that lies between its halves


@dataclass(frozen=True, eq=False, repr=False)
class UnitRanking(Shown):
    """Units of one signal, most switch-like first.

    It prints how many there are of each kind, and the best switches, the best counters and the longest memories.

    Attributes
    ----------
    signal : str
        The signal's address.
    table : DataFrame
        One row a unit, indexed by address: ``unit``; ``switch`` from 0 to 1, higher is more
        switch-like; ``threshold`` between its two modes (of tanh for a cell state); ``on``, the
        share of steps above it; ``dwell``, the mean steps it stays in the rarer mode;
        ``timescale`` in steps, NaN where the text is too short to tell; ``counter`` from 0 to 1, higher
        is more linear in the steps since ``event``, which is a character, ``start`` for the document's, or
        empty; NaN where there is nothing to count from; and ``kind``: counter, switch, slow or -.
    """

    signal: str
    table: pd.DataFrame

    def switches(self, count: int) -> pd.DataFrame:
        """The most switch-like units."""
        return self.table.head(count)

    def longest(self, count: int) -> pd.DataFrame:
        """The units with the longest timescale that the text can tell."""
        return self._highest("timescale", count)

    def counters(self, count: int) -> pd.DataFrame:
        """The units that count best, of those whose ``counter`` is at least a tenth."""
        return self._highest("counter", count).query(f"counter >= {_TOLD}")

    def _highest(self, column: str, count: int) -> pd.DataFrame:
        told = self.table.dropna(subset=column)
        return told.sort_values(column, ascending=False, kind="stable").head(count)

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Timescale against switch-likeness, a dot a unit; on new axes if none are given.

        The larger a dot, the longer the unit stays in the rarer of its two modes.
        """
        ax = ax or new_axes(height=2.5)
        kinds = {"counter": FOCUS, "switch": BESIDE, "slow": CATEGORIES[2], "-": CONTROL}
        told = self.table.dropna(subset=["switch", "timescale"]).query("timescale > 0")
        for kind, rows in told.groupby("kind", sort=False):
            size = 6 + 10 * np.log1p(rows["dwell"].fillna(0))
            name = "none of these" if kind == "-" else str(kind)
            ax.scatter(
                rows["switch"], rows["timescale"], size, kinds[str(kind)], alpha=0.7, edgecolors="white",
                linewidths=0.3, label=name,
            )  # fmt: skip
        ax.set(xlabel="switch-likeness (0 to 1)", ylabel="timescale (steps)", xlim=(-0.02, 1.02))
        title(ax, self.signal)
        logarithmic(ax, "y")
        if len(told):
            legend_below(ax, 4, handletextpad=0)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        kinds = self.table["kind"].value_counts()
        told = [f"{kinds[kind]} {name}" for kind, name in _MANY.items() if kind in kinds]
        units = counted(len(self.table), "unit") + (f": {', '.join(told)}" if told else "")
        yield Text.assemble((self.signal, "bold"), f"  {units}")
        groups = (
            ("Most switch-like", self.switches),
            ("Best counters", self.counters),
            ("Longest memory", self.longest),
        )
        for name, best in groups:
            rows = best(_PRINTED)
            yield Text(f"\n{name}", style="bold")
            yield units_table(rows) if len(rows) else Text("none that the text can tell")


def units_table(rows: pd.DataFrame) -> Table:
    """Rows of a ranking, to be printed."""
    table = Table(box=None, pad_edge=False)
    table.add_column("unit", no_wrap=True)
    for name in ("switch", "on", "dwell", "timescale", "counts since"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for address, row in zip(rows.index, rows.to_dict("records"), strict=True):
        numbers = (f"{row['switch']:.2f}", f"{row['on']:.0%}", f"{row['dwell']:.1f}", timescale_words(row["timescale"]))
        table.add_row(address, *numbers, counts_since(row["event"], row["counter"]), row["kind"])
    return table


def timescale_words(timescale: float) -> str:
    """A timescale in words: a dash where it cannot be told."""
    return "-" if np.isnan(timescale) else f"{timescale:,.0f}"


def counts_since(event: str, counter: float) -> Text:
    """What a unit counts from and how well, in words: a dash where that is below a tenth."""
    if not counter >= _TOLD:
        return Text("-")
    return event_name(event).append(f" {counter:.2f}")


def event_name(event: str) -> Text:
    """What a unit counts from, as something that can be seen."""
    return Text(event if event == START else visible(event))


def rank_units(series: xr.DataArray) -> UnitRanking:
    """Rank the units of a signal without any label.

    *Switch*: with the threshold that best parts the series into two groups (Otsu 1979), the share of
    the variance between the groups, rescaled so that a normal distribution has 0 and two values
    alone have 1; times 1 - 1/dwell and 1 - 2/stretches, so that what stays for one step, or flips
    only once in the text, counts for nothing. A cell state is seen through tanh, as the network sees it.

    *Timescale*: the first lag at which the autocorrelation, a linear drift taken out, is below 1/e.
    Beyond a tenth of the longest document, and for a unit that never changes, it cannot be told: NaN.

    *Counter*: how linear a unit is in the steps since the best of many events, each frequent character of the text
    and the document's start: R², times how much the slope of the count lasts: see `rnnscope.analysis.counters`.

    *Kind*: a counter from 0.4 on, else a switch from 0.5 on, else slow from a timescale of 20 steps on. (A count
    that runs to its bound looks like a switch, so it is asked first.)

    Several documents make one series, but no stretch and no lag reaches from one into the next. Steps
    at which the layer does not step (NaN) are left out. A reverse layer counts as it reads: from the end of the
    text, which is its documents' start.

    Parameters
    ----------
    series : DataArray of dims (time, unit), as a trace gives it
        Its first 20,000 steps are used. Its coordinate ``document`` parts the documents, and ``codepoint`` says which
        characters were read; without the latter a unit can only count from the start of its documents.

    Returns
    -------
    UnitRanking

    Raises
    ------
    AddressError
        If the series is not that of a signal.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> ranking = rnnscope.rank_units(rnnscope.trace(model, text)["l0.c"])
    >>> ranking.table.loc["l0.c.170", "kind"]
    'switch'
    >>> ranking.table[["switch", "on", "dwell"]].round(1).loc["l0.c.170"].to_dict()
    {'switch': 0.8, 'on': 0.5, 'dwell': 12.0}
    """
    check_dims(series, ("time", "unit"), "All units of a signal were expected, such as trace['l0.c']")
    address = Address.parse(str(series.name))
    values, fresh, read = _steps_of(series[:LONGEST], address.reverse)
    seen = as_seen(address, values)
    share, threshold = np.array([two_groups(unit) for unit in seen.T.copy()]).reshape(-1, 2).T
    above = seen > threshold
    flips = np.count_nonzero((above[1:] != above[:-1]) & ~fresh[1:, None], axis=0)
    on = above.sum(axis=0) / max(1, len(above))
    dwell = _mean_stay(np.where(on > 0.5, ~above, above), fresh)
    bimodal = np.clip((share - _NORMAL_SHARE) / (1 - _NORMAL_SHARE), 0, 1)
    switch = bimodal * (1 - 1 / dwell) * np.clip(1 - 2 / np.maximum(1, fresh.sum() + flips), 0, 1)
    timescale = _autocorrelation_time(values, fresh)
    counter, event = counter_scores(values, fresh, read)
    table = pd.DataFrame(
        {
            "unit": series["unit"].values,
            "switch": switch,
            "threshold": threshold,
            "on": on,
            "dwell": dwell,
            "timescale": timescale,
            "counter": counter,
            "event": event,
            "kind": np.select(
                [counter >= COUNTER, switch >= SWITCH, timescale >= SLOW], ["counter", "switch", "slow"], "-"
            ),
        },
        index=[f"{series.name}.{unit}" for unit in series["unit"].values],
    )
    return UnitRanking(str(series.name), table.sort_values("switch", ascending=False, kind="stable"))


def _steps_of(series: xr.DataArray, reverse: bool) -> tuple[np.ndarray, np.ndarray, str | None]:
    """The values at the steps that the layer takes, of shape (time, unit), in the order in which it reads; whether a
    step is its document's first; and the characters read.

    Where a trace has no step, all units of the signal are NaN.
    """
    values, text = np.asarray(series, dtype=np.float64), text_of(series)
    taken = np.flatnonzero(np.any(~np.isnan(values), axis=1))[:: -1 if reverse else 1]
    fresh = np.zeros(len(taken), dtype=bool)
    fresh[:1] = True
    if "document" in series.coords:
        fresh[1:] = np.diff(series["document"].values[taken]) != 0
    return values[taken], fresh, None if text is None else "".join(text[step] for step in taken)


def two_groups(values: np.ndarray) -> tuple[float, float]:
    """The share of variance between the two groups that part a series of shape (time,) best, and their threshold.

    Source: Otsu 1979. The threshold lies halfway between the groups; the share of a constant is 0.
    """
    steps = len(values)
    if steps < 2:
        return 0.0, float(values.sum())
    ranked = np.sort(values).astype(np.float64)
    below = np.arange(1, steps) / steps
    partial = np.cumsum(ranked - ranked.mean())[:-1] / steps
    between = partial**2 / (below * (1 - below))
    best = between.argmax()
    share = between[best] / ranked.var() if ranked[0] < ranked[-1] else 0.0
    return float(share), float(ranked[best] + ranked[best + 1]) / 2


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
        products = _lagged_products(document, len(covariance))
        covariance[: len(products)] += products
    low = covariance < covariance[0] / np.e
    told = low.any(axis=0) & (values.min(axis=0) < values.max(axis=0))
    return np.where(told, low.argmax(axis=0), np.nan)


def _lagged_products(values: np.ndarray, lags: int) -> np.ndarray:
    """For each lag, the sum over the products of values that far apart, of each column of (time, unit)."""
    lags = min(lags, len(values))
    size = scipy.fft.next_fast_len(len(values) + lags, real=True)
    spectrum = np.fft.rfft(values, n=size, axis=0)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=size, axis=0)[:lags]

"""How units respond to what the network reads: their mean change at each character and short sequence of characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text
from scipy.sparse import csr_array

from rnnscope.arguments import whole
from rnnscope.shown import Shown
from rnnscope.style import FAINT, SIGNALS, label, new_axes, style, title
from rnnscope.text import visible

from .unit_series import UnitSeries

_LONGEST = 3
_FEWEST, _SHARE = 20, 500
_SURE = 3  # standard errors
_LARGE = 0.25  # standard deviations of the series
_UNLIKE = 2  # times the response that it is compared with, or the inverse


@dataclass(frozen=True, eq=False, repr=False)
class Responses(Shown):
    """The expected response of a unit to characters, and to two and three in a row.

    It prints what raises and what lowers the unit: by how many standard deviations, to which value, and how often.

    Attributes
    ----------
    address : str
    deviation : float
        Standard deviation of the unit's series.
    table : DataFrame
        One row an n-gram, by the size of its effect: ``ngram``, as it stands in the text; ``count``;
        ``response``, the mean change of the unit at its last character, and its standard ``error``; ``effect``,
        the response in standard deviations of the series; ``value``, the mean value after it; ``distinct``,
        whether the response differs from that of the n-gram without its first character (of a single character:
        from that to any). A reverse layer reads the last character first.
    """

    address: str
    deviation: float
    table: pd.DataFrame

    def on(self, count: int) -> pd.DataFrame:
        """What raises the unit most, if by a quarter standard deviation; of n-grams that say the same, the shortest."""
        return self.table.query(f"distinct and effect > {_LARGE}").head(count)

    def off(self, count: int) -> pd.DataFrame:
        """What lowers the unit most."""
        return self.table.query(f"distinct and effect < {-_LARGE}").head(count)

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The ten strongest responses each way as bars; on new axes if none are given."""
        rows = pd.concat([self.on(10), self.off(10)[::-1]])
        ax = ax or new_axes(height=0.8 + 0.15 * max(4, len(rows)))
        names = [label("".join(map(visible, ngram))) for ngram in rows["ngram"]]
        ax.barh(range(len(rows)), rows["effect"], color=SIGNALS(np.where(rows["effect"] > 0, 0.85, 0.15)))
        ax.set_yticks(range(len(rows)), names, family="monospace")
        ax.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set(xlabel="mean change (standard deviations)", ylabel="read", ylim=(max(0, len(rows) - 1) + 0.6, -0.6))
        title(ax, self.address)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid = Table.grid(padding=(0, 3))
        grid.add_row(_side("raised by", self.on(8)), _side("lowered by", self.off(8)))
        yield grid


def _side(title: str, rows: pd.DataFrame) -> Table | Text:
    if rows.empty:
        return Text(f"{title}: nothing")
    table = Table(box=None, pad_edge=False)
    table.add_column(title, no_wrap=True)
    for name in ("sd", "to", "times"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows.to_dict("records"):
        ngram = Text("".join(map(visible, row["ngram"])), style="bold")
        table.add_row(ngram, f"{row['effect']:+.2f}", f"{row['value']:+.2f}", f"{row['count']:,}")
    return table


@dataclass(frozen=True, eq=False)
class SignalResponses:
    """The expected responses of all units of a signal, as `Responses` has those of one.

    Attributes
    ----------
    units : tuple of str
        Their addresses.
    ngrams : list of str
        As they stand in the text.
    count : int array of shape (ngram,)
    deviation : array of shape (unit,)
        Standard deviation of each unit's series.
    response, error, effect, value : arrays of shape (ngram, unit)
    distinct : bool array of shape (ngram, unit)
    """

    units: tuple[str, ...]
    ngrams: list[str]
    count: np.ndarray
    deviation: np.ndarray
    response: np.ndarray
    error: np.ndarray
    effect: np.ndarray
    value: np.ndarray
    distinct: np.ndarray

    def of(self, place: int) -> Responses:
        """The responses of one unit."""
        names = ("response", "error", "effect", "value", "distinct")
        columns = {name: getattr(self, name)[:, place] for name in names}
        table = pd.DataFrame({"ngram": pd.Series(self.ngrams, dtype=object), "count": self.count, **columns})
        order = np.argsort(-np.abs(self.effect[:, place]), kind="stable")
        return Responses(self.units[place], float(self.deviation[place]), table.iloc[order].reset_index(drop=True))

    def on(self, count: int) -> pd.DataFrame:
        """What raises each unit most, as `Responses.on`: ``unit``, its place, ``ngram``, ``effect`` and ``count``."""
        return self._strongest(self.distinct & (self.effect > _LARGE), count)

    def off(self, count: int) -> pd.DataFrame:
        """What lowers each unit most."""
        return self._strongest(self.distinct & (self.effect < -_LARGE), count)

    def _strongest(self, chosen: np.ndarray, count: int) -> pd.DataFrame:
        ngram, unit = np.nonzero(chosen)
        order = np.lexsort((ngram, -np.abs(self.effect[ngram, unit]), unit))
        ngram, unit = ngram[order], unit[order]
        first = np.arange(len(unit)) - unit.searchsorted(unit) < count
        ngram, unit = ngram[first], unit[first]
        ngrams = [self.ngrams[place] for place in ngram]
        return pd.DataFrame(
            {"unit": unit, "ngram": ngrams, "effect": self.effect[ngram, unit], "count": self.count[ngram]}
        )


def responses(series: xr.DataArray, fewest: int = _FEWEST) -> Responses:
    """The mean change of a unit at each character, and at each that follows one or two given others.

    The expected response of RNNVis (Ming et al. 2017), to n-grams too. The change is that since the
    step before, in the same document; a document's first step has none, and an n-gram lies within one document.
    Of a reverse layer, which reads from the end, the step before is the next one of the text.

    An n-gram is called distinct if its response differs from that of its own suffix by more than three standard
    errors of the difference and by more than a quarter of the series' standard deviation, and is more than twice
    that response, less than half of it, or of the other sign. The standard error takes the occurrences as independent.

    Parameters
    ----------
    series : DataArray of dims (time,)
        A unit of a trace, in memory or on disk, or some steps of it.
    fewest : int
        Occurrences below which an n-gram is left out.

    Returns
    -------
    Responses

    Raises
    ------
    AddressError, TextError
        As of `rnnscope.top_contexts`.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"You are late," said Anna, and sat down. "I know."\\n' * 20, signals=["c"])
    >>> found = rnnscope.responses(trace["l0.c.170"])
    >>> found.on(1)[["ngram", "effect"]].round(1).values.tolist()
    [[' "', 2.3]]
    """
    fewest = whole(fewest, "fewest", 1)
    return _responses(UnitSeries.read(series), (str(series.name),), fewest).of(0)


def often_enough(steps: int) -> int:
    """Occurrences that an n-gram needs in so many steps: 20, in a short text one in 500 steps, but 3."""
    return min(_FEWEST, max(3, steps // _SHARE))


def signal_responses(series: xr.DataArray, fewest: int = _FEWEST) -> SignalResponses:
    """The responses of all units of a signal, in one go: see `responses`.

    Parameters
    ----------
    series : DataArray of dims (time, unit)
        A signal of a trace, in memory or on disk; it is read once, and held.
    fewest
        As of `responses`.
    """
    read = UnitSeries.read_signal(series)
    return _responses(read, tuple(f"{series.name}.{unit}" for unit in series["unit"].values), fewest)


def _responses(series: UnitSeries, names: tuple[str, ...], fewest: int) -> SignalResponses:
    series = series.as_read()
    same = series.document[series.steps[1:]] == series.document[series.steps[:-1]]
    alphabet, letters = np.unique(series.codes, return_inverse=True)
    levels = _levels(letters, len(alphabet), series.steps[1:][same], series.document, fewest)
    parts = [_figures(levels, values, same) for values in series.blocks()]
    ngrams = [ngram for level in levels for ngram in level.spelled(alphabet)]
    return SignalResponses(
        names,
        [ngram[::-1] for ngram in ngrams] if series.address.reverse else ngrams,
        np.concatenate([level.count for level in levels]),
        **{name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]},
    )


@dataclass(frozen=True, eq=False)
class _Level:
    """The n-grams of one length that occur often enough, by key: a number whose lowest digit is the last character.

    ``places`` are the changes at which one ends and ``which`` says which one; ``suffix`` is, of each, the place of the
    n-gram without its first character among those of the level before.
    """

    length: int
    keys: np.ndarray
    count: np.ndarray
    places: np.ndarray
    which: np.ndarray
    suffix: np.ndarray

    def means(self, values: np.ndarray) -> np.ndarray:
        """The mean over each n-gram of values (occurrence, unit), which stand in the order of ``places``."""
        ends, size = np.concatenate(([0], self.count.cumsum())), len(self.which)
        members = csr_array((np.ones(size), self.which.argsort(kind="stable"), ends), (len(self.keys), size))
        return (members @ values) / self.count[:, None]

    def spelled(self, alphabet: np.ndarray) -> list[str]:
        size = len(alphabet)
        digits = [alphabet[self.keys // size**back % size] for back in reversed(range(self.length))]
        return ["".join(map(chr, codes)) for codes in zip(*digits, strict=True)]


def _levels(letters: np.ndarray, base: int, at: np.ndarray, document: np.ndarray, fewest: int) -> list[_Level]:
    """The n-grams of each length that end at the given steps, with places among these."""
    levels: list[_Level] = []
    for length in range(1, _LONGEST + 1):
        inside = np.flatnonzero((at >= length - 1) & (document[np.maximum(at - length + 1, 0)] == document[at]))
        keys = np.zeros(len(inside), dtype=np.int64)
        for back in reversed(range(length)):
            keys = keys * base + letters[at[inside] - back]
        found, which, count = np.unique(keys, return_inverse=True, return_counts=True)
        often = count >= max(2, fewest)
        kept, number = often[which], often.cumsum() - 1
        suffix = levels[-1].keys.searchsorted(found[often] % base ** (length - 1)) if levels else np.empty(0, int)
        levels.append(_Level(length, found[often], count[often], inside[kept], number[which[kept]], suffix))
    return levels


def _figures(levels: list[_Level], taken: np.ndarray, same: np.ndarray) -> dict[str, np.ndarray]:
    """Of each n-gram and unit what `SignalResponses` has, from the values (time, unit) of some units."""
    changes, values = np.diff(taken, axis=0)[same], taken[1:][same]
    deviation, size = taken.std(axis=0), max(1, len(changes))
    suffix, suffix_error = changes.sum(axis=0) / size, changes.std(axis=0) / np.sqrt(size) if len(changes) else 0.0
    rows: dict[str, list[np.ndarray]] = {"response": [], "error": [], "value": [], "distinct": []}
    for level in levels:
        of_this = changes[level.places]
        mean = level.means(of_this)
        error = np.sqrt(level.means((of_this - mean[level.which]) ** 2) / np.maximum(1, level.count - 1)[:, None])
        if level.length > 1:
            suffix, suffix_error = rows["response"][-1][level.suffix], rows["error"][-1][level.suffix]
        sure = np.abs(mean - suffix) > np.maximum(_SURE * np.hypot(error, suffix_error), _LARGE * deviation)
        for name, figure in (
            ("response", mean),
            ("error", error),
            ("value", level.means(values[level.places])),
            ("distinct", sure & _unlike(mean, suffix)),
        ):
            rows[name].append(figure)
    figures = {name: np.concatenate(parts) for name, parts in rows.items()}
    effect = figures["response"] / np.where(deviation > 0, deviation, np.inf)
    return figures | {"effect": effect, "deviation": deviation}


def _unlike(mean: np.ndarray, suffix: np.ndarray | float) -> np.ndarray:
    """Whether a response is more than twice another, less than half of it, or of the other sign."""
    ratio = np.divide(mean, suffix, out=np.full_like(mean, np.inf), where=np.asarray(suffix != 0))
    return (ratio < 1 / _UNLIKE) | (ratio > _UNLIKE)

"""How a unit responds to what the network reads: its mean change at each character and short sequence of characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.text import visible

from .unit_series import UnitSeries

_LONGEST = 3
_FEWEST = 20
_SURE = 3  # standard errors
_LARGE = 0.25  # standard deviations of the series
_UNLIKE = 2  # times the response that it is compared with, or the inverse


@dataclass(frozen=True, eq=False)
class Responses:
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

    def plot(self, axes: Axes | None = None) -> Axes:
        """The ten strongest responses each way as bars; on new axes if none are given."""
        axes = axes or Figure().subplots()
        rows = pd.concat([self.on(10), self.off(10)[::-1]])
        shown = rows.assign(ngram=["".join(map(visible, ngram)) for ngram in rows["ngram"]])
        sns.barplot(shown, x="effect", y="ngram", color="tab:gray", ax=axes)
        axes.set(title=self.address, xlabel="mean change (standard deviations)", ylabel="")
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
            label.set_fontfamily("monospace")
        return axes

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


def responses(series: xr.DataArray, text: str, fewest: int = _FEWEST) -> Responses:
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
        A unit of a trace, in memory or on disk.
    text : str
        The text of the trace.
    fewest : int
        Occurrences below which an n-gram is left out.

    Returns
    -------
    Responses

    Raises
    ------
    AddressError, TextError
        If the series is not that of one unit, or the text is not that of the series.
    """
    unit = UnitSeries.read(series, text).as_read()
    same = unit.document[unit.steps[1:]] == unit.document[unit.steps[:-1]]
    changes, at = np.diff(unit.taken)[same], unit.steps[1:][same]
    values, deviation = unit.taken[1:][same], float(unit.taken.std())
    alphabet, letters = np.unique(unit.codes, return_inverse=True)
    levels = []
    for length in range(1, _LONGEST + 1):
        inside = unit.document[np.maximum(at - length + 1, 0)] == unit.document[at]
        inside &= at >= length - 1
        keys = _pack(letters, at[inside], length, len(alphabet))
        levels.append(_level(keys, changes[inside], values[inside], fewest).assign(length=length))
    _add_suffixes(levels, changes, len(alphabet))
    table = pd.concat(levels, ignore_index=True)
    table = _finished(table, alphabet, deviation)
    if unit.address.reverse:
        table["ngram"] = table["ngram"].str[::-1]
    return Responses(str(series.name), deviation, table)


def _pack(letters: np.ndarray, at: np.ndarray, length: int, base: int) -> np.ndarray:
    """The n-gram that ends at each step as one number, whose last character is the lowest digit."""
    keys = np.zeros(len(at), dtype=np.int64)
    for back in reversed(range(length)):
        keys = keys * base + letters[at - back]
    return keys


def _level(keys: np.ndarray, changes: np.ndarray, values: np.ndarray, fewest: int) -> pd.DataFrame:
    """Count, mean change with its standard error, and mean value of each key that occurs often enough."""
    found, which, count = np.unique(keys, return_inverse=True, return_counts=True)
    mean = np.bincount(which, changes, len(found)) / count
    squares = np.bincount(which, (changes - mean[which]) ** 2, len(found))
    error = np.sqrt(squares / np.maximum(1, count - 1) / count)
    value = np.bincount(which, values, len(found)) / count
    columns = {"key": found, "count": count, "response": mean, "error": error, "value": value}
    often = count >= max(2, fewest)
    return pd.DataFrame({name: column[often] for name, column in columns.items()})


def _add_suffixes(levels: list[pd.DataFrame], changes: np.ndarray, base: int) -> None:
    """Beside each n-gram the response of the n-gram without its first character, and its standard error."""
    levels[0]["suffix"] = changes.mean() if len(changes) else 0.0
    levels[0]["suffix_error"] = changes.std() / np.sqrt(len(changes)) if len(changes) else 0.0
    for length, (shorter, longer) in enumerate(zip(levels, levels[1:], strict=False), start=1):
        place = shorter["key"].to_numpy().searchsorted(longer["key"].to_numpy() % base**length)
        longer["suffix"] = shorter["response"].to_numpy()[place]
        longer["suffix_error"] = shorter["error"].to_numpy()[place]


def _finished(table: pd.DataFrame, alphabet: np.ndarray, deviation: float) -> pd.DataFrame:
    difference = (table["response"] - table["suffix"]).abs()
    sure = _SURE * np.hypot(table["error"], table["suffix_error"])
    ratio = table["response"] / table["suffix"].where(table["suffix"] != 0)
    unlike = ~ratio.between(1 / _UNLIKE, _UNLIKE)
    table["distinct"] = (difference > sure) & (difference > _LARGE * deviation) & unlike
    table["effect"] = table["response"] / deviation if deviation > 0 else 0.0
    table["ngram"] = [
        "".join(chr(alphabet[key // len(alphabet) ** back % len(alphabet)]) for back in reversed(range(length)))
        for key, length in zip(table["key"], table["length"], strict=True)
    ]
    order = np.argsort(-np.abs(table["effect"].to_numpy(dtype=float)), kind="stable")
    columns = ["ngram", "count", "response", "error", "effect", "value", "distinct"]
    return table[columns].iloc[order].reset_index(drop=True)

"""Where in a corpus units are highest and lowest, with the text around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.arguments import whole
from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import SIGNALS, legend_below, new_axes, style, title
from rnnscope.text import in_a_line

from .unit_series import UnitSeries, as_seen
from .units import two_groups

_PAST = 2 / 3
"""Of the room for text, the share before the place: what the network has read."""


@dataclass(frozen=True, eq=False, repr=False)
class Contexts(Shown):
    """The places where a unit is highest, and where it is lowest.

    Attributes
    ----------
    address : str
    table : DataFrame
        One row a place, the highest ones first and of each end the most extreme first: ``end``, highest or lowest;
        ``value``; ``step``; ``document``, its number; and the text ``before`` the step, ``at`` it and ``after``.
    """

    address: str
    table: pd.DataFrame

    @property
    def highest(self) -> pd.DataFrame:
        """The places where the unit is highest."""
        return self.table.query("end == 'highest'")

    @property
    def lowest(self) -> pd.DataFrame:
        """The places where the unit is lowest."""
        return self.table.query("end == 'lowest'")

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Value against step, a dot a place; on new axes if none are given."""
        ax = ax or new_axes()
        for end, rows in (("highest", self.highest), ("lowest", self.lowest)):
            ax.scatter(rows["step"], rows["value"], 9, color=SIGNALS(0.85 if end == "highest" else 0.15), label=end)
        ax.set(xlabel="step", ylabel="value of the unit")
        ax.xaxis.set_major_formatter("{x:,g}")
        title(ax, f"Where {self.address} is highest and lowest")
        legend_below(ax, handletextpad=0)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for end, rows in (("highest", self.highest), ("lowest", self.lowest)):
            yield self._places(end, rows, options.max_width) if len(rows) else Text(f"{end}: the unit never changes")

    def _places(self, end: str, rows: pd.DataFrame, width: int) -> Table:
        table = Table(box=None, pad_edge=False, show_edge=False)
        table.add_column(end, justify="right", no_wrap=True)
        table.add_column("step", justify="right", no_wrap=True)
        several = len(set(self.table["document"])) > 1
        if several:
            table.add_column("document", justify="right", no_wrap=True)
        room = max(12, width - (30 if several else 20))
        past = int(room * (1 - _PAST if Address.parse(self.address).reverse else _PAST))
        table.add_column(" " * past + "▼", no_wrap=True)
        for row in rows.to_dict("records"):
            numbers = [f"{row['value']:+.2f}", f"{row['step']:,}", *([f"{row['document']}"] if several else [])]
            table.add_row(*numbers, _context(row["before"], row["at"], row["after"], past, room))
        return table


def _context(before: str, at: str, after: str, past: int, room: int) -> Text:
    """A place with the text around it, in so many columns; the place itself is in the same column in each."""
    left = _fitting(before[::-1], past)[::-1]
    right = _fitting(after, room - past - cell_len(in_a_line(at)))
    pad = " " * (past - cell_len(left))
    return Text.assemble((pad + left, "dim"), (in_a_line(at), "bold reverse"), (right, "dim"))


def _fitting(text: str, columns: int) -> str:
    shown, used = [], 0
    for character in in_a_line(text):
        used += cell_len(character)
        if used > columns:
            break
        shown.append(character)
    return "".join(shown)


def top_contexts(series: xr.DataArray, count: int = 10, width: int = 60) -> Contexts:
    """The places in the text where a unit is highest, and where it is lowest.

    A stretch of steps above the unit's threshold (Otsu's, see `rnnscope.rank_units`) gives one high place at most,
    its peak; one below it gives one low place. Places of one kind are at least ``width`` steps apart. No stretch and
    no context reaches from one document into the next.

    Parameters
    ----------
    series : DataArray of dims (time,)
        A unit of a trace, in memory or on disk, or some steps of it.
    count : int
        At most so many places of either kind.
    width : int
        Characters of text before and after a place.

    Returns
    -------
    Contexts
        Without any place if the unit never changes.

    Raises
    ------
    AddressError, TextError
        If the series is not that of one unit of a trace, or has no value at all.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"You are late," said Anna, and sat down. "I know."\\n' * 20, signals=["c"])
    >>> places = rnnscope.top_contexts(trace["l0.c.170"], count=3, width=12)
    >>> places.highest["at"].to_list()
    ['"', '"', '"']
    """
    count, width = whole(count, "count"), whole(width, "width")
    unit = UnitSeries.read(series)
    rows = [
        {"end": end, "value": value, **_around(unit, step, width)}
        for _, end, step, value in _places(unit, count, width)
    ]
    columns = ["end", "value", "step", "document", "before", "at", "after"]
    return Contexts(str(series.name), pd.DataFrame(rows, columns=columns))


def signal_contexts(series: xr.DataArray, count: int = 10, width: int = 60) -> pd.DataFrame:
    """The places where each unit of a signal is highest and lowest, in one go: see `top_contexts`.

    Parameters
    ----------
    series : DataArray of dims (time, unit)
        A signal of a trace, in memory or on disk; it is read once, and held.
    count, width
        As of `top_contexts`.

    Returns
    -------
    DataFrame
        One row a place, in the order of `Contexts`: ``unit``, its place in the signal; ``end``; ``step``; ``value``.
    """
    places = _places(UnitSeries.read_signal(series), count, width)
    return pd.DataFrame(places, columns=["unit", "end", "step", "value"])


def _places(series: UnitSeries, count: int, width: int) -> Iterator[tuple[int, str, int, float]]:
    """Of each unit of a series the highest places, then the lowest: unit, end, step and value."""
    steps, document = series.steps, series.document[series.steps]
    fresh = np.diff(document, prepend=document[0] - 1) != 0
    before = 0
    for values in series.blocks():
        seen = as_seen(series.address, values).T.copy()
        threshold = np.array([[two_groups(unit)[1]] for unit in seen])
        varies = values.min(axis=0) < values.max(axis=0)
        ends = {"highest": _peaks(seen, threshold, fresh), "lowest": _peaks(-seen, -threshold, fresh)}
        for unit, (end, peaks) in product(np.flatnonzero(varies), ends.items()):
            for place in _apart(peaks[unit], steps, document, count, width):
                yield before + int(unit), end, int(steps[place]), float(values[place, unit])
        before += values.shape[1]


def _peaks(values: np.ndarray, threshold: np.ndarray, fresh: np.ndarray) -> list[list[int]]:
    """The highest value of each stretch above the threshold (unit, 1), the highest first, for each row of (unit, time).

    Where ``fresh``, a new stretch begins.
    """
    above = values > threshold
    begins = above.copy()
    begins[:, 1:] &= ~above[:, :-1] | fresh[1:]
    inside = np.flatnonzero(above)
    if not len(inside):
        return [[] for _ in values]
    heights, first = values.ravel()[inside], np.flatnonzero(begins.ravel()[inside])
    stretch = begins.ravel()[inside].cumsum() - 1
    tops = np.flatnonzero(heights == np.maximum.reduceat(heights, first)[stretch])
    tops = tops[np.diff(stretch[tops], prepend=-1) != 0]
    unit, place = np.divmod(inside[tops], values.shape[1])
    order = np.lexsort((place, -heights[tops], unit))
    return [part.tolist() for part in np.split(place[order], unit[order].searchsorted(np.arange(1, len(values))))]


def _apart(peaks: list[int], steps: np.ndarray, document: np.ndarray, count: int, width: int) -> list[int]:
    """The first peaks that are far enough from those chosen before."""
    chosen: list[int] = []
    for peak in peaks:
        if len(chosen) >= count:
            break
        if all(abs(steps[peak] - steps[other]) >= width or document[peak] != document[other] for other in chosen):
            chosen.append(peak)
    return chosen


def _around(unit: UnitSeries, step: int, width: int) -> dict[str, object]:
    document = int(unit.document[step])
    which = unit.starts.searchsorted(step, side="right")
    start = int(unit.starts[which - 1])
    stop = int(unit.starts[which]) if which < len(unit.starts) else len(unit.text)
    return {
        "step": step,
        "document": document,
        "before": unit.text[max(start, step - width) : step],
        "at": unit.text[step],
        "after": unit.text[step + 1 : min(stop, step + 1 + width)],
    }

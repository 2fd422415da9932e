"""Where in a corpus a unit is highest and lowest, with the text around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.recording.address import Address
from rnnscope.text import in_a_line

from .unit_series import UnitSeries
from .units import two_groups

_PAST = 2 / 3
"""Of the room for text, the share before the place: what the network has read."""


@dataclass(frozen=True, eq=False)
class Contexts:
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

    def plot(self, axes: Axes | None = None) -> Axes:
        """Value against step, a dot a place; on new axes if none are given."""
        axes = sns.scatterplot(self.table, x="step", y="value", hue="end", ax=axes or Figure().subplots())
        axes.set(title=self.address)
        return axes

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


def top_contexts(series: xr.DataArray, text: str, count: int = 10, width: int = 60) -> Contexts:
    """The places in the whole text where a unit is highest, and where it is lowest.

    A stretch of steps above the unit's threshold (Otsu's, see `rnnscope.rank_units`) gives one high place at most,
    its peak; one below it gives one low place. Places of one kind are at least ``width`` steps apart. No stretch and
    no context reaches from one document into the next.

    Parameters
    ----------
    series : DataArray of dims (time,)
        A unit of a trace, in memory or on disk.
    text : str
        The text of the trace.
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
        If the series is not that of one unit, or the text is not that of the series.
    """
    unit = UnitSeries.read(series, text)
    ends = {"highest": unit.seen, "lowest": -unit.seen}
    varies = unit.taken.min() < unit.taken.max()
    threshold = two_groups(unit.seen)[1]
    rows = [
        {"end": end, "value": unit.taken[place], **_around(unit, int(unit.steps[place]), width)}
        for end, values in ends.items()
        if varies
        for place in _peaks(values, threshold if end == "highest" else -threshold, unit, count, width)
    ]
    columns = ["end", "value", "step", "document", "before", "at", "after"]
    return Contexts(str(series.name), pd.DataFrame(rows, columns=columns))


def _peaks(values: np.ndarray, threshold: float, unit: UnitSeries, count: int, width: int) -> list[int]:
    """The highest value of each stretch above the threshold, highest first and far enough apart."""
    document = unit.document[unit.steps]
    above = values > threshold
    begins = above.copy()
    begins[1:] &= ~above[:-1] | (document[1:] != document[:-1])
    stretch = np.cumsum(begins)[above]
    places = np.flatnonzero(above)
    order = np.lexsort((places, -values[places], stretch))
    peaks = places[order][np.diff(stretch[order], prepend=0) != 0]
    chosen: list[int] = []
    for peak in peaks[np.argsort(-values[peaks], kind="stable")]:
        if len(chosen) >= count:
            break
        step = unit.steps[peak]
        if all(abs(step - unit.steps[other]) >= width or document[peak] != document[other] for other in chosen):
            chosen.append(int(peak))
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

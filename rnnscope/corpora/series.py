"""Series of numbers in the order of time: daily prices, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rnnscope.arguments import as_path
from rnnscope.errors import TextError

from .data import Data, check_choice
from .files import fetch
from .splitting import PARTS, check_fractions
from .tables import Table, read_table


@dataclass(frozen=True, eq=False)
class Series(Data):
    """Numbers in the order of time.

    Attributes
    ----------
    values : float64 array of shape (time,)
        All finite.
    dates : tuple of str
        Of each value, as in the file; empty where there are none.
    unit : str
        Of the values, such as ``US dollars a barrel``.
    name, source, licence, remarks
        As for `Data`.
    """

    values: np.ndarray
    dates: tuple[str, ...]
    unit: str

    def __len__(self) -> int:
        return len(self.values)

    def split(self, fractions: Sequence[float]) -> dict[str, slice]:
        """Where each part lies: train, then validation, then test, in the order of time.

        Parameters
        ----------
        fractions : three floats
            Shares of train, validation and test; they add up to 1.

        Raises
        ------
        TextError
            If the fractions leave a part without a value.
        ArgumentError
            If the fractions are no split.
        """
        check_fractions(fractions)
        first, second = (int(share * len(self) + 1e-6) for share in (fractions[0], fractions[0] + fractions[1]))
        bounds = (0, first, second, len(self))
        parts = {part: slice(*bounds[place : place + 2]) for place, part in enumerate(PARTS)}
        for part, place in parts.items():
            if place.start == place.stop:
                raise TextError(
                    f"The {part} part has none of the {len(self):,} values. Give a longer series, or another "
                    "corpus.split."
                )
        return parts


@dataclass(frozen=True)
class NamedSeries:
    """Where in a known file a series stands."""

    file: str
    column: str
    date: str
    unit: str


NAMED = {
    "brent": NamedSeries("series/brent_daily.csv", "Price", "Date", "US dollars a barrel"),
    "vix": NamedSeries("series/vix_daily.csv", "CLOSE", "DATE", "points"),
}
"""The series that a recipe may name. The first 506 days of the VIX have one price alone, so only its close is read."""


def open_series(
    name: str = "", path: str | Path = "", encoding: str = "utf-8", column: str = "", date: str = ""
) -> Series:
    """A series by name, or the user's own by path; the Brent oil price if neither is given.

    Parameters
    ----------
    name, path, encoding
        A key of `NAMED`, or else a CSV file with a header and its encoding.
    column : str
        The column of values; may be empty if there is but one beside the dates.
    date : str
        The column of dates, checked to rise; if empty, the rows are taken to be in the order of time.

    Raises
    ------
    TextError
        If both are given, the name is not known, or the file has another shape.
    DownloadError
    """
    name = name or ("" if str(path) else "brent")
    check_choice(name, path, NAMED, "series")
    if not name:
        return read_series(path, encoding, column, date)
    if column or date:
        raise TextError(f"The series {name} has its column and dates; give these two for a file of yours only.")
    known = NAMED[name]
    series = read_series(fetch(known.file), column=known.column, date=known.date)
    return replace(series, unit=known.unit).known_as(name, known.file)


def read_series(path: str | Path, encoding: str = "utf-8", column: str = "", date: str = "") -> Series:
    """The user's own series, see `open_series`; rows without a value are left out, which a remark says."""
    table = read_table(path, encoding)
    column = column or _only_column(table, date)
    values = table.numbers(column)
    given = ~np.isnan(values)
    dates = table.column(date) if date else ()
    if dates:
        _check_rising(table, dates, date)
    remarks = []
    if not given.all():
        remarks.append(f"{(~given).sum():,} of {len(values):,} rows have no {column} and were left out.")
    if not dates:
        remarks.append("No column of dates is named: the rows are taken to be in the order of time.")
    kept = tuple(day for day, there in zip(dates, given, strict=True) if there) if dates else ()
    name = as_path(path).resolve().name
    return Series(values[given], kept, "the unit of the file", name=name, source=name, remarks=tuple(remarks))


def _only_column(table: Table, date: str) -> str:
    columns = [name for name in table.columns if name != date]
    if len(columns) != 1:
        raise TextError(
            f"{table.path} has several columns: {', '.join(table.columns)}. Name the one of values as column, "
            "and that of the dates as date."
        )
    return columns[0]


def _check_rising(table: Table, dates: Sequence[str], column: str) -> None:
    earlier = None
    for text, line in zip(dates, table.lines, strict=True):
        try:
            day = datetime.fromisoformat(text)
        except ValueError:
            raise TextError(
                f"{table.path}, line {line:,}: the column {column} must hold dates written like 2024-12-31; "
                f"got {text!r}."
            ) from None
        day = day if day.tzinfo else day.replace(tzinfo=UTC)
        if earlier is not None and day <= earlier:
            raise TextError(
                f"{table.path}, line {line:,}: {text} does not come after the date of the row above. Sort the rows "
                "by date, the oldest first, and keep one row a date."
            )
        earlier = day

"""A CSV file of the user's as named columns, each field with the line it stands on."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import read_text

MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "none"})
"""What stands for a number that is not there, in lower case."""


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file under their header.

    Attributes
    ----------
    path : Path
    columns : tuple of str
    rows : tuple of tuples of str
        Without white space at the ends of a field.
    lines : tuple of int
        Where in the file a row ends, the header being on line 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, name: str) -> tuple[str, ...]:
        """The fields of a column.

        Raises
        ------
        TextError
        """
        if name not in self.columns:
            raise TextError(f"{self.path} has no column {name!r}. Its columns: {', '.join(self.columns)}.")
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def numbers(self, name: str) -> np.ndarray:
        """A column as a float64 array of shape (row,), NaN where a number is missing.

        Raises
        ------
        TextError
            If a field is no finite number and does not stand for a missing one.
        """
        return np.array([self._number(field, name, line) for field, line in self._fields(name)])

    def _fields(self, name: str) -> zip[tuple[str, int]]:
        return zip(self.column(name), self.lines, strict=True)

    def _number(self, field: str, name: str, line: int) -> float:
        try:
            number = math.nan if field.lower() in MISSING else float(field)
        except ValueError:
            number = math.inf
        if math.isinf(number):
            raise TextError(
                f"{self.path}, line {line:,}: the column {name} must hold finite numbers, written like 1234.5; "
                f"got {field!r}."
            )
        return number


def read_table(path: str | Path, encoding: str = "utf-8") -> Table:
    """Read a CSV file: fields between commas, the first line naming the columns; empty lines are passed over.

    Raises
    ------
    TextError
        If the file cannot be read, names a column twice, has no row, or has a row of another length than the header.
    """
    path = as_path(path)
    reader = csv.reader(io.StringIO(read_text(path, encoding)), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(tuple(field.strip() for field in row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise TextError(f"{path}, line {reader.line_num:,}: not a CSV file ({error}).") from None
    if len(rows) < 2:
        raise TextError(f"{path} needs a line of column names and at least one row below it; got {len(rows)} lines.")
    columns = rows[0]
    _check_header(path, columns)
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(columns):
            raise TextError(
                f"{path}, line {line:,}: {len(columns)} fields are expected, as in the header; got {len(row)}. "
                "A field with a comma in it must stand in double quotes."
            )
    return Table(path, columns, tuple(rows[1:]), tuple(lines[1:]))


def _check_header(path: Path, columns: Sequence[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise TextError(f"{path} names the column {twice[0]!r} more than once. Give each column a name of its own.")

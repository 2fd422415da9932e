"""CSV files as what networks of numbers read: an image a row, or a series a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rnnscope.corpora.series import NAMED, read_series
from rnnscope.corpora.tables import Table, read_table
from rnnscope.errors import TextError
from rnnscope.models import Network
from rnnscope.text import File

Series = tuple[np.ndarray, np.ndarray | None]
"""Values, and the date of each if they are known."""


def open_images(part: object, corpus: Mapping[str, Any]) -> tuple[list[str], np.ndarray]:
    """A name for each row, and the numbers of shape (image, pixel); a column of captions is passed over."""
    table, _ = _open(part)
    columns = [name for name in table.columns if name != corpus.get("column", "caption")]
    if not columns:
        raise TextError(f"{table.path} has captions but no pixels: a column a pixel is expected.")
    pixels = np.stack([table.numbers(name) for name in columns], axis=1)
    if np.isnan(pixels).any():
        line = table.lines[int(np.isnan(pixels).any(axis=1).argmax())]
        raise TextError(f"{table.path}, line {line:,}: a pixel is missing. Give each a number.")
    return [f"{table.path.name}:{line}" for line in table.lines], pixels.astype(np.float32)


def open_series(part: object, corpus: Mapping[str, Any]) -> Series:
    """The series of a file, its columns as a recipe's ``[corpus]`` names them, or else told by what is in them."""
    table, encoding = _open(part)
    known = NAMED.get(corpus.get("name", ""))
    date = _first(table, corpus.get("date"), known and known.date, *(c for c in table.columns if _dates(table, c)))
    column = _first(table, corpus.get("column"), known and known.column)
    values = [name for name in table.columns if name != date]
    if not column and len(values) != 1:
        raise TextError(f"{table.path} must have one column of values beside the dates; got {', '.join(values)}.")
    series = read_series(table.path, encoding, column or values[0], date)
    return series.values, np.array([_moment(day) for day in series.dates], "datetime64[s]") if date else None


def corpus_of(model: Network) -> dict[str, Any]:
    """The table ``[corpus]`` of the recipe that a network was made by, as far as it is known."""
    return model.card.training.get("recipe", {}).get("corpus", {}) if model.card else {}


def _first(table: Table, *names: str | None) -> str:
    """The first of the names that the table has; empty if it has none."""
    return next((name for name in names if name in table.columns), "")


def _open(part: object) -> tuple[Table, str]:
    """The table of a file, and the encoding of that."""
    file = File(part) if isinstance(part, Path) else part
    if not isinstance(file, File) or not isinstance(file.source, str | Path):
        raise TextError("This network reads numbers, not texts: give the path of a CSV file, or an array.")
    return read_table(Path(file.source), file.encoding), file.encoding


def _dates(table: Table, column: str) -> bool:
    """Whether a column holds dates and nothing else."""
    try:
        return bool([_moment(field) for field in table.column(column)])
    except ValueError:
        return False


def _moment(text: str) -> datetime:
    """A date as Python reads it, in universal time."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment

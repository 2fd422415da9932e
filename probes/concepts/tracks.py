"""Concepts from labels that exist: arrays, and columns of CSV files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rnnscope.concept import Concept, Kind
from rnnscope.errors import ConceptError
from rnnscope.text import in_a_line

_FLAGS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


@dataclass(frozen=True, kw_only=True)
class Track(Concept):
    """Labels made by others, one for each character of all that is read."""

    labels: np.ndarray = field(compare=False, repr=False)

    def label(self, text: str, start: int) -> np.ndarray:
        if start + len(text) > len(self.labels):
            self.check_length(start + len(text))
        return self.labels[start : start + len(text)]

    @property
    def length(self) -> int:
        return len(self.labels)


def from_labels(name: str, labels: ArrayLike, about: str = "", categories: Sequence[str] = ()) -> Track:
    """A concept from labels that are aligned with all that is read.

    Parameters
    ----------
    name : str
    labels : array of shape (time,)
        One label a character of all texts, one after the other. Booleans, and zeros and ones alone, make a
        flag; other numbers a number; words a category. NaN, or the empty word, where it does not apply.
    about : str
        What it says of a character, in a line.
    categories : sequence of str
        What the numbers 0, 1, 2 and so on stand for, if they stand for categories.

    Raises
    ------
    ConceptError
        If the labels are no row of numbers or of words.
    """
    try:
        values = np.asarray(labels)
    except ValueError:
        raise ConceptError(f"The labels of {name} have to be one row of values; got rows of several lengths.") from None
    if values.ndim != 1:
        raise ConceptError(f"The labels of {name} have to be one row of values; got an array of shape {values.shape}.")
    about = about or f"{len(values):,} labels"
    if all(isinstance(value, str) for value in values.tolist()):
        return _from_words(name, about, pd.Series(values, dtype=str))
    if values.dtype.kind not in "biuf":
        raise ConceptError(f"The labels of {name} have to be numbers or words; got {values.dtype}.")
    numbers = values.astype(np.float32)
    there = numbers[~np.isnan(numbers)]
    kind: Kind = "category" if categories else "flag" if np.isin(there, (0, 1)).all() else "number"
    return Track(name, about, kind, tuple(categories), labels=numbers)


def from_csv(name: str, path: str | Path, column: str | None = None) -> Track:
    """A concept from a column of a CSV file: a header, then a row for each character of all that is read.

    An empty cell says that the concept does not apply. Cells that are 0, 1, true or false alone make a flag,
    numbers alone a number, and words a category.

    Parameters
    ----------
    name : str
    path : str or Path
    column : str, optional
        Of the header; if there are several, the one called as the concept is taken.

    Raises
    ------
    ConceptError
        If the file cannot be read, or has no such column.
    """
    table = _read(name, path)
    if column is None:
        column = name if name in table else table.columns[0] if len(table.columns) == 1 else None
    if column is None or column not in table:
        wanted = f"no column {column!r}" if column else "several columns"
        there = ", ".join(map(in_a_line, table.columns))
        raise ConceptError(f"{path} has {wanted}; there are {there}. Name one: {name}=csv:{path}:COLUMN")
    about = f"the column {in_a_line(column)} of {Path(path).name}"
    return _from_words(name, about, table[column].fillna("").str.strip())


def _read(name: str, path: str | Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more cells than the header
            return pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, index_col=False)
    except FileNotFoundError:
        raise ConceptError(f"There is no file {path}, from which {name} was to be read.") from None
    except OSError as error:
        raise ConceptError(f"{path}, from which {name} was to be read, cannot be: {error.strerror}.") from None
    except pd.errors.EmptyDataError:
        why = "it is empty"
    except pd.errors.ParserWarning:
        why = "a row has more cells than the header"
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        why = str(error).strip().removeprefix("Error tokenizing data. C error: ")
    raise ConceptError(f"{path}, from which {name} was to be read, is no CSV file in UTF-8: {why}.")


def _from_words(name: str, about: str, words: pd.Series) -> Track:
    words = words.where(words.str.lower() != "nan", "")
    empty = (words == "").to_numpy()
    flags = np.asarray(words.str.lower().map(_FLAGS), dtype=np.float32)
    numbers = np.asarray(pd.to_numeric(words, errors="coerce"), dtype=np.float32)
    kinds: tuple[tuple[Kind, np.ndarray], ...] = (("flag", flags), ("number", numbers))
    for kind, labels in kinds:
        if (empty == np.isnan(labels)).all():
            return Track(name, about, kind, labels=labels)
    categories, places = np.unique(words[~empty], return_inverse=True)
    labels = np.full(len(words), np.nan, dtype=np.float32)
    labels[~empty] = places
    return Track(name, about, "category", tuple(map(str, categories)), labels=labels)

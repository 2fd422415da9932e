"""Minimal pairs as a table, and the conditions by which a result is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.errors import TextError

ALL = "all"
"""What the row of all pairs is called."""

_OWN = ("good", "bad", "good form", "bad form", "margin", "baseline")
_DERIVED = ("number", "attractor")


def pair_columns(pairs: Sequence[MinimalPair]) -> pd.DataFrame:
    """One row a pair: its conditions, sentences and forms."""
    rows = [
        {**pair.conditions, "good": pair.good, "bad": pair.bad, "good form": pair.forms[0], "bad form": pair.forms[1]}
        for pair in pairs
    ]
    return pd.DataFrame(rows)


def forms_of(columns: pd.DataFrame) -> list[tuple[str, str]]:
    """What differs in each pair, good and bad."""
    return list(zip(columns["good form"], columns["bad form"], strict=True))


def chosen_conditions(columns: pd.DataFrame, by: str | Sequence[str] | None) -> tuple[str, ...]:
    """The conditions by which a result is told: those named, or the first one of the pairs' file.

    Raises
    ------
    TextError
        If the pairs have no such condition.
    """
    known = [name for name in columns if name not in _OWN]
    if by is None:
        return tuple(([name for name in known if name not in _DERIVED] or known)[:1])
    named = tuple(by) if isinstance(by, Iterable) and not isinstance(by, str) else (by,)
    if missing := [name for name in named if name not in known]:
        raise TextError(
            f"The pairs have no condition {', '.join(map(repr, missing))}. "
            f"They have {', '.join(map(str, known)) or 'none'}."
        )
    return named


def parts(columns: pd.DataFrame, conditions: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """All rows, then those of each condition, with what it is called."""
    yield ALL, columns
    if conditions:
        for name, part in columns.groupby(list(conditions), sort=False, dropna=False):
            yield " ".join(map(str, name if isinstance(name, tuple) else (name,))), part

"""Labels from arrays of characters at once: what the scanning concepts are built from.

Places count from 0. Arrays are of shape (time,), one value a character.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NEWLINE, SPACE, TAB = 10, 32, 9


def each(codes: np.ndarray, label: Callable[[str], float]) -> np.ndarray:
    """The label of each character by itself, float32; it is asked once for each distinct one."""
    present = np.zeros(int(codes.max(initial=0)) + 1, dtype=bool)
    present[codes] = True
    distinct = np.flatnonzero(present)
    labels = np.zeros(len(present), dtype=np.float32)
    labels[distinct] = [label(chr(code)) for code in distinct]
    return labels[codes]


def where(codes: np.ndarray, holds: Callable[[str], bool]) -> np.ndarray:
    """Which characters have a property, bool."""
    return each(codes, holds) > 0


def among(codes: np.ndarray, characters: str) -> np.ndarray:
    """Which characters are one of these, bool."""
    return where(codes, characters.__contains__)


def last(marks: np.ndarray) -> np.ndarray:
    """The place of the last mark up to each character, -1 before the first."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), -1))


def shifted(values: np.ndarray, first: float) -> np.ndarray:
    """Each character gets the value of the one before it, and the first one `first`."""
    return np.concatenate((np.array([first], dtype=values.dtype), values))[: len(values)]


def starts(marks: np.ndarray) -> np.ndarray:
    """Where a run of marks begins, bool."""
    return marks & ~shifted(marks, False)


def total_since(amounts: np.ndarray, resets: np.ndarray) -> np.ndarray:
    """The sum of amounts after the last reset, or since the beginning; 0 at a reset."""
    totals, places = np.cumsum(amounts), last(resets)
    return totals - np.where(places < 0, 0, totals[places])


def depth(opens: np.ndarray, closes: np.ndarray, resets: np.ndarray | None = None) -> np.ndarray:
    """How many brackets are open after each character; a closing one too many is passed over.

    A reset closes all of them; it may not be at a bracket.
    """
    part = 0 if resets is None else np.cumsum(resets)
    # each part lies below all before it, so that a running minimum looks back to its beginning alone
    level = np.cumsum(opens.astype(np.int64) - closes) - part * (len(opens) + 1)
    return level - np.minimum(np.minimum.accumulate(level), 0)


def overlap(begins: np.ndarray, ends: np.ndarray, time: int, weights: np.ndarray | None = None) -> np.ndarray:
    """How many spans [begin, end) each of so many characters lies in, int64; each may count `weights` times."""
    changes = np.bincount(begins, weights, time + 1) - np.bincount(ends, weights, time + 1)
    return np.cumsum(changes[:time]).astype(np.int64)


def blank_lines(codes: np.ndarray) -> np.ndarray:
    """The newlines that end a line with nothing but white space in it, bool."""
    newline = codes == NEWLINE
    ink = where(codes, lambda character: not character.isspace())
    return newline & (last(ink) < shifted(last(newline), -1))


def inside_words(codes: np.ndarray) -> np.ndarray:
    """Letters, and an apostrophe between two of them, bool."""
    letters = where(codes, str.isalpha)
    return letters | _between(letters, among(codes, "'\N{RIGHT SINGLE QUOTATION MARK}"))


def inside_numbers(codes: np.ndarray) -> np.ndarray:
    """Digits, and a point or comma between two of them, bool."""
    digits = where(codes, str.isdigit)
    return digits | _between(digits, among(codes, ".,"))


def _between(marks: np.ndarray, joints: np.ndarray) -> np.ndarray:
    return joints & shifted(marks, False) & shifted(marks[::-1], False)[::-1]

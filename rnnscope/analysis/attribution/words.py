"""A text as parts that can be taken away or shown as one: its characters, or its words."""

from __future__ import annotations

import re

import numpy as np

from rnnscope.errors import AttributionError

_WORD = re.compile(r"(?:\w+(?:['’]\w+)*|[^\w\s])\s*|\s+")


def word_starts(text: str | None, length: int) -> np.ndarray:
    """The step at which each word begins, an int64 array of shape (word,).

    A word is a run of letters, digits and underscores, also with an apostrophe inside, or a single other mark; the
    spaces after it belong to it, so that the words make up the text.

    Raises
    ------
    AttributionError
        If the characters are not known.
    """
    if text is None:
        raise AttributionError(
            f"Words are made of characters, and what was read is {length:,} tokens that stand for none that are known. "
            "Give a text, with characters= for a module without a vocabulary."
        )
    return np.array([match.start() for match in _WORD.finditer(text)], dtype=np.int64)


def parts_of(starts: np.ndarray, length: int) -> np.ndarray:
    """The number of the part in which each step lies, an int64 array of shape (time,)."""
    return np.searchsorted(starts, np.arange(length), side="right") - 1

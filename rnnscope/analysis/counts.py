"""Whole numbers as users give them."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from rnnscope.errors import TextError

LIMIT = 100_000
"""Characters or steps of a text that are read, if the user does not say."""


def whole(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number of at least so much, and at most what a machine counts to.

    Raises
    ------
    TextError
    """
    try:
        found = index(value)
    except TypeError:
        found = least - 1
    if found < least or isinstance(value, bool):
        raise TextError(f"{name} is a whole number of at least {least}; got {value!r}.")
    if found > most:
        raise TextError(f"{name} is a whole number of at most {most:,}; got {found:,}.")
    return found


def ascending(values: Any, name: str, least: int = 0) -> np.ndarray:
    """Whole numbers of at least so much, each once, from the smallest to the largest.

    Raises
    ------
    TextError
    """
    try:
        found = sorted({index(value) for value in values})
    except TypeError:
        found = []
    if not found or found[0] < least:
        raise TextError(f"{name} are whole numbers of at least {least}; got {values!r}.")
    return np.array(found)

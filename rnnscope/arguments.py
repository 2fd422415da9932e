"""What users give as arguments, checked: whole numbers, choices, paths."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ArgumentError


def whole(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number of at least so much, and at most what a machine counts to.

    Raises
    ------
    ArgumentError
    """
    try:
        found = index(value)
    except TypeError:
        found = least - 1
    if found < least or isinstance(value, bool):
        raise ArgumentError(f"{name} is a whole number of at least {least}; got {value!r}.")
    if found > most:
        raise ArgumentError(f"{name} is a whole number of at most {most:,}; got {found:,}.")
    return found


def ascending(values: Any, name: str, least: int = 0) -> np.ndarray:
    """Whole numbers of at least so much, each once, from the smallest to the largest.

    Raises
    ------
    ArgumentError
    """
    try:
        found = sorted({index(value) for value in values})
    except TypeError:
        found = []
    if not found or found[0] < least:
        raise ArgumentError(f"{name} are whole numbers of at least {least}; got {values!r}.")
    return np.array(found)


def check_one_of(value: Any, name: str, choices: Sequence[str]) -> None:
    """Refuse what is none of some words.

    Raises
    ------
    ArgumentError
    """
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{name} is {', '.join(choices[:-1])} or {choices[-1]}; got {value!r}.")


def as_path(value: Any) -> Path:
    """A path, of a str or a Path.

    Raises
    ------
    ArgumentError
    """
    try:
        return Path(value)
    except TypeError:
        raise ArgumentError(f"A path was expected, a str or a Path; got {type(value).__name__}.") from None

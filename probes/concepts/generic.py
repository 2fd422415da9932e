"""Concepts from what users bring: a function, or a regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from rnnscope.concept import Concept, Kind
from rnnscope.errors import ConceptError

from .scanning import overlap


@dataclass(frozen=True, kw_only=True)
class Function(Concept):
    """A concept whose labels a function gives, from the text of a document alone."""

    function: Callable[[str], ArrayLike]

    def label(self, text: str, start: int) -> np.ndarray:
        try:
            return np.asarray(self.function(text))
        except Exception as error:
            raise ConceptError(
                f"The function of {self.name} fails on a text of {len(text):,} characters: "
                f"{type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Pattern(Concept):
    """Whether a character is part of a match of a regular expression."""

    pattern: re.Pattern[str]

    def label(self, text: str, start: int) -> np.ndarray:
        spans = np.array([match.span() for match in self.pattern.finditer(text)], dtype=np.int64).reshape(-1, 2)
        return overlap(spans[:, 0], spans[:, 1], len(text))


def from_function(
    name: str,
    function: Callable[[str], ArrayLike],
    kind: Kind = "flag",
    categories: Sequence[str] = (),
    about: str = "",
) -> Concept:
    """A concept from a function.

    Parameters
    ----------
    name : str
    function : callable
        From the text of a document to one label a character: 0 or 1 for a flag, a number, or the place in
        ``categories``; NaN where the concept does not apply. A label says what holds once its character
        has been read.
    kind : {"flag", "number", "category"}
    categories : sequence of str
        What the labels of a category stand for.
    about : str
        What it says of a character, in a line.

    Raises
    ------
    ConceptError
        If there is no such kind, or a category has no categories.
    """
    if kind not in get_args(Kind):
        raise ConceptError(f"The kind of {name} is one of {', '.join(get_args(Kind))}; got {kind!r}.")
    if kind == "category" and not categories:
        raise ConceptError(f"{name} is of kind category: say its `categories`, which the labels 0, 1, 2 stand for.")
    return Function(name, about or f"what {_called(function)} says", kind, tuple(categories), function=function)


def from_pattern(name: str, pattern: str) -> Concept:
    """A flag that is 1 on each character of a match of a regular expression.

    ``^`` and ``$`` stand for the ends of a line.

    Raises
    ------
    ConceptError
        If the pattern is broken, or matches where there is nothing.
    """
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConceptError(f"{pattern!r} of {name} is no regular expression: {error.msg}{where}.") from None
    if compiled.fullmatch(""):
        raise ConceptError(
            f"{pattern!r} of {name} matches nothing at all, and so everywhere. "
            "Say what has to be there, for example with + in place of *."
        )
    return Pattern(name, f"in a match of {pattern}", "flag", pattern=compiled)


def _called(function: Callable[[str], ArrayLike]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)

"""Concepts of each kind, and the text that they are searched for in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnscope import Concept
from tests.handmade import Quotes, dialogue

TEXT = dialogue(np.random.default_rng(0), 6_000)


@dataclass(frozen=True)
class Aligned(Concept):
    """Labels that somebody gave."""

    name: str = "mine"
    about: str = "given"
    kind: Any = "flag"
    values: Any = ()

    def label(self, text: str, start: int) -> np.ndarray:
        return np.asarray(self.values)[start : start + len(text)]


@dataclass(frozen=True)
class SinceNewline(Concept):
    name: str = "line-position"
    about: str = "characters since the newline"
    kind: Any = "number"

    def label(self, text: str, start: int) -> np.ndarray:
        places = np.arange(len(text))
        newlines = np.array([character == "\n" for character in text])
        return places - np.maximum.accumulate(np.where(newlines, places, 0))


@dataclass(frozen=True)
class Class(Concept):
    name: str = "class"
    about: str = "letter, space or other"
    kind: Any = "category"
    categories: tuple[str, ...] = ("letter", "space", "other")

    def label(self, text: str, start: int) -> np.ndarray:
        return np.array([0 if c.isalpha() else 1 if c == " " else 2 if c != "\n" else np.nan for c in text])


def telegraph(rng: np.random.Generator, steps: int, stay: float = 40.0) -> np.ndarray:
    """Random labels that stay for a while."""
    return rng.integers(2) ^ (np.cumsum(rng.random(steps) < 1 / stay) % 2)


CONCEPTS = (Quotes(), SinceNewline(), Class())

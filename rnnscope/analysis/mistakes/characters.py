"""What there is to say of each character of a text: its class, its word, what is open there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CLASSES = {
    "small letter": "a letter that is no capital",
    "capital": "a capital letter",
    "digit": "a digit",
    "space": "a space or a tab",
    "newline": "the end of a line",
    "opening": "an opening quote or bracket",
    "closing": "a closing quote or bracket",
    "punctuation": "any other character",
}
"""The classes of characters, one each."""

_PAIRS = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«"}

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

_EVENT = re.compile(r'["“”«»()\[\]{}]|\n\n')


@dataclass(frozen=True)
class Word:
    """A run of letters, with single apostrophes inside.

    Attributes
    ----------
    start, stop : int
    key : str
        Its letters without regard to case.
    """

    start: int
    stop: int
    key: str


def words(text: str) -> Iterator[Word]:
    """The words of a text, in their order."""
    for found in _WORD.finditer(text):
        yield Word(found.start(), found.end(), found[0].casefold())


def word_counts(text: str) -> Counter[str]:
    """How often each word occurs, without regard to case."""
    return Counter(word.key for word in words(text))


@dataclass(frozen=True, eq=False)
class Openings:
    """Where quotes and brackets are open.

    A straight double quote opens and closes by turns, and a blank line closes it; curly and angle quotes and
    brackets say themselves what they do. A closing bracket closes the last open one of its kind, and
    what has been opened since; one that closes nothing counts for nothing.

    Attributes
    ----------
    quote, bracket : int array of shape (time,)
        Steps since the last one that is still open, up to its closing one, counted; 0 where none is.
    opening, closing : bool array of shape (time,)
        Whether the character is an opening, or a closing, quote or bracket.
    closes_quote, closes_bracket : bool array of shape (time,)
        Whether it closes one that is open.
    """

    quote: np.ndarray
    bracket: np.ndarray
    opening: np.ndarray
    closing: np.ndarray
    closes_quote: np.ndarray
    closes_bracket: np.ndarray

    @classmethod
    def of(cls, text: str) -> Openings:
        count = len(text)
        found = cls(*np.zeros((2, count), int), *np.zeros((4, count), bool))
        quotes: list[tuple[str, int]] = []
        brackets: list[tuple[str, int]] = []
        done = 0
        for event in _EVENT.finditer(text):
            place, character = event.start(), event[0]
            found._count(done, place + 1, quotes, brackets)
            done = place + 1
            if character == "\n\n":
                quotes[:] = [quote for quote in quotes if quote[0] != '"']
            elif character in "()[]{}":
                found.closes_bracket[place] = found._turn(character, place, brackets)
            else:
                found.closes_quote[place] = found._turn(character, place, quotes)
        found._count(done, count, quotes, brackets)
        return found

    def _count(self, start: int, stop: int, *stacks: list[tuple[str, int]]) -> None:
        """Count the steps since what is open."""
        for array, stack in zip((self.quote, self.bracket), stacks, strict=True):
            if stack:
                array[start:stop] = np.arange(start, stop) - stack[-1][1]

    def _turn(self, character: str, place: int, stack: list[tuple[str, int]]) -> bool:
        """Open or close at a quote or a bracket; whether it closes one that is open."""
        opener = _PAIRS.get(character, character)
        kinds = [kind for kind, _ in stack]
        closes = opener in kinds and (character in _PAIRS or character == '"')
        self.closing[place] = closes or character in _PAIRS
        self.opening[place] = not self.closing[place]
        if closes:
            del stack[len(kinds) - 1 - kinds[::-1].index(opener) :]
        elif self.opening[place]:
            stack.append((opener, place))
        return closes


def classes(text: str, openings: Openings) -> np.ndarray:
    """The class of each character, an int array of shape (time,): a place in `CLASSES`."""
    names = list(CLASSES)
    kinds = {character: names.index(_class(character)) for character in set(text)}
    found = np.fromiter((kinds[character] for character in text), dtype=np.int8, count=len(text))
    found[openings.opening] = names.index("opening")
    found[openings.closing] = names.index("closing")
    return found


def _class(character: str) -> str:
    if character == "\n":
        return "newline"
    if character.isspace():
        return "space"
    if character.isalpha():
        return "capital" if character.isupper() else "small letter"
    return "digit" if character.isdigit() else "punctuation"

"""Concepts of running text.

A label says what holds once its character has been read: at an opening quote one is inside, at the closing
one outside again.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from rnnscope.text import codepoints

from .generic import Function
from .scanning import (
    among,
    blank_lines,
    depth,
    each,
    inside_numbers,
    inside_words,
    last,
    shifted,
    starts,
    total_since,
    where,
)

_OPENERS, _CLOSERS = "([{-\N{EM DASH}'", ")]}-\N{EM DASH}'.,;:!?"
_SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])[.!?]+[\"'\u201d\u2019)\]]*(?=\s)")
_CLASSES = ("letter", "digit", "space", "newline", "punctuation", "other")
_CLASS_OF = {"L": 0, "M": 0, "N": 1, "Z": 2, "P": 4, "S": 4}  # by the first letter of Unicode's general category


def quotes(text: str) -> np.ndarray:
    codes = codepoints(text)
    ends, mark = blank_lines(codes), codes == ord('"')
    opens, closes = _shapes(codes, mark)
    certain = ends | opens | closes
    uncertain = total_since(mark & ~certain, certain) % 2 == 1
    latest = last(certain)
    straight = uncertain != (opens[latest] & (latest >= 0))
    opened = last(codes == ord("\N{LEFT DOUBLE QUOTATION MARK}"))
    return straight | (opened > last((codes == ord("\N{RIGHT DOUBLE QUOTATION MARK}")) | ends))


def _shapes(codes: np.ndarray, mark: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which straight quotation marks can only open, and which can only close, by what stands around them."""
    blank = where(codes, str.isspace)
    before = shifted(blank | among(codes, _OPENERS), True)
    after = shifted((blank | among(codes, _CLOSERS))[::-1], True)[::-1]
    return mark & before & ~after, mark & after & ~before


def parentheses(text: str) -> np.ndarray:
    codes = codepoints(text)
    return depth(codes == ord("("), codes == ord(")"), blank_lines(codes)) > 0


def word_start(text: str) -> np.ndarray:
    return starts(inside_words(codepoints(text)))


def word_position(text: str) -> np.ndarray:
    word = inside_words(codepoints(text))
    return np.where(word, np.arange(len(word)) - last(starts(word)) + 1, np.nan)


def word_length(text: str) -> np.ndarray:
    position = word_position(text)
    word = ~np.isnan(position)
    ended = last(word)
    return np.where(word | (ended < 0), np.nan, position[ended])


def capitalised(text: str) -> np.ndarray:
    codes = codepoints(text)
    word = inside_words(codes)
    return word & where(codes, str.isupper)[last(starts(word))]


def uppercase(text: str) -> np.ndarray:
    return each(codepoints(text), _case)


def vowel(text: str) -> np.ndarray:
    return each(codepoints(text), _vowel)


def number(text: str) -> np.ndarray:
    return inside_numbers(codepoints(text))


def sentence_position(text: str) -> np.ndarray:
    codes = codepoints(text)
    ends = blank_lines(codes)
    ends[[match.end() for match in _SENTENCE_END.finditer(text)]] = True
    return total_since(starts(inside_words(codes)), ends)


def punctuation_due(text: str) -> np.ndarray:
    marks = among(codepoints(text), ".,;:!?").astype(np.float32)
    return shifted(marks[::-1], np.nan)[::-1]


def character_class(text: str) -> np.ndarray:
    return each(codepoints(text), _class)


def _case(character: str) -> float:
    if character.lower() == character.upper():
        return np.nan
    return float(character.isupper())


def _vowel(character: str) -> float:
    base = unicodedata.normalize("NFD", character)[0].lower()
    return float(base in "aeiou") if "a" <= base <= "z" else np.nan


def _class(character: str) -> int:
    if character == "\n":
        return _CLASSES.index("newline")
    if character.isspace():
        return _CLASSES.index("space")
    return _CLASS_OF.get(unicodedata.category(character)[0], _CLASSES.index("other"))


PROSE = (
    Function("quotes", "inside double quotes", "flag", function=quotes),
    Function("parentheses", "inside parentheses", "flag", function=parentheses),
    Function("word-start", "the first letter of a word", "flag", function=word_start),
    Function("word-position", "which letter of its word, from 1", "number", function=word_position),
    Function("word-length", "letters of the word that has ended", "number", function=word_length),
    Function("capitalised", "in a word that begins with a capital", "flag", function=capitalised),
    Function("uppercase", "a capital, not a small letter", "flag", function=uppercase),
    Function("vowel", "a vowel, not a consonant", "flag", function=vowel),
    Function("number", "inside a number", "flag", function=number),
    Function("sentence-position", "words of the sentence so far", "number", function=sentence_position),
    Function("punctuation-due", "next comes one of . , ; : ! ?", "flag", function=punctuation_due),
    Function("character-class", "what kind of character it is", "category", _CLASSES, function=character_class),
)
"""The concepts of running text, in the order in which they are listed."""

"""What is said of each character, on texts that can be checked by eye."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.analysis.mistakes.categories import NAMES, categories, of_errors
from rnnscope.analysis.mistakes.characters import CLASSES, Openings, classes, word_counts, words


def letters(text: str) -> str:
    """The class of each character by its first letter, opening and closing as ( and )."""
    found = classes(text, Openings.of(text))
    short = {"small letter": "a", "capital": "A", "digit": "0", "space": "_", "newline": "/", "opening": "("}
    short |= {"closing": ")", "punctuation": "."}
    return "".join(short[list(CLASSES)[kind]] for kind in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ab 1,\n\té", "Aa_0./_a"),
        ('a"b"c', "a(a)a"),
        ('"a\n\n"b"', "(a//(a)"),
        ("([x)]", "((a))"),
        ("“a «b» c”", "(a_(a)_a)"),
        (") a", ")_a"),
        ('("a")', "((a))"),
    ],
)
def test_classes(text: str, expected: str) -> None:
    assert letters(text) == expected


@pytest.mark.parametrize(
    ("text", "quote", "bracket"),
    [
        ('a"bc"d', "001230", "000000"),
        ('"a\n\nb"c', "0120001", "0000000"),
        ("(a[b]c)d", "00000000", "01212560"),
        ("(a]b)", "00000", "01234"),
        ("([a)b", "00000", "01120"),
        ('("a)b"', "001234", "012300"),
        ("a)b", "000", "000"),
        ("(ab", "000", "012"),
    ],
)
def test_steps_since_an_opening(text: str, quote: str, bracket: str) -> None:
    found = Openings.of(text)
    assert "".join(map(str, found.quote)) == quote
    assert "".join(map(str, found.bracket)) == bracket


@given(st.text(alphabet='a"“”()[]\n', max_size=40))
def test_a_character_closes_or_opens_or_does_neither(text: str) -> None:
    found = Openings.of(text)
    assert not (found.opening & found.closing).any()
    assert (found.opening | found.closing).tolist() == [character not in "a\n" for character in text]
    assert not (found.closes_quote & found.closes_bracket).any()
    assert (found.closing[found.closes_quote | found.closes_bracket]).all()
    for distance, closes in ((found.quote, found.closes_quote), (found.bracket, found.closes_bracket)):
        assert distance[closes].all()
        places = np.flatnonzero(distance)
        assert found.opening[places - distance[places]].all()


def test_words() -> None:
    found = [text[word.start : word.stop] for text in ["Don't, 'tis X2 a_b"] for word in words(text)]
    assert found == ["Don't", "tis", "X", "a", "b"]
    assert word_counts("The the THE end") == {"the": 3, "end": 1}


def test_categories_by_eye() -> None:
    counts = {"a": 9, "cat": 9, "sat": 9, "the": 9, "seen": 4}
    text = 'The cat, seen; 7 the "Cat".\n'
    kinds = classes(text, Openings.of(text))
    found = [NAMES[category] for category in categories(text, kinds, counts)]
    inside, first, recent = "inside word", "first letter", "recent word"
    assert found == [
        *("capital", inside, inside, "space"),
        *(first, inside, inside, "punctuation", "space"),
        *["rare word"] * 4,
        *("punctuation", "space", "digit", "space"),
        *(first, recent, recent, "space"),
        *("opening", "capital", recent, recent, "closing", "punctuation", "newline"),
    ]
    assert NAMES.index("rare word") not in categories(text, kinds, None)


def test_a_word_is_recent_for_a_thousand_characters() -> None:
    for gap, expected in ((1000, "recent word"), (1001, "inside word")):
        text = "cat" + " " * (gap - 3) + "cat"
        found = categories(text, classes(text, Openings.of(text)), None)
        assert NAMES[found[-1]] == expected
        assert NAMES[found[-3]] == "first letter"


def test_a_recent_word_comes_before_a_rare_one_and_an_n_gram_before_all() -> None:
    text = "cat cat"
    found = categories(text, classes(text, Openings.of(text)), {})
    names = ["rare word"] * 3 + ["space", "rare word", "recent word", "recent word"]
    assert [NAMES[category] for category in found] == names
    by_ngram = np.array([True, False, False, True, False, True, False])
    assert [NAMES[category] for category in of_errors(found, by_ngram, np.full(7, 0.45))] == [
        "n-gram" if right else name for right, name in zip(by_ngram, names, strict=True)
    ]


def test_a_near_miss_is_inside_a_word() -> None:
    text = "abc d"
    found = categories(text, classes(text, Openings.of(text)), None)
    odds = np.array([0.45, 0.4, 0.39, 0.45, 0.45])
    kinds = of_errors(found, np.zeros(5, dtype=bool), odds)
    assert [NAMES[kind] for kind in kinds] == ["first letter", "near miss", "inside word", "space", "first letter"]

"""Each concept of prose on a text labelled by hand."""

from __future__ import annotations

import pytest

from rnnscope.probes.concepts import CONCEPTS
from rnnscope.probes.concepts.prose import PROSE
from tests.probes.marks import marks

LABELLED = [
    ("quotes", 'say "hi" now', "000011100000"),
    ("quotes", 'a "b\nc" d', "001111000"),  # a line's end is not the quotation's
    ("quotes", 'a "b\n\nc "d"', "00111000110"),  # a blank line is: the first label after it is 0
    ("quotes", 'a "b\n \t\nc', "001111100"),
    ("quotes", 'a "b\n"c" d', "0011111000"),  # one that runs on is opened again
    ("quotes", 'a b" "c"', "00000110"),  # one that was never opened is closed all the same
    ("quotes", "“a ‘b’ c” d”", "111111110000"),
    ("quotes", "“a\n\nb", "11100"),
    ("quotes", '"“a"b”c', "1111100"),
    ("parentheses", "a (b (c) d) e", "0011111111000"),
    ("parentheses", "a) (b\n\nc) d (e", "00011100000011"),
    ("word-start", "To don't x", "1001000001"),
    ("word-position", "To don't 'x'", "12.12345..1."),
    ("word-length", "To don't, x", "..2.....55."),
    ("capitalised", "an Old MAN it", "0001110111000"),
    ("uppercase", "aB 1É中", "01..1."),
    ("vowel", "yEs á 1ж", "010.1..."),
    ("number", "a 1,812.5, 3. x2", "0011111110010001"),
    ("sentence-position", "Go on. I did. Ok", "1112220112222011"),
    ("sentence-position", 'A "b?" Co. 3.5 D\n\ne', "1112220111000001101"),
    ("sentence-position", "Mr. X. Y is", "11112223344"),  # titles and initials end no sentence
    ("punctuation-due", "a, b! c", "100100."),
    ("character-class", "aé1 \t\n,$\x07", "001223445"),
]


@pytest.mark.parametrize(("concept", "text", "expected"), LABELLED)
def test_labels_are_those_made_by_hand(concept: str, text: str, expected: str) -> None:
    assert marks(concept, text) == expected


def test_each_concept_of_prose_is_tested_here() -> None:
    assert {concept for concept, _, _ in LABELLED} == {concept.name for concept in PROSE}


def test_the_categories_of_a_character() -> None:
    assert CONCEPTS["character-class"].categories == ("letter", "digit", "space", "newline", "punctuation", "other")

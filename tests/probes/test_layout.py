"""Each concept of layout on a text labelled by hand."""

from __future__ import annotations

import pytest

from rnnscope.probes.concepts.layout import INDENT, LAYOUT
from tests.probes.marks import marks

LABELLED = [
    ("line-position", "ab\n\ncd", "120012"),
    ("line-remaining", "ab\n\ncde\nf", "1003210.."),
    ("after-newline", "a\n\nb", "0110"),
    ("spaces-since-newline", "a b\n c d", "01101122"),
    ("paragraph-position", "a\nb\n\nc\nd", "01120011"),
    ("indent", "  a b\n\tc\n \td\n\t e\n", "12222088018808990"),
    ("indent", "a\n\n   \n b", "000123011"),
    ("indent", "         \tx", "123456789gg"),
]


@pytest.mark.parametrize(("concept", "text", "expected"), LABELLED)
def test_labels_are_those_made_by_hand(concept: str, text: str, expected: str) -> None:
    assert marks(concept, text) == expected


def test_each_concept_of_layout_is_tested_here() -> None:
    assert {concept for concept, _, _ in LABELLED} == {concept.name for concept in (*LAYOUT, INDENT)}

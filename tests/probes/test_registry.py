"""What there is, and what names find."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError
from rnnscope.probes.concepts import CONCEPTS, FAMILIES, families, named

# pieces that open and close what concepts look for, among any characters at all, surrogates without a partner too
PIECES = st.sampled_from(
    list("\"'“”()[]{}#/*:;,.\\\n\r\t \0aZé7") + ["if ", "else", "def f(", "/*", "*/", "\r\n", '"""']
)
CHARACTERS = st.characters(codec=None, exclude_categories=())
TEXTS = st.lists(PIECES | CHARACTERS, max_size=60).map("".join)


def test_there_are_about_thirty_five_in_three_families() -> None:
    assert 30 <= len(CONCEPTS) <= 40
    assert list(FAMILIES) == ["prose", "c", "python"]
    for name, concept in CONCEPTS.items():
        assert concept.name == name
        assert families(concept)
        assert len(concept.about) <= 38, "the table has to fit a page of 80 columns"


def test_the_page_on_concepts_names_them_all_in_their_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (flag|number|category) \|", page, re.MULTILINE)
    assert rows == [(concept.name, concept.kind) for concept in CONCEPTS.values()]


def test_names_find_concepts_in_their_order() -> None:
    found = named("vowel", "if-condition", "url=regex:http", "python:string")
    assert [concept.name for concept in found] == ["vowel", "if-condition", "url", "python:string"]
    assert found[0] is CONCEPTS["vowel"]
    assert families(found[2]) == []
    assert families(found[3]) == ["python"]
    assert named() == []


def test_a_family_stands_for_its_concepts() -> None:
    assert named("prose") == list(FAMILIES["prose"])
    assert {"preprocessor", "if-condition", "line-position"} < {concept.name for concept in named("c")}
    assert not {"docstring", "quotes"} & {concept.name for concept in named("c")}
    assert set(named("c", "python", "prose", "quotes")) == set(CONCEPTS.values())


@pytest.mark.parametrize(
    "names", [("quotes", "quotes"), ("a=regex:b", "a=regex:c"), ("c:comment", "prose", "c:comment")]
)
def test_a_name_given_twice_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ConceptError, match=f"The concept {names[0].split('=')[0]} is given 2 times"):
        named(*names)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ConceptError, match=r"no concept 'qotes'\. Did you mean quotes\? `rnnscope concepts` lists them all\."
    ):
        named("qotes")
    with pytest.raises(ConceptError, match=r"no concept 'xyzzy'\. There are the.*prose, c, python.*if-condition"):
        named("xyzzy")
    for name in ("", "xyzzy", "c:quotes", "cobol:", ":"):
        with pytest.raises(ConceptError, match="There is no concept"):
            named(name)


def test_what_was_meant_is_said() -> None:
    with pytest.raises(ConceptError, match="'c:indent': indent is the same in all languages. Name it alone"):
        named("c:indent")
    with pytest.raises(ConceptError, match="'quotes, vowel'. These are several: name each by itself"):
        named("quotes, vowel")
    with pytest.raises(ConceptError, match=r"names of concepts are words, such as 'quotes'; got \['quotes'\]"):
        named(["quotes"])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("concept", CONCEPTS.values(), ids=CONCEPTS.keys())
@given(text=TEXTS)
@settings(max_examples=40, deadline=None)
def test_every_text_has_a_label_for_each_character(concept: Concept, text: str) -> None:
    assert concept(text).shape == (len(text),)


@given(text=TEXTS)
@settings(max_examples=40, deadline=None)
def test_every_text_can_be_read_as_code(text: str) -> None:
    for concept in named(*(f"{language}:{name}" for language, name in READINGS)):
        labels = concept(text)
        assert labels.shape == (len(text),)
        assert concept.name.endswith("identifier-position") or not np.isnan(labels).any()


READINGS = [
    (language, concept.name)
    for language in ("c", "python")
    for concept in FAMILIES[language]
    if language in getattr(concept, "languages", ())
]


@given(first=TEXTS, second=TEXTS)
@settings(max_examples=25, deadline=None)
def test_what_was_read_before_does_not_matter(first: str, second: str) -> None:
    for concept in CONCEPTS.values():
        fresh = concept(second)
        concept(first)
        np.testing.assert_array_equal(concept(second), fresh)


@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_quotes_are_what_a_loop_says(text: str) -> None:
    straight = curly = blank = False
    expected = []
    for place, character in enumerate(text):
        before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
        if character == "\n":
            if blank:
                straight = curly = False
            blank = True
        elif not character.isspace():
            blank = False
        if character == '"':
            may_open = before.isspace() or before in "([{-—'"
            may_close = after.isspace() or after in ")]}-—'.,;:!?"
            straight = may_open if may_open != may_close else not straight
        curly = (curly or character == "“") and character != "”"
        expected.append(float(straight or curly))
    assert CONCEPTS["quotes"](text).tolist() == expected


@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_indent_is_what_expanding_tabs_gives(text: str) -> None:
    expected, line = [], ""
    for character in text:
        line = "" if character == "\n" else line + character
        leading = line[: len(line) - len(line.lstrip(" \t"))]
        expected.append(float(len(leading.expandtabs(8))))
    assert CONCEPTS["indent"](text).tolist() == expected


@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_parentheses_are_what_a_loop_says(text: str) -> None:
    level, blank, expected = 0, False, []
    for character in text:
        if character == "\n":
            level, blank = 0 if blank else level, True
        elif not character.isspace():
            blank = False
        level = max(0, level + (character == "(") - (character == ")"))
        expected.append(float(level > 0))
    assert CONCEPTS["parentheses"](text).tolist() == expected

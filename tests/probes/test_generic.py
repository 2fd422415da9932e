"""Concepts that users bring: a regular expression, a tree-sitter query, a function."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError
from rnnscope.probes.concepts import from_function, named
from tests.probes.marks import marks


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"https?://\S+", "a http://b c", "001111111100"),
        ("^b.*$", "ab\nb c\n", "0001110"),
        ("(?s)a.b", "a\nb", "111"),
        ("(?=a)", "aa", "00"),
        ("z+", "abc", "000"),
        ("a=b:c", "a=b:c", "11111"),
    ],
)
def test_a_pattern_marks_its_matches(pattern: str, text: str, expected: str) -> None:
    assert marks(f"mine=regex:{pattern}", text) == expected


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("mine=regex:a(b", r"'a\(b' of mine is no regular expression: .*at character 2"),
        ("mine=regex:a*", "matches nothing at all"),
        ("mine=regex:|a", "matches nothing at all"),
        ("mine=query:cobol:(a) @b", "no language 'cobol'.*c, python.*pip install tree-sitter-LANGUAGE"),
        (
            "mine=query:c:(if_statement no: (_) @a)",
            "no tree-sitter query for c: Invalid field name at row 0, column 14",
        ),
        ("mine=query:c:(if_statement", "no tree-sitter query for c"),
        ("mine=query:c:(if_statement)", "captures nothing"),
        ("mine=query:c", "no specification of a concept. Expected: mine=query:LANGUAGE:QUERY"),
        ("mine=query::(a) @b", "no specification of a concept"),
        ("mine=python:nothing_here:f", "mine cannot be had from nothing_here:f: ModuleNotFoundError"),
        ("mine=python:math:nothing", "mine cannot be had from math:nothing: AttributeError"),
        ("mine=python:math", "no specification of a concept. Expected: mine=python:MODULE:FUNCTION"),
        ("mine=python::f", "no specification of a concept"),
        ("mine=python:math:pi", "math:pi is neither a function nor a concept, but float"),
        ("mine=perl:x", "no specification of a concept.*mine=regex:PATTERN"),
        ("mine=regex", "no specification of a concept"),
        ("mine=regex:", "no specification of a concept"),
        ("=regex:a", "'' cannot name a concept"),
        ("a b=regex:a", "'a b' cannot name a concept"),
        ("quotes=regex:a", "quotes is a name that rnnscope gives already"),
        ("prose=regex:a", "prose is a name that rnnscope gives already"),
    ],
)
def test_a_broken_specification_is_refused(specification: str, message: str) -> None:
    with pytest.raises(ConceptError, match=re.compile(message, re.DOTALL)):
        named(specification)


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("(number_literal) @inside", "a = 12;", "0000110"),
        ("(number_literal) @anything", "a = 12;", "0000110"),
        ("(string_literal) @closed", 'a = "b";', "00001100"),
        ("(while_statement body: (_) @outside) @inside", "while (a) b;", "111111111100"),
        ("(while_statement body: (_) @until) @inside", "while (a) b;", "111111111100"),
        ("(while_statement) @line", "while (a)\n b; c;\nd;", "1" * 16 + "000"),
        ('((identifier) @_a (#eq? @_a "b")) (number_literal) @inside', "b = 1;", "000010"),
        ('((identifier) @inside (#eq? @inside "b"))', "b = a;", "100000"),
    ],
)
def test_the_name_of_a_capture_says_how_far_it_reaches(query: str, text: str, expected: str) -> None:
    assert marks(f"mine=query:c:{query}", text) == expected


def test_a_query_reads_all_texts_as_its_language() -> None:
    assert marks("mine=query:python:(if_statement) @inside", "He said if and if") == "0" * 17


def test_a_function_gives_labels() -> None:
    concept = from_function("upper", lambda text: [c.isupper() for c in text], about="in capitals")
    assert concept("aBc").tolist() == [0, 1, 0]
    assert (concept.kind, concept.about) == ("flag", "in capitals")
    vowels = from_function("which", lambda text: ["aeiou".find(c) for c in text], "category", tuple("aeiou"))
    assert vowels("ia").tolist() == [2, 0]
    with pytest.raises(ConceptError, match="whole numbers from 0 to 4"):
        vowels("x")


def test_what_is_wrong_with_a_function_is_said() -> None:
    with pytest.raises(ConceptError, match="The function of mine fails on a text of 3 characters: ZeroDivisionError"):
        from_function("mine", lambda text: [1 / 0])("abc")
    with pytest.raises(ConceptError, match="one label a character, 3 here"):
        from_function("mine", lambda text: [1])("abc")


def test_a_kind_is_one_that_there_is() -> None:
    with pytest.raises(ConceptError, match="flag, number, category; got 'text'"):
        from_function("mine", len, kind="text")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConceptError, match="say its `categories`"):
        from_function("mine", list, kind="category")


def test_a_function_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("module_of_mine.py").write_text(
        "from rnnscope.probes.concepts import from_function\n"
        "def is_a(text): return [c == 'a' for c in text]\n"
        "count = from_function('count', lambda text: range(len(text)), 'number')\n"
    )
    flag, count = named("first=python:module_of_mine:is_a", "second=python:module_of_mine:count")
    assert isinstance(flag, Concept)
    np.testing.assert_array_equal(flag("aba"), [1, 0, 1])
    assert (count.name, count.kind) == ("second", "number")
    np.testing.assert_array_equal(count("aba"), [0, 1, 2])

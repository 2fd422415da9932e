"""Labels that exist already: arrays, and columns of CSV files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError
from rnnscope.probes.concepts import from_labels, named


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def track(content: str, specification: str = "mine=csv:a.csv") -> Concept:
    Path("a.csv").write_text(content)
    (concept,) = named(specification)
    return concept


@pytest.mark.parametrize(
    ("cells", "kind", "labels"),
    [
        (["0", "1", "", "1"], "flag", [0, 1, np.nan, 1]),
        (["true", "False", "1", " 0 "], "flag", [1, 0, 1, 0]),
        (["0", "1", "2.5", ""], "number", [0, 1, 2.5, np.nan]),
        (["1", "-1e3", "1", "1"], "number", [1, -1000, 1, 1]),
        (["noun", "verb", "", "noun"], "category", [0, 1, np.nan, 0]),
        (["2", "x", "2", ""], "category", [0, 1, 0, np.nan]),
        (["NA", "null", "NA", "NA"], "category", [0, 1, 0, 0]),
        (["nan", "NaN", "3", ""], "number", [np.nan, np.nan, 3, np.nan]),
        (["", "", "", ""], "flag", [np.nan] * 4),
    ],
)
def test_cells_say_what_kind_a_track_is(cells: list[str], kind: str, labels: list[float]) -> None:
    concept = track("\n".join(["head", *cells, ""]))
    assert concept.kind == kind
    np.testing.assert_array_equal(concept("abcd"), np.array(labels, dtype=np.float32))


def test_categories_are_the_words() -> None:
    assert track("a\nverb\nnoun\nverb\n").categories == ("noun", "verb")


def test_a_track_is_read_from_where_its_text_begins() -> None:
    concept = track("a\n0\n1\n2\n3\n")
    np.testing.assert_array_equal(concept("xy", start=2), [2, 3])


def test_a_column_is_named_or_is_called_as_the_concept_or_is_the_only_one() -> None:
    content = 'character,mine,other\n"\n",1,5\n",",0,6\n'
    assert track(content)("\n,").tolist() == [1, 0]
    assert track(content, "new=csv:a.csv:other")("\n,").tolist() == [5, 6]
    with pytest.raises(ConceptError, match="several columns; there are character, mine, other. Name one: new=csv:"):
        named("new=csv:a.csv")
    with pytest.raises(ConceptError, match="no column 'none'; there are character, mine, other"):
        named("new=csv:a.csv:none")


def test_a_colon_in_the_name_of_a_file_is_no_column() -> None:
    Path("a:b.csv").write_text("x\n1\n")
    assert named("mine=csv:a:b.csv")[0]("a").tolist() == [1]
    assert named("mine=csv:a:b.csv:x")[0]("a").tolist() == [1]


def test_a_colon_in_the_name_of_a_column_is_no_file() -> None:
    Path("a:b.csv").write_text("x:y,x\n1,0\n")
    assert named("mine=csv:a:b.csv:x:y")[0]("a").tolist() == [1]
    with pytest.raises(ConceptError, match="a:b.csv has no column 'y:z'; there are x:y, x"):
        named("mine=csv:a:b.csv:y:z")
    with pytest.raises(ConceptError, match="There is no file c:d.csv, from"):
        named("mine=csv:c:d.csv:x")
    with pytest.raises(ConceptError, match="cannot be: File name too long"):
        named(f"mine=csv:{'a' * 5000}")


def test_names_of_several_lines_are_said_in_one() -> None:
    with pytest.raises(ConceptError, match="there are two⏎lines, b. Name one"):
        track('"two\nlines",b\n1,2\n', "mine=csv:a.csv")
    assert "two⏎lines of a.csv" in track('"two\nlines",b\n1,2\n', "mine=csv:a.csv:two\nlines").about


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no CSV file in UTF-8: it is empty.$"),
        (b"a\n1,2\n", "is no CSV file in UTF-8: a row has more cells than the header.$"),
        (b"a,b\n1,2\n1,2,3\n", "is no CSV file in UTF-8: Expected 2 fields in line 3, saw 3.$"),
        (b"a\n\xff\n", "is no CSV file in UTF-8: .* invalid start byte.$"),
    ],
)
def test_what_is_no_csv_file_is_refused(content: bytes, message: str) -> None:
    Path("a.csv").write_bytes(content)
    with pytest.raises(ConceptError, match=message):
        named("mine=csv:a.csv")


def test_a_file_that_cannot_be_read_is_refused(here: Path) -> None:
    with pytest.raises(ConceptError, match=re.escape("There is no file b.csv, from which mine was to be read")):
        named("mine=csv:b.csv")
    with pytest.raises(ConceptError, match="cannot be: Is a directory"):
        named(f"mine=csv:{here}")


@pytest.mark.parametrize("text", ["abc", "abcde"])
def test_both_lengths_are_said_if_they_differ(text: str) -> None:
    with pytest.raises(ConceptError, match=f"mine has 4 labels, but what is read has {len(text)} characters"):
        from_labels("mine", [0, 1, 0, 1]).check_length(len(text))
    with pytest.raises(ConceptError, match="mine has 2 labels, but what is read has 9 characters"):
        from_labels("mine", [0, 1])("abcd", start=5)


@pytest.mark.parametrize(
    ("labels", "kind", "expected"),
    [
        ([True, False], "flag", [1, 0]),
        ([0.0, np.nan, 1.0], "flag", [0, np.nan, 1]),
        ([3, 4], "number", [3, 4]),
        (["b", "", "a"], "category", [1, np.nan, 0]),
        (np.array(["b", "a"], dtype=object), "category", [1, 0]),
    ],
)
def test_arrays_are_tracks_too(labels: list[float], kind: str, expected: list[float]) -> None:
    concept = from_labels("mine", labels)
    assert concept.kind == kind
    np.testing.assert_array_equal(concept("x" * len(labels)), np.array(expected, dtype=np.float32))


def test_numbers_can_stand_for_categories() -> None:
    concept = from_labels("mine", [0, 2, np.nan], categories=("a", "b", "c"))
    assert (concept.kind, concept.categories) == ("category", ("a", "b", "c"))
    np.testing.assert_array_equal(concept("xyz"), [0, 2, np.nan])
    with pytest.raises(ConceptError, match="whole numbers from 0 to 1"):
        from_labels("mine", [0, 2], categories=("a", "b"))("xy")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 0], [0, 1]], r"got an array of shape \(2, 2\)"),
        (3, r"got an array of shape \(\)"),
        ([[1], [0, 1]], "rows of several lengths"),
        ([None, 1], "have to be numbers or words; got object"),
        ([1j], "have to be numbers or words; got complex128"),
    ],
)
def test_what_is_no_row_of_labels_is_refused(labels: object, message: str) -> None:
    with pytest.raises(ConceptError, match=message):
        from_labels("mine", labels)  # pyright: ignore[reportArgumentType]

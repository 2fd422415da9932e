"""Tables of minimal pairs: what differs, what is told of it, and what is no table of pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnscope.corpora.minimal_pairs import MinimalPair, read_minimal_pairs
from rnnscope.errors import TextError


@pytest.mark.parametrize(
    ("good", "bad", "beginning", "forms", "rest"),
    [
        ("the cat sleeps", "the cat sleep", ("the", "cat"), ("sleeps", "sleep"), ()),
        ("the cats are red", "the cats is red", ("the", "cats"), ("are", "is"), ("red",)),
        ("it is.", "it are.", ("it",), ("is", "are"), ()),
        ("one two two", "one two", ("one", "two"), ("two", ""), ()),
        ("who came", "came who", (), ("who came", "came who"), ()),
        ("a b a", "a c c a", ("a",), ("b", "c c"), ("a",)),
    ],
)
def test_what_differs(
    good: str, bad: str, beginning: tuple[str, ...], forms: tuple[str, str], rest: tuple[str]
) -> None:
    pair = MinimalPair(good, bad)
    assert (pair.beginning, pair.forms, pair.rest) == (beginning, forms, rest)


@pytest.mark.parametrize(
    ("good", "bad", "number"),
    [
        ("the cat sleeps", "the cat sleep", "singular"),
        ("the cats pass", "the cats passes", "plural"),
        ("my cat hasn't slept.", "my cat haven't slept.", "singular"),
        ("they were.", "they was.", "plural"),
        ("the cats were", "the cat were", ""),
        ("the cat slept", "the cat sleep", ""),
        ("sleeps the cat", "sleep the cat", ""),
    ],
)
def test_the_number_of_the_verb(good: str, bad: str, number: str) -> None:
    assert MinimalPair(good, bad).number == number


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_is_read_with_what_its_conditions_tell(tmp_path: Path) -> None:
    path = write(
        tmp_path / "pairs.tsv",
        "kind\tcondition\tgood\tbad",
        "rel\tsing_MS_MV_plur_ES\tthe cat near the dogs naps\tthe cat near the dogs nap",
        "",
        "rel\tplur_MS_MV_plur_ES\tthe cats near the dogs nap\tthe cats near the dogs naps",
        "one\tsing_MS_MV\tthe cat has napped\tthe cat have napped",
    )
    pairs = read_minimal_pairs(path)
    assert [pair.conditions["number"] for pair in pairs] == ["singular", "plural", "singular"]
    assert [pair.conditions["attractor"] for pair in pairs] == ["other", "same", "none"]
    assert pairs[2].conditions["kind"] == "one" and pairs[2].good == "the cat has napped"


def test_a_column_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    (pair,) = read_minimal_pairs(write(tmp_path / "p.tsv", "bad\tnumber\tgood", "a cat nap\tdual\ta cat naps"))
    assert dict(pair.conditions) == {"number": "dual"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([""], "no one column good and no one column bad"),
        (["good\tworse", "a\tb"], "no one column bad"),
        (["good\tbad\tbad", "a\tb\tc"], "no one column bad"),
        (["good\tbad"], "no pair below"),
        (["good\tbad", "one two"], "Line 2 of .* has 1 columns; 2"),
        (["good\tbad", "one\tone "], "Line 2 of .* differ"),
        (["good\tbad", "one\t"], "Line 2 of .* two sentences"),
    ],
)
def test_what_is_no_table_of_pairs(lines: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(TextError, match=words):
        read_minimal_pairs(write(tmp_path / "pairs.tsv", *lines))


def test_the_real_tables(corpora: Path) -> None:
    pairs = read_minimal_pairs(corpora / "agreement" / "marvin_linzen_agreement_sample.tsv")
    assert len(pairs) == 5340
    for pair in pairs:
        assert pair.number.startswith(pair.conditions["condition"].partition("_")[0])

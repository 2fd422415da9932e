"""Texts and their translations: what is read, how it is split, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnnscope.corpora.pairs import Pair, english_german, open_pairs, read_pairs
from rnnscope.errors import TextError


def write(folder: Path, content: str) -> Path:
    path = folder / "pairs.tsv"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_translations_of_one_source_come_together(tmp_path: Path) -> None:
    corpus = read_pairs(write(tmp_path, "ab\txy\ncd\tzz\tby somebody\n\nab \tyx\nab\txy\n"))
    assert corpus.pairs == (Pair("ab", ("xy", "yx")), Pair("cd", ("zz",)))
    assert (corpus.name, corpus.source, corpus.licence, corpus.remarks) == ("pairs.tsv", "pairs.tsv", "unknown", ())


def test_lines_with_a_long_side_are_left_out_with_a_remark(tmp_path: Path) -> None:
    path = write(tmp_path, "ab\txy\nabcdef\tx\na\tuvwxyz\nabcde\tvwxyz\n")
    corpus = open_pairs(path=path, longest=5)
    assert [pair.source for pair in corpus.pairs] == ["ab", "abcde"]
    assert corpus.remarks == ("2 lines were left out: a side has more than 5 characters.",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ab\txy\nno tab\n", "Line 2 of .* has 1 columns"),
        ("ab\txy\tc\td\n", "Line 1 of .* has 4 columns"),
        ("ab\txy\n\n\tx\n", "Line 3 of .* has an empty source"),
        ("ab\t \n", "Line 1 of .* has an empty target"),
        ("ab\tx\x03y\n", r"Line 1 of .* U\+0002 or U\+0003"),
        ("a" * 300 + "\tx\n", "all 1 have a side of more than 200 characters"),
        ("\n  \n", "no line to learn from: it is empty"),
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        open_pairs(path=write(tmp_path, content))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "by name .english-german. or by the path"),
        ({"name": "english-german", "path": "x.tsv"}, "by name .english-german. or by the path"),
        ({"name": "english-klingon"}, "no pairs 'english-klingon'. Known: english-german"),
        ({"path": "missing.tsv"}, "no file missing.tsv"),
    ],
)
def test_what_names_no_pairs_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TextError, match=message):
        open_pairs(**given)


def test_sources_of_the_same_words_are_in_one_part_and_no_pair_is_lost(tmp_path: Path) -> None:
    variants = [f"Word {n}{end}" for n in range(400) for end in (".", "!", " ?")] + [f"word  {n}" for n in range(400)]
    corpus = read_pairs(write(tmp_path, "".join(f"{source}\tx\n" for source in variants)))
    parts = corpus.split((0.7, 0.2, 0.1))
    numbers = {part: {pair.source.strip(".!? ").split()[1] for pair in pairs} for part, pairs in parts.items()}
    assert sum(len(pairs) for pairs in parts.values()) == 1600
    assert sum(len(those) for those in numbers.values()) == 400
    assert 230 < len(numbers["train"]) < 330 and 40 < len(numbers["validation"]) < 120
    assert parts == corpus.split((0.7, 0.2, 0.1))


def test_the_named_pairs(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = open_pairs("english-german")
    assert corpus == english_german()
    assert len(corpus.pairs) == 37_678
    assert sum(len(pair.targets) for pair in corpus.pairs) == 50_001
    assert max(len(pair.source) for pair in corpus.pairs) == 24
    assert corpus.licence == "CC BY 2.0 FR"

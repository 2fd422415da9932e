"""Named corpora and the user's own: how they are read, and how they are cut into parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.corpora.splitting import PARTS
from rnnscope.corpora.texts import (
    NAMED,
    Corpus,
    open_corpus,
    read_corpus,
    standard_library,
    tiny_shakespeare,
    war_and_peace,
)
from rnnscope.errors import ArgumentError, TextError
from rnnscope.text import Document

SHARES = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(1, 10)).map(
    lambda weights: tuple(weight / sum(weights) for weight in weights)
)


def characters(corpus: Corpus) -> int:
    return sum(len(document.text) for document in corpus.documents)


def corpus_of(*texts: str) -> Corpus:
    return Corpus(tuple(Document(f"{i}.txt", text) for i, text in enumerate(texts)), name="test")


def part_by_name(corpus: Corpus) -> dict[str, str]:
    return {document.name: part for part, documents in corpus.split().items() for document in documents}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=9), SHARES)
def test_few_documents_are_cut_into_stretches_that_join_again(texts: list[str], shares: tuple[float, ...]) -> None:
    corpus = corpus_of(*texts)
    parts = corpus.split(shares)
    assert list(parts) == ["train", "validation", "test"]
    for document in corpus.documents:
        stretches = [stretch for part in parts.values() for stretch in part if stretch.name == document.name]
        assert "".join(stretch.text for stretch in stretches) == document.text
        assert all(stretch.text for stretch in stretches)


def test_a_book_is_cut_at_the_shares() -> None:
    parts = corpus_of("x" * 1000).split((0.7, 0.2, 0.1))
    assert [sum(len(d.text) for d in part) for part in parts.values()] == [700, 200, 100]


def test_ten_documents_or_more_stay_whole_and_none_is_lost() -> None:
    corpus = corpus_of(*(f"text {i}" for i in range(10)))
    assert sorted(d.name for part in corpus.split().values() for d in part) == sorted(d.name for d in corpus.documents)
    assert {d for part in corpus.split().values() for d in part} == set(corpus.documents)


def test_a_document_stays_in_its_part_when_others_are_added() -> None:
    before = part_by_name(corpus_of(*"x" * 200))
    after = part_by_name(corpus_of(*"x" * 1000))
    assert after == after | before
    shares = [list(after.values()).count(part) / 1000 for part in PARTS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.04)


@pytest.mark.parametrize(
    "shares", [(0.8, 0.2), (0.8, 0.1, 0.2), (1.1, -0.1, 0.0), (), (float("nan"), 0.1, 0.1), (0.25,) * 4]
)
def test_shares_that_are_no_split_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ArgumentError, match="three shares that add up to 1"):
        corpus_of("text").split(shares)


def test_a_file_is_a_corpus_of_one_document(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes("né\r\n".encode("latin-1"))
    corpus = read_corpus(path, "latin-1")
    assert (corpus.name, corpus.documents) == ("book.txt", (Document("book.txt", "né\n"),))
    assert characters(corpus) == 3


def test_a_folder_is_read_in_order_hidden_passed_over_binary_named(tmp_path: Path) -> None:
    files = {
        "b.txt": b"b",
        "a/z.txt": b"z",
        ".git/config": b"x",
        ".hidden": b"x",
        "a/.x": b"x",
        "p.bin": b"\0",
        "e": b"",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    corpus = read_corpus(tmp_path)
    assert corpus.documents == (Document("a/z.txt", "z"), Document("b.txt", "b"))
    assert corpus.remarks == ("2 files were left out: empty, binary or in another encoding.",)


def test_the_working_folder_lends_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    corpus = read_corpus(".")
    assert (corpus.name, corpus.source) == (tmp_path.name, tmp_path.name)


def test_a_folder_inside_a_hidden_one_is_read(tmp_path: Path) -> None:
    (tmp_path / ".notes").mkdir()
    (tmp_path / ".notes" / "a.txt").write_text("a")
    assert read_corpus(tmp_path / ".notes").documents == (Document("a.txt", "a"),)


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.bin").write_bytes(b"\0")
    with pytest.raises(TextError, match=r"holds no text file \(1 files"):
        read_corpus(tmp_path)


def test_an_unknown_encoding_of_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(TextError, match="no encoding 'utf-9'"):
        read_corpus(tmp_path, "utf-9")


def test_the_default_is_the_standard_library() -> None:
    assert open_corpus().name == "standard-library"


def test_the_standard_library_is_read_without_its_tests() -> None:
    names = [document.name for document in standard_library().documents]
    assert {"json/__init__.py", "os.py", "doctest.py", "unittest/case.py"} <= set(names)
    assert not [name for name in names if "/test" in f"/{name}" or "_test/" in name or "-packages/" in name]
    assert Path(json.__file__).read_text(encoding="utf-8") == next(
        d.text for d in standard_library().documents if d.name == "json/__init__.py"
    )


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("war-and-peace", "book.txt", "one of the two"),
        ("war-and-piece", "", "no texts 'war-and-piece'. Known: standard-library, war-and-peace"),
        ("war-and-piece", "book.txt", "one of the two"),
        ("", "absent.txt", "no file absent.txt"),
    ],
)
def test_open_corpus_refuses(name: str, path: str, words: str) -> None:
    with pytest.raises(TextError, match=words):
        open_corpus(name, path)


def test_open_corpus_reads_a_path_in_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xe9")
    assert open_corpus(path=tmp_path / "a.txt", encoding="latin-1").documents[0].text == "é"


def test_war_and_peace_is_the_text_of_the_paper(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = war_and_peace()
    (document,) = corpus.documents
    assert (corpus.name, document.name) == ("war-and-peace", "war-and-peace")
    assert characters(corpus) == 3_196_212
    assert document.text.count('"') == 17_949
    assert len(set(document.text)) == 82
    assert not {"\r", "\ufeff"} & set(document.text)


def test_tiny_shakespeare_is_forty_thousand_lines(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = tiny_shakespeare()
    assert (characters(corpus), corpus.documents[0].text.count("\n")) == (1_115_394, 40_000)
    assert len(set(corpus.documents[0].text)) == 65


@pytest.mark.parametrize("name", ["war-and-peace", "tiny-shakespeare", "linux-kernel"])
def test_a_named_corpus_says_its_name_source_and_licence(
    name: str, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = NAMED[name]()
    assert corpus.name == name
    assert corpus.source
    assert corpus.licence.startswith("GPL-2.0" if name == "linux-kernel" else "public domain")

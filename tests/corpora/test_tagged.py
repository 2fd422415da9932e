"""Reading tagged sentences: named, the user's own, and files that are not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnscope.corpora.tagged import TaggedSentence, open_tagged, read_tagged
from rnnscope.errors import ArgumentError, TextError

SMALL = "the\tDET\ncat\tNOUN\n\nit\tPRON\nsits\tVERB\n.\tPUNCT\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "tags.tsv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [SMALL, SMALL.rstrip("\n"), f"\n\n{SMALL}\n\n", SMALL.replace("\n", "\r\n"), SMALL.replace("\n\n", "\n \n\t\n")],
    ids=["plain", "no last line end", "more empty lines", "Windows", "lines of white space"],
)
def test_words_and_tags_come_in_sentences(tmp_path: Path, text: str) -> None:
    assert read_tagged(write(tmp_path, text)) == (
        TaggedSentence(("the", "cat"), ("DET", "NOUN")),
        TaggedSentence(("it", "sits", "."), ("PRON", "VERB", "PUNCT")),
    )


def test_only_line_ends_end_a_line_and_quotes_are_words(tmp_path: Path) -> None:
    sentences = read_tagged(write(tmp_path, 'a\x85b\tX\n"\tPUNCT\n\nNew York\tPROPN\n'))
    assert [sentence.words for sentence in sentences] == [("a\x85b", '"'), ("New York",)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("dog", "got 1 column in 'dog'"),
        ("dog NOUN", "got 1 column in 'dog NOUN'"),
        ("dog\tNOUN\tNN", "got 3 columns"),
        ("dog\t", "got no tag"),
        ("\tNOUN", "got no word"),
        ("d" * 500, "in 'd{60}\\.\\.\\.'"),
    ],
)
def test_a_line_that_is_no_word_and_tag_is_named(tmp_path: Path, line: str, found: str) -> None:
    path = write(tmp_path, f"{SMALL}\nthe\tDET\n{line}\n")
    with pytest.raises(TextError, match=rf"tags\.tsv, line 9: expected a word, a tab and its tag; .*{found}"):
        read_tagged(path)


def test_a_file_without_empty_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="empty line between them; got one sentence of 5 words"):
        read_tagged(write(tmp_path, SMALL.replace("\n\n", "\n")))
    with pytest.raises(TextError, match="got none"):
        read_tagged(write(tmp_path, "\n\n"))


def test_a_file_that_is_missing_or_binary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="no file"):
        read_tagged(tmp_path / "none.tsv")
    with pytest.raises(TextError, match="binary"):
        read_tagged(write(tmp_path, "the\tDET\0\n"))


def test_sentences_of_the_same_words_go_to_one_part(tmp_path: Path) -> None:
    lines = [f"word{number % 40}\tX\nend\t{'Y' if number < 100 else 'Z'}\n" for number in range(200)]
    corpus = open_tagged(path=write(tmp_path, "\n".join(lines)), split=(0.6, 0.2, 0.2))
    assert sum(map(len, corpus.parts.values())) == 200
    words = {part: {sentence.words for sentence in sentences} for part, sentences in corpus.parts.items()}
    assert sum(map(len, words.values())) == 40
    assert all(len(corpus.parts[part]) == 5 * len(words[part]) > 0 for part in words)
    assert (corpus.name, corpus.licence, corpus.own_parts) == ("tags.tsv", "unknown", False)


def test_a_part_without_sentences_is_said(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"The (validation|test) part has none of the 2 sentences .* corpus\.split"):
        open_tagged(path=write(tmp_path, SMALL))
    with pytest.raises(ArgumentError, match="three shares that add up to 1"):
        open_tagged(path=write(tmp_path, SMALL), split=(0.5, 0.1, 0.1))


def test_one_of_name_and_path_is_needed(tmp_path: Path) -> None:
    for options in ({}, {"name": "en-ewt", "path": write(tmp_path, SMALL)}):
        with pytest.raises(TextError, match=r"by name \(en-ewt\) or by the path of yours, one of the two"):
            open_tagged(**options)
    with pytest.raises(TextError, match="no tagged sentences 'en-etw'. Known: en-ewt"):
        open_tagged("en-etw")


def test_a_long_sentence_falls_into_pieces() -> None:
    sentence = TaggedSentence(tuple("abcdefgh"), tuple("ABCDEFGH"))
    pieces = sentence.pieces(3)
    assert [piece.words for piece in pieces] == [("a", "b", "c"), ("d", "e", "f"), ("g", "h")]
    assert [piece.tags for piece in pieces] == [("A", "B", "C"), ("D", "E", "F"), ("G", "H")]
    assert sentence.pieces(8) == [sentence]


def test_english_ewt_comes_in_its_own_parts(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = open_tagged("en-ewt")
    assert {part: len(sentences) for part, sentences in corpus.parts.items()} == {
        "train": 12_544,
        "validation": 2_001,
        "test": 2_077,
    }
    assert sum(map(len, corpus.parts["test"])) == 25_094
    assert len({tag for sentence in corpus.parts["train"] for tag in sentence.tags}) == 17
    assert corpus.own_parts
    assert corpus.licence == "CC BY-SA 4.0"

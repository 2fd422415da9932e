"""Characters to ids and back, and files read safely."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope import text as text_module
from rnnscope.errors import TextError
from rnnscope.text import Vocabulary, decode_text, read_text, visible

ODD = "ab\n\0\x85é\u2028\uffff\ud800\udfff\U0001f600\U0010ffff"
TEXTS = st.text(st.sampled_from(ODD + Vocabulary.UNKNOWN) | st.characters(exclude_categories=()))


@given(TEXTS)
def test_a_text_comes_back_from_its_own_vocabulary(text: str) -> None:
    vocabulary = Vocabulary.of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.unknown(text.replace(Vocabulary.UNKNOWN, "")) == Counter()


@given(TEXTS, TEXTS)
def test_strangers_keep_their_place_as_id_0_and_are_counted(known: str, text: str) -> None:
    vocabulary = Vocabulary.of(known)
    tokens = vocabulary.encode(text)
    strangers = [c not in known or c == Vocabulary.UNKNOWN for c in text]
    assert tokens.dtype == np.int64
    assert (tokens == 0).tolist() == strangers
    assert vocabulary.unknown(text) == Counter(c for c, strange in zip(text, strangers, strict=True) if strange)
    assert vocabulary.decode(tokens) == "".join(
        Vocabulary.UNKNOWN if strange else c for c, strange in zip(text, strangers, strict=True)
    )


def test_ids_follow_the_given_order_after_the_unknown_symbol() -> None:
    assert Vocabulary("ba").encode("ab?").tolist() == [2, 1, 0]
    assert Vocabulary.of("cb", "a").characters == (Vocabulary.UNKNOWN, "a", "b", "c")
    assert len(Vocabulary("ba")) == 3


def test_the_unknown_symbol_among_the_characters_takes_no_second_id() -> None:
    assert Vocabulary(["a", Vocabulary.UNKNOWN, "b"]) == Vocabulary("ab")


def test_vocabularies_are_equal_when_their_ids_are() -> None:
    assert Vocabulary("ab") == Vocabulary(["a", "b"])
    assert hash(Vocabulary("ab")) == hash(Vocabulary(["a", "b"]))
    assert Vocabulary("ab") != Vocabulary("ba")
    assert Vocabulary("ab") != ("a", "b")


@pytest.mark.parametrize(
    ("characters", "word"), [(["a", "b", "a"], "once"), (["a", "bc"], "single"), (["a", ""], "single")]
)
def test_a_vocabulary_refuses(characters: list[str], word: str) -> None:
    with pytest.raises(TextError, match=word):
        Vocabulary(characters)


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"\xef\xbb\xbfa\xc3\xa9", "utf-8", "aé"),
        (b"a\r\nb\r\n", "utf-8", "a\nb\n"),
        (b"a\rb\r\r\nc\n\r", "utf-8", "a\nb\n\nc\n\n"),
        (b"\xe9\r\n", "latin-1", "é\n"),
        ("né\r\n".encode("utf-16"), "utf-16", "né\n"),
        ("\ufeffa".encode("utf-16-le"), "utf-16-le", "a"),
        (b"a\xef\xbb\xbfb", "utf-8", "a\ufeffb"),
    ],
)
def test_texts_lose_their_mark_and_carriage_returns(tmp_path: Path, data: bytes, encoding: str, text: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    assert decode_text(data, "it", encoding) == text
    assert read_text(path, encoding) == text


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"", "utf-8", ["empty"]),
        (b"\xef\xbb\xbf", "utf-8", ["byte order mark and nothing else"]),
        (b"x" * 1200 + b"\0y", "utf-8", ["binary", "zero byte at offset 1,200"]),
        ("abc".encode("utf-16"), "utf-8", ["UTF-16", "--encoding utf-16"]),
        ("abc".encode("utf-32"), "utf-8", ["UTF-32", "--encoding utf-32"]),
        (b"one\ntwo \xe9", "utf-8", ["not utf-8", "0xe9", "offset 8", "line 2", "--encoding latin-1"]),
        (b"\x81", "cp1252", ["not cp1252", "0x81", "offset 0", "line 1"]),
        (b"abc", "utf-9", ["no encoding 'utf-9'", "latin-1"]),
        (b"abc", "rot13", ["'rot13'", "latin-1"]),
        (b"abc", "undefined", ["'undefined'", "latin-1"]),
        (b"abc", "utf\0-8", ["'utf\\x00-8'", "latin-1"]),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_the_way_out(data: bytes, encoding: str, words: list[str]) -> None:
    with pytest.raises(TextError) as error:
        decode_text(data, "letter.txt", encoding)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\0", b"\xff\xfea\0", b"\xe9"])
def test_a_refusal_names_the_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(data)
    with pytest.raises(TextError) as error:
        read_text(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="There is no file .*absent.txt"):
        read_text(tmp_path / "absent.txt")
    with pytest.raises(TextError, match="is a folder"):
        read_text(tmp_path)


def test_a_file_is_no_folder_of_texts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(TextError, match="cannot be read: Not a directory"):
        read_text(tmp_path / "file" / "inside.txt")


def test_a_huge_text_is_refused_after_its_first_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.txt"
    path.write_bytes(b"x" * 2000)
    monkeypatch.setattr(text_module, "LARGEST_TEXT", 2000)
    assert len(read_text(path)) == 2000
    monkeypatch.setattr(text_module, "LARGEST_TEXT", 1999)
    with pytest.raises(TextError, match="more than the 1,999 bytes.*head -c"):
        read_text(path)


def test_an_unreadable_file_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    path = tmp_path / "secret.txt"
    path.write_text("text")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(TextError, match="secret.txt cannot be read: Permission denied"):
        read_text(path)


@given(st.characters(exclude_categories=()))
def test_every_character_can_be_seen(character: str) -> None:
    shown = visible(character)
    assert len(shown) == 1
    assert shown.isprintable() and not shown.isspace() or character.isprintable()
    assert visible("\n") != visible(" ") != visible("\t")

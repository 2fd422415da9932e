"""Vocabularies in every form that programs keep them in, and what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnscope import Vocabulary, import_model
from rnnscope.errors import TextError
from rnnscope.foreign.vocabulary import Tokens, entries_of, find_entries, read_entries
from rnnscope.text import File
from tests.foreign.networks import CHARACTERS, assert_same, make

STOI = {character: i for i, character in enumerate(CHARACTERS)}
ITOS = dict(enumerate(CHARACTERS))

characters = st.lists(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40, unique=True)


@given(characters)
def test_every_form_of_a_vocabulary_gives_the_same_entries(entries: list[str]) -> None:
    to_id = {entry: i for i, entry in enumerate(entries)}
    to_entry = dict(enumerate(entries))
    forms = (entries, tuple(entries), "".join(entries), to_id, to_entry, dict(reversed(to_entry.items())))
    for form in (*forms, json.loads(json.dumps(to_id)), json.loads(json.dumps(to_entry))):
        assert entries_of(form, "it") == entries


@given(characters)
def test_each_token_has_the_row_of_its_entry(entries: list[str]) -> None:
    tokens = Tokens.of(entries)
    known = Vocabulary.UNKNOWN in entries
    assert len(tokens.order) == len(tokens.vocabulary) == len(entries) + (not known)
    assert tokens.order[0] == (entries.index(Vocabulary.UNKNOWN) if known else -1)
    for character, row in zip(tokens.vocabulary.characters[1:], tokens.order[1:], strict=True):
        assert entries[row] == character


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "is empty"),
        ("", "is empty"),
        ({}, "is empty"),
        (["a", "b", "a"], "'a' more than once"),
        ({0: "a", 1: "a"}, "'a' more than once"),
        ({"a": 0, "b": 2}, "2 entries, but none with id 1"),
        ({"a": 1, "b": 2}, "none with id 0.*<pad>"),
        ({"a": 0, "b": 0}, "none with id 1"),
        ({"a": 0, "b": -1}, "none with id 1"),
        ({"a": 0, "b": 1.0}, "'b' to 1.0; a character and a whole number"),
        ({"a": False, "b": True}, "'a' to False"),
        ({"a": "b"}, "a character and a whole number"),
        ({0: 1, 1: 0}, "0 to 1; a character and a whole number"),
        ([1, 2], "no vocabulary: a list of characters"),
        (["a", None], "no vocabulary"),
        (65, "no vocabulary"),
        (None, "no vocabulary"),
    ],
)
def test_what_is_no_vocabulary_is_refused(source: object, said: str) -> None:
    with pytest.raises(TextError, match=said):
        entries_of(source, "it")


@pytest.mark.parametrize("value", [CHARACTERS, tuple(CHARACTERS), "".join(CHARACTERS), STOI, ITOS])
@pytest.mark.parametrize("key", ["vocab", "chars", "itos", "stoi", "char2idx", "idx_to_char", "ix_to_char", "tokens"])
def test_a_checkpoint_brings_its_vocabulary(tmp_path: Path, key: str, value: object) -> None:
    network = make()
    torch.save({"state_dict": network.state_dict(), "hidden": 6, key: value}, tmp_path / "net.pt")
    model = import_model(tmp_path / "net.pt")
    assert_same(model, network)
    assert model.card is not None
    assert model.card.training["imported"]["found"]["tokens"] == f"10, from {key!r} in the file"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"hyper_parameters": {"vocab": CHARACTERS}}, "hyper_parameters.vocab"),
        ({"vocab": {"itos": CHARACTERS, "stoi": STOI}}, "vocab.itos"),
        ({"char2idx": STOI, "idx2char": ITOS}, "char2idx"),
        ({"vocab": "data/vocab.txt", "chars": CHARACTERS}, "chars"),
        ({"vocab": 10, "tokens": torch.zeros(3), "chars": CHARACTERS}, "chars"),
        ({"src_vocab": list("xyz"), "vocab": list("xyz"), "chars": CHARACTERS}, "chars"),
        ({"tokenizer.stoi": STOI}, "tokenizer.stoi"),
    ],
)
def test_a_vocabulary_is_found_where_it_lies(content: object, key: str) -> None:
    assert find_entries(content, 10) == (CHARACTERS, key)


@pytest.mark.parametrize(
    "content", [{}, {"vocab": 10}, {"name": CHARACTERS}, [CHARACTERS], {"vocab_name": "abcdefghij"}, None]
)
def test_where_there_is_no_vocabulary_none_is_found(content: object) -> None:
    assert find_entries(content, 10) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"vocab": CHARACTERS[1:]}, "knows 10 tokens, but the vocabulary from 'vocab' in the file has 9"),
        ({"chars": CHARACTERS, "vocab": CHARACTERS[::-1]}, "several vocabularies: chars, vocab.*--vocab"),
        ({"stoi": {"a": 0, "b": 2}}, "under 'stoi' has 2 entries, but none with id 1.*--vocab"),
    ],
)
def test_a_vocabulary_that_cannot_be_it_is_not_taken(content: object, said: str) -> None:
    with pytest.raises(TextError, match=said):
        find_entries(content, 10)


def test_the_vocabulary_that_is_given_wins(tmp_path: Path) -> None:
    torch.save({"state_dict": make().state_dict(), "vocab": CHARACTERS}, tmp_path / "net.pt")
    model = import_model(tmp_path / "net.pt", vocabulary=CHARACTERS[::-1])
    assert list(model.vocabulary.characters[1:]) == CHARACTERS[::-1]


@pytest.mark.parametrize("content", [CHARACTERS, STOI, ITOS, {"chars": CHARACTERS, "size": 10}, {"itos": ITOS}])
def test_json_is_read_either_way_round(tmp_path: Path, content: Any) -> None:
    (tmp_path / "chars.json").write_text(json.dumps(content))
    assert read_entries(File(tmp_path / "chars.json"), 10) == (CHARACTERS, "from chars.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2", "is not JSON"),
        ("hello", "is not JSON.*ends in .txt"),
        ("[" * 100_000, "is not JSON"),
        ('"ab"', "the vocabulary from chars.json has 2"),
        ("12", "no vocabulary"),
        ("[[]]", "no vocabulary"),
        ("{}", "is empty"),
        ('{"a": [1]}', "whole number"),
    ],
)
def test_json_of_another_kind_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "chars.json").write_text(text)
    torch.save(make().state_dict(), tmp_path / "net.pt")
    with pytest.raises(TextError, match=said):
        import_model(tmp_path / "net.pt", vocabulary=tmp_path / "chars.json")


def test_a_text_gives_its_sorted_characters(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("cab a\nb")
    assert read_entries(File(path), 5)[0] == ["\n", " ", "a", "b", "c"]
    path.write_bytes("\ufeffcab\r\n".encode())
    plain = ["\n", "a", "b", "c"]
    assert read_entries(File(path), 4)[0] == plain
    assert read_entries(File(path), 6)[0] == ["\n", "\r", "a", "b", "c", "\ufeff"]
    assert read_entries(File(path), 9)[0] == plain
    path.write_bytes(b"cab\r\n")
    assert read_entries(File(path), 5)[0] == ["\n", "\r", "a", "b", "c"]
    path.write_bytes("\ufeffcab\n".encode())
    assert read_entries(File(path), 5)[0] == [*plain, "\ufeff"]
    path.write_bytes("café".encode("latin-1"))
    assert read_entries(File(path, encoding="latin-1"), 4)[0] == ["a", "c", "f", "é"]
    with pytest.raises(TextError, match="--encoding"):
        read_entries(File(path), 4)


def test_a_text_that_does_not_fit_is_refused_with_both_sizes(tmp_path: Path) -> None:
    torch.save(make().state_dict(), tmp_path / "net.pt")
    (tmp_path / "input.txt").write_text("abc")
    with pytest.raises(TextError, match="knows 10 tokens, but the vocabulary of the sorted characters .* has 3"):
        import_model(tmp_path / "net.pt", vocabulary=tmp_path / "input.txt")


def test_special_entries_get_characters_of_their_own() -> None:
    tokens = Tokens.of(["<pad>", "a", "\ue000", "", "<unk>", "b"])
    assert tokens.vocabulary.characters == (Vocabulary.UNKNOWN, "\ue001", "a", "\ue000", "\ue002", "b")
    assert tokens.order == (4, 0, 1, 2, 3, 5)
    assert len(tokens.notes) == 3


def test_two_unknown_symbols_are_none() -> None:
    tokens = Tokens.of(["<unk>", "a", "[UNK]"])
    assert tokens.order == (-1, 0, 1, 2)
    assert Tokens.of(["<unk>", "a", Vocabulary.UNKNOWN]).order == (2, 0, 1)


@pytest.mark.parametrize(
    ("words", "letters", "refused"), [(6, 20, True), (5, 3, False), (9, 90, False), (12, 90, True)]
)
def test_a_vocabulary_of_words_is_refused(words: int, letters: int, refused: bool) -> None:
    entries = [f"word{i}" for i in range(words)] + [chr(0x4E00 + i) for i in range(letters)]
    if not refused:
        assert len(Tokens.of(entries).vocabulary) == len(entries) + 1
        return
    with pytest.raises(TextError, match=f"{words} of the {words + letters} entries.*'word0'.*rnnscope.record"):
        Tokens.of(entries)

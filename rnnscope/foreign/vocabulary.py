"""The tokens that a foreign network knows: found in its file, or read from one beside it, in the order of their ids."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnscope.errors import TextError
from rnnscope.text import File, Vocabulary

_ID, _CHARACTER = "(i|id|ix|idx|int|index|n)", "(s|c|ch|char|character|tok|token|letter)"
_KEY = re.compile(
    rf"(all)?(vocab(ulary)?(list)?|char(acter)?s|char(acter)?(set|list)|alphabet|letters|tokens|symbols"
    rf"|{_ID}(2|to){_CHARACTER}|{_CHARACTER}(2|to){_ID})"
)
"""Names that programs give to a vocabulary, in small letters and without underscores."""

_UNKNOWN = ("unk", "unknown", "oov")
_PRIVATE = 0xE000
_MOST_SPECIAL = 5
"""Entries such as <pad> that a small vocabulary may have; a large one, a tenth."""


@dataclass(frozen=True)
class Tokens:
    """A foreign vocabulary as one of rnnscope's.

    Attributes
    ----------
    vocabulary : Vocabulary
    order : tuple of int
        For each token id of the vocabulary, the row that the foreign network has for it; -1 for none.
    notes : tuple of str
        What was changed, for the user.
    """

    vocabulary: Vocabulary
    order: tuple[int, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[str]) -> Tokens:
        """Entries in the order of the foreign ids, single characters but for a few special ones.

        The unknown symbol, id 0, is the foreign network's own, if it has one, or else a row that it lacks.

        Raises
        ------
        TextError
            If the entries are words.
        """
        special = [i for i, entry in enumerate(entries) if len(entry) != 1 or entry == Vocabulary.UNKNOWN]
        if len(special) > max(_MOST_SPECIAL, len(entries) // 10):
            raise TextError(
                f"{len(special)} of the {len(entries)} entries of the vocabulary are no single characters, such as "
                f"{entries[special[0]]!r}: rnnscope imports networks that read characters. One that reads words can "
                "be recorded as it is, from Python: with rnnscope.record(module) as recording."
            )
        unknown = _unknown_symbol([(i, entries[i]) for i in special])
        taken = set(entries)
        spare = (chr(code) for code in range(_PRIVATE, sys.maxunicode) if chr(code) not in taken)
        characters, notes = list(entries), []
        for i in special:
            if i == unknown:
                notes.append(f"{entries[i]!r} is what the network reads for characters that it does not know")
            else:
                characters[i] = next(spare)
                notes.append(f"{entries[i]!r} is written as the character U+{ord(characters[i]):04X}")
        order = tuple(i for i in range(len(entries)) if i != unknown)
        vocabulary = Vocabulary(characters[i] for i in order)
        return cls(vocabulary, (-1 if unknown is None else unknown, *order), tuple(notes))


def entries_of(source: Any, name: str) -> list[str]:
    """The entries of a vocabulary in the order of their ids.

    Parameters
    ----------
    source : str, sequence of str, mapping from entry to id, or mapping from id to entry
        Ids go from 0 up, without gaps; as keys of a mapping they may be strings of digits, as in JSON.
    name : str
        What errors call it.

    Raises
    ------
    TextError
        If it is none of these, is empty, or has gaps or repetitions.
    """
    if isinstance(source, Mapping):
        entries = _in_order(source, name)
    elif isinstance(source, Sequence) and all(isinstance(entry, str) for entry in source):
        entries = list(source)
    else:
        raise TextError(
            f"{name} is no vocabulary: a list of characters, or a mapping from character to id is expected."
        )
    if not entries:
        raise TextError(f"{name} is empty; a vocabulary of at least one character is needed.")
    if twice := [entry for entry, count in Counter(entries).items() if count > 1]:
        raise TextError(f"{name} has {', '.join(map(repr, twice[:5]))} more than once; each entry is expected once.")
    return entries


def read_entries(file: File, size: int) -> tuple[list[str], str]:
    """The vocabulary in a file, and a word on how it came about.

    Parameters
    ----------
    file : File
        JSON, by its ending; or a text, whose sorted characters are the vocabulary.
    size : int
        Tokens that the network knows. A byte order mark and carriage returns, which some programs keep, count
        as characters if that makes the size right.
    """
    if file.name.lower().endswith(".json"):
        content = _read_json(file)
        found = find_entries(content, size) if _holds_more(content) else None
        return (found[0] if found else entries_of(content, file.name)), f"from {file.name}"
    characters = set(file.text)
    path = Path(file.source) if isinstance(file.source, str | Path) else None
    raw = path.read_bytes().decode(file.encoding) if path and path.is_file() else ""
    kept = sorted((set(raw) & {"\r", "\ufeff"}) - characters)
    for extra in ([], *([c] for c in kept), kept):
        if len(characters | set(extra)) == size:
            return sorted(characters | set(extra)), f"of the sorted characters of {file.name}"
    return sorted(characters), f"of the sorted characters of {file.name}"


def _read_json(file: File) -> Any:
    try:
        return json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{file.name} is not JSON: {error}. A text to take the characters of ends in .txt.") from None


def find_entries(content: Any, size: int) -> tuple[list[str], str] | None:
    """The vocabulary that a checkpoint carries, and the key it stands under.

    Raises
    ------
    TextError
        If there is one that cannot be read or has another size, or if there are several.
    """
    found: dict[str, list[str]] = {}
    failures = []
    for key, value in _candidates(content, ""):
        try:
            found[key] = entries_of(value, f"The vocabulary under {key!r}")
        except TextError as error:
            failures.append(error)
    fitting = {key: entries for key, entries in found.items() if len(entries) == size}
    if not fitting and found:
        key, entries = next(iter(found.items()))
        check_size(entries, size, f"the vocabulary from {key!r} in the file")
    if not fitting and failures:
        raise TextError(f"{failures[0]} Give the vocabulary with --vocab FILE.")
    if len({tuple(entries) for entries in fitting.values()}) > 1:
        raise TextError(f"There are several vocabularies: {', '.join(fitting)}. Give the right one with --vocab FILE.")
    return next(((entries, key) for key, entries in fitting.items()), None)


def check_size(entries: list[str], size: int, name: str) -> None:
    """Refuse a vocabulary of another size than the network's."""
    if len(entries) != size:
        raise TextError(
            f"The network knows {size} tokens, but {name} has {len(entries)}. Give the one that it was trained "
            "with, by --vocab FILE: a list in JSON, or the very text that it was trained on."
        )


def _candidates(content: Any, prefix: str, depth: int = 3) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, Mapping) or not depth:
        return
    for key, value in content.items():
        if not isinstance(key, str):
            continue
        plain = re.sub(r"[^a-z0-9]", "", key.rpartition(".")[2].lower())
        if _KEY.fullmatch(plain) and isinstance(value, list | tuple | str | Mapping) and not _holds_more(value):
            yield prefix + key, value
        else:
            yield from _candidates(value, f"{prefix}{key}.", depth - 1)


def _holds_more(value: Any) -> bool:
    """Whether a mapping holds vocabularies instead of being one."""
    return isinstance(value, Mapping) and any(isinstance(inner, list | tuple | Mapping) for inner in value.values())


def _in_order(mapping: Mapping[Any, Any], name: str) -> list[str]:
    if all(isinstance(value, str) for value in mapping.values()):
        pairs = [(_as_id(key), value) for key, value in mapping.items()]
    else:
        pairs = [(value, key) for key, value in mapping.items()]
    for number, entry in pairs:
        if type(number) is not int or not isinstance(entry, str):
            raise TextError(f"{name} maps {entry!r} to {number!r}; a character and a whole number are expected.")
    ids = {number for number, _ in pairs}
    for number in range(len(pairs)):
        if number not in ids:
            raise TextError(
                f"{name} has {len(pairs)} entries, but none with id {number}. Ids go from 0 up without gaps; give an "
                "id that stands for no character an entry such as <pad>."
            )
    return [entry for _, entry in sorted(pairs)]


def _as_id(key: Any) -> Any:
    return int(key) if isinstance(key, str) and re.fullmatch(r"[0-9]{1,9}", key) else key


def _unknown_symbol(special: list[tuple[int, str]]) -> int | None:
    """The row that the foreign network has for what it does not know, if there is one such row."""
    marks = [i for i, entry in special if entry == Vocabulary.UNKNOWN]
    named = [i for i, entry in special if re.sub(r"[^a-z]", "", entry.lower()) in _UNKNOWN]
    if marks:
        return marks[0]  # a vocabulary has that character at no other place
    return named[0] if len(named) == 1 else None

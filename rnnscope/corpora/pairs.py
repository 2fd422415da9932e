"""Texts with their translations: named collections, and the user's own table.

A table is a file with a line ``source<TAB>target`` for each translation; a third column, such as an attribution,
is passed over, and so are empty lines. Lines with the same source are one pair with several targets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import read_text

from .data import Data, check_choice
from .files import fetch
from .splitting import split_by_key

LONGEST = 200

_MARKS = ("\N{START OF TEXT}", "\N{END OF TEXT}")


@dataclass(frozen=True)
class Pair:
    """A text and its translations, each of them as good as the others.

    Attributes
    ----------
    source : str
    targets : tuple of str
        At least one, all different.
    """

    source: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class PairedCorpus(Data):
    """Texts and their translations.

    Attributes
    ----------
    pairs : tuple of Pair
        No source twice.
    name, source, licence, remarks
        As for `Data`.
    """

    pairs: tuple[Pair, ...]

    def split(self, fractions: Sequence[float]) -> dict[str, list[Pair]]:
        """The pairs of each part: ``train``, ``validation`` and ``test``.

        Sources of the same words are in one part, whatever their case, white space and punctuation. See
        `split_by_key`.
        """
        return split_by_key(self.pairs, (_key_of(pair.source) for pair in self.pairs), fractions)


def _key_of(source: str) -> str:
    return " ".join(re.findall(r"\w+", source.casefold()))


def open_pairs(name: str = "", path: str | Path = "", encoding: str = "utf-8", longest: int = LONGEST) -> PairedCorpus:
    """A collection by name, or the user's own by path.

    Parameters
    ----------
    name, path, encoding
        A key of `NAMED`, or else a table and its encoding.
    longest : int
        Characters of a source or target at most; lines with longer ones are left out.

    Raises
    ------
    TextError
        If not one of name and path is given, or the name is not known, or the data is no table of pairs.
    DownloadError
    """
    check_choice(name, path, NAMED, "pairs")
    return NAMED[name](longest) if name else read_pairs(path, encoding, longest)


def read_pairs(path: str | Path, encoding: str = "utf-8", longest: int = LONGEST) -> PairedCorpus:
    """The pairs of a table.

    Parameters
    ----------
    path, encoding, longest
        See `open_pairs`.

    Raises
    ------
    TextError
        If a line has one column or more than three, or a side of it is empty or holds U+0002 or U+0003, or
        nothing is left.
    """
    path = as_path(path)
    content = read_text(path, encoding).split("\n")
    lines = [_sides(line, number, path) for number, line in enumerate(content, start=1) if line.strip()]
    kept = [sides for sides in lines if max(map(len, sides)) <= longest]
    if not kept:
        reason = f"all {len(lines):,} have a side of more than {longest:,} characters" if lines else "it is empty"
        raise TextError(f"{path} has no line to learn from: {reason}. A line is a source, a tab and its translation.")
    targets: dict[str, dict[str, None]] = {}
    for source, target in kept:
        targets.setdefault(source, {})[target] = None
    pairs = tuple(Pair(source, tuple(those)) for source, those in targets.items())
    left_out = len(lines) - len(kept)
    remarks = (f"{left_out:,} lines were left out: a side has more than {longest:,} characters.",) if left_out else ()
    name = path.resolve().name
    return PairedCorpus(pairs, name=name, source=name, remarks=remarks)


def _sides(line: str, number: int, path: Path) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) not in (2, 3):
        raise TextError(
            f"Line {number:,} of {path} has {len(columns)} columns, but a source and a target, and nothing or one "
            "column more that is passed over, are expected, separated by tabs."
        )
    source, target = (side.strip() for side in columns[:2])
    if not source or not target:
        raise TextError(
            f"Line {number:,} of {path} has an empty {'target' if source else 'source'}. Fill it in, or leave the "
            "line out."
        )
    if any(mark in line for mark in _MARKS):
        raise TextError(
            f"Line {number:,} of {path} holds a control character, U+0002 or U+0003, that marks the start and the end "
            "of a translation. Remove it."
        )
    return source, target


def english_german(longest: int = LONGEST) -> PairedCorpus:
    """Short English sentences, of at most 24 characters, with their translations into German, from Tatoeba."""
    file = "seq2seq/eng-deu.tsv"
    return read_pairs(fetch(file), longest=longest).known_as("english-german", file)


NAMED: dict[str, Callable[[int], PairedCorpus]] = {"english-german": english_german}
"""The collections that a recipe may name."""

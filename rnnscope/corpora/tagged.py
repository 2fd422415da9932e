"""Sentences of which each word bears a tag: named corpora, and the user's own files.

A file has a line ``word<TAB>tag`` for each word, and an empty line between sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import counted, read_text

from .data import Data, check_choice
from .files import fetch
from .splitting import PARTS, split_by_key

_SHOWN = 60


@dataclass(frozen=True)
class TaggedSentence:
    """Words, and as many tags."""

    words: tuple[str, ...]
    tags: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.words)

    def pieces(self, longest: int) -> list[TaggedSentence]:
        """The sentence in pieces of at most ``longest`` words."""
        return [
            TaggedSentence(self.words[start : start + longest], self.tags[start : start + longest])
            for start in range(0, len(self), longest)
        ]


@dataclass(frozen=True)
class TaggedCorpus(Data):
    """Tagged sentences in parts.

    Attributes
    ----------
    parts : dict
        The sentences of ``train``, ``validation`` and ``test``.
    own_parts : bool
        Whether the corpus came in these parts.
    name, source, licence, remarks
        As for `Data`.
    """

    parts: dict[str, tuple[TaggedSentence, ...]]
    own_parts: bool = False


def english_ewt() -> TaggedCorpus:
    """Universal part-of-speech tags of weblogs, newsgroups, mails, reviews and answers (Silveira et al. 2014)."""
    files = {"train": "train", "validation": "dev", "test": "test"}
    names = {part: f"pos/en_ewt-upos-{file}.tsv" for part, file in files.items()}
    parts = {part: read_tagged(fetch(name)) for part, name in names.items()}
    return TaggedCorpus(parts, own_parts=True, name="en-ewt").known_as("en-ewt", names["train"])


NAMED = {"en-ewt": english_ewt}
"""The corpora that a recipe of a tagger may name."""


def open_tagged(
    name: str = "", path: str | Path = "", encoding: str = "utf-8", split: Sequence[float] = (0.8, 0.1, 0.1)
) -> TaggedCorpus:
    """A corpus by name, in its own parts, or the user's own file by path.

    Sentences of the same words go to one part of the user's file, so that none is both learnt and scored.

    Parameters
    ----------
    name, path, encoding
        A key of `NAMED`, or else a table and its encoding.
    split : three floats
        Shares of train, validation and test of the file at ``path``.

    Raises
    ------
    TextError
        If not one of the two is given, the name is not known, or the file is not as it should be.
    DownloadError
    """
    check_choice(name, path, NAMED, "tagged sentences")
    if name:
        return NAMED[name]()
    sentences = read_tagged(path, encoding)
    parts = split_by_key(sentences, ("\n".join(sentence.words) for sentence in sentences), split)
    for part in PARTS:
        if not parts[part]:
            raise TextError(
                f"The {part} part has none of the {len(sentences):,} sentences of {path}. "
                "Give more sentences, or another corpus.split."
            )
    file = as_path(path).resolve().name
    return TaggedCorpus({part: tuple(chosen) for part, chosen in parts.items()}, name=file, source=file)


def read_tagged(path: str | Path, encoding: str = "utf-8") -> tuple[TaggedSentence, ...]:
    """The sentences of a file.

    Raises
    ------
    TextError
        If the file cannot be read, a line is no word and tag, or no empty line stands between sentences.
    """
    sentences: list[TaggedSentence] = []
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(f"{read_text(path, encoding)}\n".split("\n"), start=1):
        if line.strip():
            rows.append(_word_and_tag(line, f"{path}, line {number:,}"))
        elif rows:
            words, tags = zip(*rows, strict=True)
            sentences.append(TaggedSentence(words, tags))
            rows = []
    if len(sentences) < 2:
        found = f"one sentence of {len(sentences[0]):,} words" if sentences else "none"
        raise TextError(
            f"{path} should hold two sentences or more, with an empty line between them; got {found}. "
            "Put an empty line after each sentence."
        )
    return tuple(sentences)


def _word_and_tag(line: str, where: str) -> tuple[str, str]:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) == 2 and all(columns):
        return columns[0], columns[1]
    if len(columns) == 2:
        got = "no word" if not columns[0] else "no tag"
    else:
        got = counted(len(columns), "column")
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
    raise TextError(
        f"{where}: expected a word, a tab and its tag; got {got} in {shown!r}. Mend the line; of a CoNLL-U file keep "
        "columns 2 and 4 of the lines that begin with a whole number."
    )

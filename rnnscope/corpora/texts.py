"""Texts to train and test on: named ones, the same for everybody, and the user's own.

A corpus is a list of documents and the rule that cuts it into training, validation and test parts:

- fewer than ten documents: each is cut by position, so a book gives three contiguous stretches;
- ten or more: whole documents go to one part each, by a hash of their names, so that a document
  stays in its part when others are added (by position all the same, if that leaves a part empty).
"""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import Document, check_encoding, decode_text, read_text

from .data import Data, check_choice
from .files import fetch
from .linux_kernel import TEXT, kernel_documents
from .splitting import PARTS, split_by_key

_FEW = 10


@dataclass(frozen=True)
class Corpus(Data):
    """Documents.

    Attributes
    ----------
    documents : tuple of Document
    name, source, licence, remarks
        As for `Data`.
    """

    documents: tuple[Document, ...]

    def split(self, fractions: Sequence[float] = (0.8, 0.1, 0.1)) -> dict[str, tuple[Document, ...]]:
        """The documents of each part: ``train``, ``validation`` and ``test``; see `split_by_key`."""
        whole = split_by_key(self.documents, (document.name for document in self.documents), fractions)
        if len(self.documents) >= _FEW and all(whole[part] for part, f in zip(PARTS, fractions, strict=True) if f):
            return {part: tuple(documents) for part, documents in whole.items()}
        return _cut_positions(self.documents, fractions)


def _cut_positions(documents: Sequence[Document], fractions: Sequence[float]) -> dict[str, tuple[Document, ...]]:
    parts: dict[str, list[Document]] = {part: [] for part in PARTS}
    for document in documents:
        length = len(document.text)
        first, second = (int(share * length + 1e-6) for share in (fractions[0], fractions[0] + fractions[1]))
        stretches = (document.text[:first], document.text[first:second], document.text[second:])
        for part, stretch in zip(PARTS, stretches, strict=True):
            if stretch:
                parts[part].append(Document(document.name, stretch))
    return {part: tuple(chosen) for part, chosen in parts.items()}


def standard_library() -> Corpus:
    """The source of the Python standard library on this machine, one document a module, tests left out."""
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
    paths = sorted(p for p in root.rglob("*.py") if not left_out.intersection(p.relative_to(root).parts))
    documents = _read_all(paths, root)
    return Corpus(
        documents,
        name="standard-library",
        source=f"the standard library of Python {platform.python_version()}, as installed",
        licence="PSF-2.0",
        remarks=_left_out(len(paths) - len(documents)),
    )


def war_and_peace() -> Corpus:
    """War and Peace in the Maude translation, as used by Karpathy, Johnson and Fei-Fei (2015)."""
    return _book("war-and-peace", "text/warpeace_input.txt")


def tiny_shakespeare() -> Corpus:
    """Forty thousand lines of Shakespeare's plays, as they come with Karpathy's char-rnn (2015)."""
    return _book("tiny-shakespeare", "text/tinyshakespeare.txt")


def _book(name: str, file: str) -> Corpus:
    path = fetch(file)
    document = Document(name, decode_text(path.read_bytes(), str(path)))
    return Corpus((document,), name=name).known_as(name, file)


def linux_kernel(path: str | Path = "") -> Corpus:
    """The directory kernel/ of Linux 6.1.192, one document a file, from the user's own copy.

    Parameters
    ----------
    path : str or Path
        See `rnnscope.corpora.linux_kernel.kernel_documents`.
    """
    return Corpus(kernel_documents(path), name="linux-kernel").known_as("linux-kernel", TEXT)


FROM_PATH = {"linux-kernel": linux_kernel}
"""The named corpora that are made from what the user has at a path."""

NAMED = {
    "standard-library": standard_library,
    "war-and-peace": war_and_peace,
    "tiny-shakespeare": tiny_shakespeare,
    **FROM_PATH,
}
"""The corpora that a recipe of a language model may name."""

DEFAULT = "standard-library"
"""The corpus that needs no download."""


def read_corpus(path: str | Path, encoding: str = "utf-8") -> Corpus:
    """A file, or every text file of a folder in the order of their names; hidden files are passed over."""
    path = as_path(path)
    check_encoding(encoding)
    remarks: tuple[str, ...] = ()
    if path.is_dir():
        files = sorted(
            p for p in path.rglob("*") if p.is_file() and not any(s.startswith(".") for s in p.relative_to(path).parts)
        )
        documents = _read_all(files, path, encoding)
        if not documents:
            raise TextError(f"{path} holds no text file ({len(files)} files are empty, binary or not {encoding}).")
        remarks = _left_out(len(files) - len(documents))
    else:
        documents = (Document(path.name, read_text(path, encoding)),)
    name = path.resolve().name
    return Corpus(documents, name=name, source=name, remarks=remarks)


def _read_all(paths: Sequence[Path], root: Path, encoding: str = "utf-8") -> tuple[Document, ...]:
    """The files that are text, one a document."""
    documents = []
    for path in paths:
        with suppress(TextError):
            documents.append(Document(path.relative_to(root).as_posix(), read_text(path, encoding)))
    return tuple(documents)


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count:,} files were left out: empty, binary or in another encoding.",) if count else ()


def open_corpus(name: str = "", path: str | Path = "", encoding: str = "utf-8") -> Corpus:
    """A corpus by name, or the user's own by path; the standard library if neither is given.

    Both are given for a corpus of `FROM_PATH`: the path of what it is made from.

    Raises
    ------
    TextError
        If the name is not known, or both are given for another corpus.
    """
    if name in FROM_PATH:
        return FROM_PATH[name](path)
    name = name or ("" if str(path) else DEFAULT)
    check_choice(name, path, NAMED, "texts")
    return NAMED[name]() if name else read_corpus(path, encoding)

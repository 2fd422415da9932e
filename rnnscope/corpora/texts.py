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
from dataclasses import dataclass, field
from pathlib import Path

from rnnscope.errors import TextError
from rnnscope.text import Document, check_encoding, decode_text, read_text

from .files import FILES, fetch
from .linux_kernel import TEXT, kernel_documents
from .splitting import PARTS, split_by_key

_FEW = 10


@dataclass(frozen=True)
class Corpus:
    """Documents with a name, and where they come from.

    Attributes
    ----------
    name : str
    documents : tuple of Document
    source, licence : str
        For the card of a model that was trained on it.
    skipped : tuple of str
        Files of a folder that are no text and were left out.
    """

    name: str
    documents: tuple[Document, ...]
    source: str
    licence: str
    skipped: tuple[str, ...] = field(default=(), repr=False)

    def split(self, fractions: Sequence[float] = (0.8, 0.1, 0.1)) -> dict[str, tuple[Document, ...]]:
        """The documents of each part: ``train``, ``validation`` and ``test``.

        Parameters
        ----------
        fractions : three floats
            Shares of train, validation and test; they add up to 1.
        """
        whole = split_by_key(self.documents, (document.name for document in self.documents), fractions)
        if len(self.documents) >= _FEW and all(whole[part] for part, f in zip(PARTS, fractions, strict=True) if f):
            return {part: tuple(documents) for part, documents in whole.items()}
        return _cut_positions(self.documents, fractions)

    @property
    def characters(self) -> int:
        return sum(len(document.text) for document in self.documents)


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
    documents, skipped = _read_all(paths, root)
    return Corpus(
        name="standard-library",
        documents=documents,
        source=f"the standard library of Python {platform.python_version()}, as installed",
        licence="PSF-2.0",
        skipped=skipped,
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
    return Corpus(name, (document,), FILES[file].source, FILES[file].licence)


def linux_kernel(path: str | Path | None = None) -> Corpus:
    """The directory kernel/ of Linux 6.1.192, one document a file, from the user's own copy.

    Parameters
    ----------
    path : str or Path, optional
        See `rnnscope.corpora.linux_kernel.kernel_documents`.
    """
    return Corpus("linux-kernel", kernel_documents(path), FILES[TEXT].source, FILES[TEXT].licence)


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
    path = Path(path)
    check_encoding(encoding)
    skipped: tuple[str, ...] = ()
    if path.is_dir():
        files = sorted(
            p for p in path.rglob("*") if p.is_file() and not any(s.startswith(".") for s in p.relative_to(path).parts)
        )
        documents, skipped = _read_all(files, path, encoding)
        if not documents:
            raise TextError(f"{path} holds no text file ({len(skipped)} files are empty, binary or not {encoding}).")
    else:
        documents = (Document(path.name, read_text(path, encoding)),)
    name = path.resolve().name
    return Corpus(name=name, documents=documents, source=name, licence="unknown", skipped=skipped)


def _read_all(
    paths: Sequence[Path], root: Path, encoding: str = "utf-8"
) -> tuple[tuple[Document, ...], tuple[str, ...]]:
    documents, skipped = [], []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            documents.append(Document(name, read_text(path, encoding)))
        except TextError:
            skipped.append(name)
    return tuple(documents), tuple(skipped)


def open_corpus(name: str | None = None, path: str | Path | None = None, encoding: str = "utf-8") -> Corpus:
    """A corpus by name, or the user's own by path; the standard library if neither is given.

    Both are given for a corpus of `FROM_PATH`: the path of what it is made from.

    Raises
    ------
    TextError
        If the name is not known, or both are given for another corpus.
    """
    if name is None and path is not None:
        return read_corpus(path, encoding)
    name = name or DEFAULT
    if name not in NAMED:
        raise TextError(f"There is no corpus {name!r}. Known: {', '.join(NAMED)}. For a file of yours give path.")
    if path is None:
        return NAMED[name]()
    if name not in FROM_PATH:
        raise TextError(
            f"Give a corpus by name or by path, one of the two; both belong to {', '.join(FROM_PATH)} alone, "
            f"got {name!r} and {str(path)!r}."
        )
    return FROM_PATH[name](path)

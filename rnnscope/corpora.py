"""Texts to train and test on: named ones, the same for everybody, and the user's own.

A corpus is a list of documents and the rule that cuts it into training, validation and test parts:

- fewer than ten documents: each is cut by position, so a book gives three contiguous stretches;
- ten or more: whole documents go to one part each, by a hash of their names, so that a document
  stays in its part when others are added (by position all the same, if that leaves a part empty).
"""

from __future__ import annotations

import hashlib
import os
import platform
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pooch
import requests

from .errors import DownloadError, TextError
from .text import Document, check_encoding, decode_text, read_text

PARTS = ("train", "validation", "test")

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
        if len(fractions) != len(PARTS) or min(fractions) < 0 or not abs(sum(fractions) - 1) <= 1e-9:
            raise TextError(f"A split is three shares that add up to 1, such as (0.8, 0.1, 0.1); got {fractions}.")
        whole = _cut_documents(self.documents, fractions)
        if len(self.documents) >= _FEW and all(whole[part] for part, f in zip(PARTS, fractions, strict=True) if f):
            return whole
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


def _cut_documents(documents: Sequence[Document], fractions: Sequence[float]) -> dict[str, tuple[Document, ...]]:
    parts: dict[str, list[Document]] = {part: [] for part in PARTS}
    for document in documents:
        place = int.from_bytes(hashlib.sha256(document.name.encode()).digest()[:8], "big") / 2**64
        part = PARTS[(place >= fractions[0]) + (place >= fractions[0] + fractions[1])]
        parts[part].append(document)
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


WAR_AND_PEACE_URL = "https://cs.stanford.edu/people/karpathy/char-rnn/warpeace_input.txt"
WAR_AND_PEACE_SHA256 = "fb66ba999dafe24017cdd59e04c56d385a9c8466993d374fd4c6f08b2142985e"
WAR_AND_PEACE_BYTES = 3_258_246


def war_and_peace() -> Corpus:
    """War and Peace in the Maude translation, as used by Karpathy, Johnson and Fei-Fei (2015)."""
    path = download(WAR_AND_PEACE_URL, WAR_AND_PEACE_SHA256, WAR_AND_PEACE_BYTES)
    return Corpus(
        name="war-and-peace",
        documents=(Document("war-and-peace", decode_text(path.read_bytes(), str(path))),),
        source=WAR_AND_PEACE_URL,
        licence="public domain in the United States (Project Gutenberg 2600)",
    )


NAMED = {"standard-library": standard_library, "war-and-peace": war_and_peace}
"""The corpora that a recipe may name."""

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


def cache_folder() -> Path:
    """Where downloaded corpora are kept: ``$RNNSCOPE_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("RNNSCOPE_CACHE") or pooch.os_cache("rnnscope"))


def download(url: str, sha256: str, size: int) -> Path:
    """Fetch a file into the cache once; a file appears there only when whole and checked.

    Raises
    ------
    DownloadError
        If the server cannot be reached, the connection breaks or the checksum is wrong.
    """
    name, folder = url.rsplit("/", 1)[-1], cache_folder()
    by_hand = f"You can also place the file yourself at {folder / name} ({size:,} bytes, sha256 {sha256})."
    try:
        pooch.get_logger().setLevel("WARNING")
        return Path(pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=name, path=folder))
    except requests.RequestException as error:
        raise DownloadError(
            f"{url} could not be fetched whole ({type(error).__name__}). Try again. {by_hand}"
        ) from error
    except ValueError as error:
        raise DownloadError(f"What {url} sent is not the expected file: its sha256 differs. {by_hand}") from error
    except OSError as error:
        raise DownloadError(
            f"{folder} cannot hold the download: {error.strerror or error}. Set RNNSCOPE_CACHE to another folder."
        ) from error


def open_corpus(name: str | None = None, path: str | Path | None = None, encoding: str = "utf-8") -> Corpus:
    """A corpus by name, or the user's own by path; the standard library if neither is given.

    Raises
    ------
    TextError
        If both are given, or the name is not known.
    """
    if path is not None:
        if name is not None:
            raise TextError("Give a corpus by name or by path, one of the two.")
        return read_corpus(path, encoding)
    name = name or DEFAULT
    if name not in NAMED:
        raise TextError(f"There is no corpus {name!r}. Known: {', '.join(NAMED)}. For a file of yours give path.")
    return NAMED[name]()

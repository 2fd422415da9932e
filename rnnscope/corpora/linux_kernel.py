"""The source of the Linux kernel as documents, from a tree that the user has.

The text is that of 327 files of the directory kernel/, as long as the one that Karpathy, Johnson and Fei-Fei (2015)
read. Nothing of it comes with rnnscope: a table beside this module holds the name, the bytes and the sha256 of each
file, in the order of the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import Document, decode_text

from .files import FILES, fetch, sha256_of

TEXT = "gpl/linux_kernel_6.1.192.txt"
"""The known file that holds the whole text."""

LIST = Path(__file__).with_name("linux_kernel_files.tsv")

_SHOWN = 3


@dataclass(frozen=True)
class SourceFile:
    """One file of the kernel tree: its name there, its bytes and its checksum."""

    name: str
    size: int
    sha256: str


def kernel_documents(path: str | Path = "") -> tuple[Document, ...]:
    """The documents of the kernel text, one a source file.

    Parameters
    ----------
    path : str or Path
        The folder of the kernel source, or the file that holds the whole text; the cache folder is searched for
        that file if neither is given.

    Raises
    ------
    TextError
        If the source is of another version.
    DownloadError
        If no path is given and the cache folder lacks the text.
    """
    path = as_path(path) if str(path) else fetch(TEXT)
    listed = _listed()
    contents = _read_tree(path, listed) if path.is_dir() else _cut(path, listed)
    return tuple(
        Document(file.name, decode_text(content, file.name)) for file, content in zip(listed, contents, strict=True)
    )


def _listed() -> list[SourceFile]:
    rows = (line.split("\t") for line in LIST.read_text().splitlines())
    return [SourceFile(name, int(size), sha256) for name, size, sha256 in rows]


def _read_tree(root: Path, listed: Sequence[SourceFile]) -> list[bytes]:
    contents, missing, different = [], [], []
    for file in listed:
        try:
            contents.append((root / file.name).read_bytes())
        except OSError:
            missing.append(file.name)
            continue
        if hashlib.sha256(contents[-1]).hexdigest() != file.sha256:
            different.append(file.name)
    if missing or different:
        found = [_count(names, state) for names, state in ((missing, "missing"), (different, "different")) if names]
        raise TextError(f"Of the {len(listed)} files of the corpus, {' and '.join(found)} in {root}. {_needed()}")
    return contents


def _count(names: Sequence[str], state: str) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} {state} ({', '.join(names[:_SHOWN])}{more})"


def _cut(path: Path, listed: Sequence[SourceFile]) -> list[bytes]:
    try:
        if sha256_of(path) != FILES[TEXT].sha256:
            raise TextError(f"{path} is not the text of the corpus: its sha256 differs. {_needed()}")
        whole = path.read_bytes()
    except FileNotFoundError:
        raise TextError(f"There is no file or folder {path}. {_needed()}") from None
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.") from error
    ends = accumulate(file.size for file in listed)
    return [whole[end - file.size : end] for file, end in zip(listed, ends, strict=True)]


def _needed() -> str:
    file = FILES[TEXT]
    return (
        f"It needs {file.source}: give the folder that holds kernel/ (the package brings it as "
        f"/usr/src/linux-source-6.1.tar.xz; unpack that), or a file of the whole text ({file.size:,} bytes, "
        f"sha256 {file.sha256})."
    )

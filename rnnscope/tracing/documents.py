"""What the user wants to be read: texts as they are, and files, cut into documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import pandas as pd
from torch import Tensor

from rnnscope.errors import TextError
from rnnscope.text import Document, read_stream, read_text

Cut = Literal["file", "line"]
"""Whether a file is one document, or each line of it that is not blank."""

Texts = str | Document | Path | BinaryIO
"""A text, or a file with one or more."""

Numbers = np.ndarray | Tensor | pd.Series | Sequence[float] | Sequence[np.ndarray]
"""Token ids, images or series."""


@dataclass(frozen=True)
class Given:
    """What the user wants to be read, and how.

    Attributes
    ----------
    what : `Texts`, a sequence of these, or `Numbers`
    cut : {"file", "line"} or None
        How files are cut into documents; None leaves it to the network's reader.
    encoding : str
        Of files.
    name : str or None
        What to call a text that has no name.
    """

    what: Any
    cut: Cut | None = None
    encoding: str = "utf-8"
    name: str | None = None

    @property
    def parts(self) -> list[Any]:
        """What is given, one by one."""
        return list(self.what) if isinstance(self.what, list | tuple) else [self.what]

    @property
    def holds_texts(self) -> bool:
        """Whether these are texts or files, not numbers."""
        return bool(self.parts) and all(is_text(part) for part in self.parts)

    def names(self, count: int, word: str) -> list[str]:
        """What to call so many documents that have no names."""
        name = self.name or word
        return [name] if count == 1 else [f"{name} {number}" for number in range(count)]


def is_text(part: Any) -> bool:
    """Whether this is a text or a file."""
    return isinstance(part, str | Document | Path) or hasattr(part, "read")


def gather(given: Given, cut: Cut) -> list[Document]:
    """The documents of texts and files.

    Parameters
    ----------
    given : Given
    cut : {"file", "line"}
        For files, if the user does not say.

    Raises
    ------
    TextError
        If a file cannot be read, or there is no document, or one without a character.
    """
    parts = given.parts
    names = given.names(len(parts), "text")
    found: list[Document] = []
    for part, name in zip(parts, names, strict=True):
        if isinstance(part, str):
            found.append(Document(name, part))
        elif isinstance(part, Document):
            found.append(part)
        elif not is_text(part):
            raise TextError(
                f"This network reads texts: a str, a Path, or a sequence of these; got {type(part).__name__}."
            )
        else:
            found.extend(_cut(open_file(part, given), given.cut or cut))
    for document in found:
        if not document.text:
            which = f"{document.name} is empty" if len(found) > 1 else "The text is empty"
            raise TextError(f"{which}; at least one character is needed.")
    if not found:
        raise TextError("The text is empty; at least one character is needed.")
    return found


def open_file(part: Path | BinaryIO, given: Given) -> Document:
    """A file or an open stream as one document."""
    own = Path(str(getattr(part, "name", "stream")).strip("<>")).name
    name = (given.name if len(given.parts) == 1 else None) or own
    if isinstance(part, Path):
        return Document(name, read_text(part, given.encoding))
    return Document(name, read_stream(part, name, given.encoding))


def _cut(document: Document, cut: Cut) -> Iterator[Document]:
    if cut == "file":
        yield document
        return
    blank = True
    for number, line in enumerate(document.text.split("\n"), start=1):
        if line.strip():
            blank = False
            yield Document(f"{document.name}:{number}", line)
    if blank:
        raise TextError(f"{document.name} has nothing but blank lines; a document of at least one character is needed.")

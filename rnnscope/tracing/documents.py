"""What the user wants to be read: texts as they are, and files, cut into documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from rnnscope.errors import TextError
from rnnscope.text import Cut, Document, File

TextSource = str | Document | Path | File
"""A text, or a file with one or more."""

Texts = TextSource | Sequence[TextSource]
"""What is to be read: a text, the path of a file, a `Document` or a `File`; or several, each a document of its own."""

Numbers = np.ndarray | Tensor | pd.Series | Sequence[float] | Sequence[np.ndarray]
"""Token ids, images or series."""


def parts(given: Any) -> list[Any]:
    """What is given to be read, one by one."""
    return list(given) if isinstance(given, list | tuple) else [given]


def holds_texts(given: Any) -> bool:
    """Whether what is given are texts or files, not numbers."""
    return bool(parts(given)) and all(isinstance(part, TextSource) for part in parts(given))


def as_numbers(given: Any, dtype: str | None = None) -> np.ndarray:
    """An array of what is given.

    Raises
    ------
    TextError
        If these are no numbers, or their rows are of different lengths.
    """
    try:
        return np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given, dtype)
    except (TypeError, ValueError):
        raise TextError(
            f"Numbers in an array were expected, rows of equal length; got {type(given).__name__}."
        ) from None


def numbered(count: int, word: str) -> list[str]:
    """What to call so many documents that have no names."""
    return [word] if count == 1 else [f"{word} {number}" for number in range(count)]


def gather(given: Texts, cut: Cut = "file") -> list[Document]:
    """The documents of texts and files.

    Parameters
    ----------
    given : str, Document, Path, File, or a list or tuple of these
    cut : {"file", "line"}
        How files are cut that do not say it themselves.

    Raises
    ------
    TextError
        If a file cannot be read, or there is no document, or one without a character.
    """
    found = [document for part in _named(parts(given)) for document in _documents(part, cut)]
    for document in found:
        if not isinstance(document.text, str):
            raise TextError(f"{document.name} has to be a text, a str; got {type(document.text).__name__}.")
        if not document.text:
            which = f"{document.name} is empty" if len(found) > 1 else "The text is empty"
            raise TextError(f"{which}; at least one character is needed.")
    if not found:
        raise TextError("The text is empty; at least one character is needed.")
    return found


def _named(given: list[Any]) -> Iterator[Document | File]:
    """Texts with a name, and files with their settings."""
    for part, name in zip(given, numbered(len(given), "text"), strict=True):
        if isinstance(part, str):
            yield Document(name, part)
        elif isinstance(part, Path):
            yield File(part)
        elif isinstance(part, Document | File):
            yield part
        else:
            raise TextError(
                "This network reads texts: a str, a Path, a File (of an open file, too), a Document, or a sequence of "
                f"these; got {type(part).__name__}."
            )


def _documents(part: Document | File, cut: Cut) -> Iterator[Document]:
    if isinstance(part, Document):
        yield part
    elif (part.documents or cut) == "file":
        yield Document(part.name, part.text)
    else:
        lines = [(number, line) for number, line in enumerate(part.text.split("\n"), start=1) if line.strip()]
        if not lines:
            raise TextError(f"{part.name} has nothing but blank lines; a document of at least one character is needed.")
        yield from (Document(f"{part.name}:{number}", line) for number, line in lines)

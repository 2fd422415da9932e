"""Texts in, token ids out: reading files safely, and the characters a model knows."""

from __future__ import annotations

import codecs
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import numpy as np

from .arguments import as_path, check_one_of
from .errors import TextError

LARGEST_TEXT = 2**30
"""Bytes of the largest text that is read at once."""

_CODEPOINTS = sys.maxunicode + 1


@dataclass(frozen=True)
class Document:
    """A text with a name: a file, or the whole of a book.

    Attributes
    ----------
    name : str
    text : str

    Examples
    --------
    >>> import rnnscope.trained
    >>> greetings = [rnnscope.Document("greeting", "Good morning!"), rnnscope.Document("answer", "Hello.")]
    >>> trace = rnnscope.trace(rnnscope.load(rnnscope.trained.path("prose-lstm")), greetings)
    >>> trace.documents
    ('greeting', 'answer')
    >>> trace.text_between(13, 19)
    'Hello.'
    """

    name: str
    text: str = field(repr=False)


Cut = Literal["file", "line"]
"""Whether a file is one document, or each line of it that is not blank."""


@dataclass(frozen=True)
class File:
    r"""A file of text, and how it is to be read, where that is not as usual.

    A path alone is a file in UTF-8, cut into documents as the network that reads it has it.

    Parameters
    ----------
    source : path, or open binary file
        What an open file holds is read once and kept.
    documents : {"file", "line"}, optional
        Whether the file is one document, or each line of it that is not blank. If not given, it is one for a language
        model and a module; classifiers, taggers and translators read lines.
    encoding : str
        A name that Python knows, such as ``"latin-1"``.

    Examples
    --------
    >>> from pathlib import Path
    >>> import rnnscope
    >>> count = Path("names.txt").write_bytes("Zo\xeb\nJos\xe9\n".encode("latin-1"))
    >>> rnnscope.File("names.txt", documents="line", encoding="latin-1").text
    'Zoë\nJosé\n'
    """

    source: str | Path | BinaryIO
    documents: Cut | None = None
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.documents is not None:
            check_one_of(self.documents, "documents", get_args(Cut))

    @property
    def name(self) -> str:
        """The last part of the path; ``stdin`` of standard input."""
        path = self.source if isinstance(self.source, str | Path) else getattr(self.source, "name", "stream")
        return Path(str(path).strip("<>")).name

    @cached_property
    def text(self) -> str:
        """All of it, see `read_text`.

        Raises
        ------
        TextError
            If it is missing, unreadable, empty, binary, too large or in another encoding.
        """
        if isinstance(self.source, str | Path):
            return read_text(self.source, self.encoding)
        return read_stream(self.source, self.name, self.encoding)


def as_file(given: str | Path | File) -> File:
    """A file of a path; one that is a `File` already as it is.

    Raises
    ------
    ArgumentError
        If it is neither.
    """
    return given if isinstance(given, File) else File(as_path(given))


class Vocabulary:
    """The characters that a model knows, one token id each.

    Id 0 is the unknown symbol. A character outside the vocabulary is read as that symbol, never
    dropped, so that a text and its token ids always have the same length.

    Parameters
    ----------
    characters : iterable of str
        Distinct single characters, in the order of their ids from 1 on.

    Raises
    ------
    TextError
        If one is given twice, or is no single character.

    Examples
    --------
    >>> import rnnscope
    >>> vocabulary = rnnscope.Vocabulary.of("a cab")
    >>> vocabulary.characters
    ('�', ' ', 'a', 'b', 'c')
    >>> vocabulary.encode("bad")
    array([3, 2, 0])
    >>> vocabulary.unknown("bad")
    Counter({'d': 1})
    """

    UNKNOWN = "\N{REPLACEMENT CHARACTER}"

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = (self.UNKNOWN, *(c for c in characters if c != self.UNKNOWN))
        if not all(isinstance(c, str) and len(c) == 1 for c in self.characters):
            raise TextError("A vocabulary holds single characters, but a longer or an empty string was given.")
        if len(set(self.characters)) != len(self.characters):
            raise TextError("A vocabulary holds each character once, but one was given twice.")

    @classmethod
    def of(cls, *texts: str) -> Vocabulary:
        """The sorted distinct characters of the texts."""
        return cls(sorted(set().union(*texts)))

    def encode(self, text: str) -> np.ndarray:
        """Token ids of a text, an int64 array of shape (time,).

        Raises
        ------
        TextError
            If this is no text.
        """
        return self._ids[codepoints(text)].astype(np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token ids.

        Raises
        ------
        TextError
            If there is no such token.
        """
        ids = [int(token) for token in tokens]
        if not all(0 <= token < len(self) for token in ids):
            raise TextError(f"Token ids go from 0 to {len(self) - 1}; got {min(ids)} to {max(ids)}.")
        return "".join(self.characters[token] for token in ids)

    def unknown(self, text: str) -> Counter[str]:
        """The characters of a text that the vocabulary lacks, with their counts."""
        codes = codepoints(text)
        strangers, counts = np.unique(codes[self._ids[codes] == 0], return_counts=True)
        return Counter({chr(code): int(count) for code, count in zip(strangers, counts, strict=True)})

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self.characters[1:]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Vocabulary({''.join(self.characters[1:])!r})"

    @cached_property
    def _ids(self) -> np.ndarray:
        """Token id by code point: 0 for all that is unknown."""
        ids = np.zeros(_CODEPOINTS, dtype=np.int32)
        ids[codepoints("".join(self.characters))] = np.arange(len(self.characters))
        return ids


def codepoints(text: str) -> np.ndarray:
    """Unicode code points of a text, a uint32 array of shape (time,)."""
    if not isinstance(text, str):
        raise TextError(f"A text was expected, a str; got {type(text).__name__}.")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def spelled(codes: np.ndarray) -> str:
    """The text of code points; U+FFFD where half of a surrogate pair stands alone."""
    return codes.astype("<u4").tobytes().decode("utf-32-le", "replace")


def visible(character: str) -> str:
    """A character as something that can be seen in one column: ⏎ for a newline, · for a space."""
    if character in _VISIBLE:
        return _VISIBLE[character]
    return character if character.isprintable() else Vocabulary.UNKNOWN


def in_a_line(text: str) -> str:
    """A text as something that can be seen in one line: as `visible` says, but with its spaces."""
    return "".join(character if character == " " else visible(character) for character in text)


def counted(number: int, word: str) -> str:
    """So many of something, as 1 step and 1,948 steps."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


_VISIBLE = {"\n": "⏎", "\t": "→", " ": "·", "\r": "␍"}


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """The text of a file, without byte order mark and with ``\\n`` at the end of each line.

    Raises
    ------
    TextError
        If the file is missing, unreadable, empty, binary, too large or in another encoding.
    """
    path = as_path(path)
    try:
        if path.is_dir():
            raise TextError(f"{path} is a folder; give the path of one text file.")
        with path.open("rb") as file:
            return read_stream(file, str(path), encoding)
    except FileNotFoundError:
        raise TextError(f"There is no file {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.") from error


def read_stream(file: BinaryIO, name: str, encoding: str = "utf-8") -> str:
    """The text of an open file or pipe, see `read_text`; ``name`` is what errors call it."""
    data = file.read(LARGEST_TEXT + 1) if hasattr(file, "read") else None
    if not isinstance(data, bytes):
        raise TextError(f"A path or a file opened as binary was expected; got {type(file).__name__}.")
    if len(data) > LARGEST_TEXT:
        raise TextError(
            f"{name} has more than the {LARGEST_TEXT:,} bytes that are read at once. "
            "Take a part of it, for example: head -c 10000000 book.txt > part.txt"
        )
    return decode_text(data, name, encoding)


def decode_text(data: bytes, name: str, encoding: str = "utf-8") -> str:
    """Bytes as text: see `read_text`; ``name`` is what errors call the bytes."""
    if not data:
        raise TextError(f"{name} is empty; a text of at least one character is needed.")
    if check_encoding(encoding) == "utf-8":
        _refuse_binary(data, name)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TextError(
            f"{name} is not {encoding}: byte 0x{data[error.start]:02x} at offset {error.start:,} (line {line:,}). "
            "Name the encoding it was written in, for example --encoding latin-1 or --encoding cp1252."
        ) from None
    except (LookupError, UnicodeError) as error:  # codecs such as rot13 and undefined
        raise TextError(f"{encoding!r} is no encoding of text files ({error}). Try utf-8, latin-1 or cp1252.") from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise TextError(f"{name} holds a byte order mark and nothing else; a text of at least one character is needed.")
    return text


def check_encoding(encoding: str) -> str:
    """Python's own name of an encoding; TextError if it knows none of that name."""
    try:
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise TextError(
            f"Python knows no encoding {encoding!r}. Common ones are utf-8, latin-1, cp1252 and utf-16."
        ) from None


def _refuse_binary(data: bytes, name: str) -> None:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TextError(f"{name} looks like UTF-32, not UTF-8. Read it with --encoding utf-32.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TextError(f"{name} looks like UTF-16, not UTF-8. Read it with --encoding utf-16.")
    zero = data.find(b"\0")
    if zero >= 0:
        raise TextError(f"{name} is binary: there is a zero byte at offset {zero:,}. rnnscope reads plain text.")

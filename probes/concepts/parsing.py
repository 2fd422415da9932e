"""Texts as syntax trees: which language, and where in the text a query's captures lie.

The trees are made by tree-sitter, which goes on after what it cannot parse, so that code with macros or
cut off in the middle still has one. But an error may cost it all of the file that follows, so that a long
text is parsed in pieces that end where a function at the left margin does.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np
from tree_sitter import Language, Node, Parser, Query, QueryCursor, QueryError

from rnnscope.errors import ConceptError
from rnnscope.text import codepoints

from .scanning import NEWLINE, overlap

LANGUAGES = ("c", "python")
"""The languages that are told apart by `detect`."""

_LOOKED_AT = 20_000  # characters, from which a language is told
_MOST_MISFIT = 0.5  # real code has less of it, prose has more
_PACKAGE = "tree_sitter_"
_PIECE = 10_000  # bytes that a piece has at least
_FUNCTION_END = {"c": re.compile(rb"\n}\n"), "python": re.compile(rb"\n\n(?=def |class |@|async )")}


@lru_cache
def language(name: str) -> Language:
    """A language by its name, such as ``c``.

    Raises
    ------
    ConceptError
        If its grammar is not installed.
    """
    identifier = name.lower().replace("-", "_")
    try:
        module = importlib.import_module(_PACKAGE + identifier)
        return Language((getattr(module, "language", None) or getattr(module, f"language_{identifier}"))())
    except (ImportError, AttributeError, TypeError, ValueError):
        installed = sorted(found.name for found in pkgutil.iter_modules() if found.name.startswith(_PACKAGE))
        known = ", ".join(module.removeprefix(_PACKAGE) for module in installed)
        raise ConceptError(
            f"tree-sitter knows no language {name!r} here, only {known}. "
            f"pip install tree-sitter-LANGUAGE adds one, if there is a grammar of it."
        ) from None


@lru_cache
def compiled(language_name: str, query: str) -> Query:
    """A tree-sitter query, ready to run; ConceptError that shows the place if it is broken, or captures nothing."""
    try:
        made = Query(language(language_name), query)
    except QueryError as error:
        raise ConceptError(f"{query!r} is no tree-sitter query for {language_name}: {error}.") from None
    if not made.capture_count:
        raise ConceptError(
            f"The query {query!r} captures nothing. Put a name such as @inside behind what it shall mark: "
            "(if_statement condition: (_) @inside)"
        )
    return made


def detect(text: str) -> str | None:
    """The language of a text, of those in `LANGUAGES`: that which its first 20,000 characters fit best.

    The first of them if several fit as well; None if half of the text fits in none.
    """
    return _detect(text[:_LOOKED_AT])


@lru_cache(maxsize=16)
def _detect(text: str) -> str | None:
    misfit = {name: parse(text, name).misfit for name in LANGUAGES}
    best = min(misfit, key=misfit.__getitem__)
    return best if misfit[best] < _MOST_MISFIT else None


@lru_cache(maxsize=len(LANGUAGES))
def parse(text: str, language_name: str) -> Source:
    """A text parsed; the last ones are kept, since many concepts ask for the same."""
    return Source(text, language_name)


class Source:
    """A text and its syntax trees.

    Parameters
    ----------
    text : str
    language_name : str
    """

    def __init__(self, text: str, language_name: str) -> None:
        self.codes, self.language = codepoints(text), language_name
        data = text.encode("utf-8", "replace").replace(b"\0", b" ")  # a lone surrogate becomes one question mark
        self._ends = _function_ends(data, language_name)
        parser, cuts = Parser(language(language_name)), _cuts(self._ends)
        pieces = zip(cuts, [*cuts[1:], len(data)], strict=True)
        self._roots = [(begin, parser.parse(data[begin:end]).root_node) for begin, end in pieces]
        self._bytes = len(data)
        self._offsets = None if len(data) == len(text) else _byte_offsets(self.codes)

    @cached_property
    def misfit(self) -> float:
        """How badly the text fits the language: the share that is in no structure of it, plus errors a character."""
        errors = (nodes for _, found in self._matches("[(ERROR) (MISSING)] @error") for nodes in found.values())
        return sum(1 + _loose(node) for nodes in errors for node in nodes) / max(1, self._bytes)

    def inside(self, query: str) -> np.ndarray:
        """How many captures of a query each character lies in, int64 of shape (time,).

        The name of a capture says how far it reaches: ``@closed`` to before its last character, which closes
        it; ``@line`` to the end of its line; all others, such as ``@inside``, to their last character. A capture
        ``@until`` ends the others of its match before its first character. ``@outside`` counts as minus one.
        Names that begin with an underscore mark nothing.
        """
        begins, ends, weights = self.spans(query)
        return overlap(begins, ends, len(self.codes), weights)

    def spans(self, query: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Captures as places of their first character, of the one behind their last, and what they count."""
        found = []
        for begin, captures in self._matches(query):
            until = captures.pop("until", None)
            for name, nodes in captures.items():
                reach = (name == "closed", name == "line", name == "outside")
                for node in () if name.startswith("_") else nodes:
                    end = until[0].start_byte if until else node.end_byte
                    found.append((begin + node.start_byte, begin + end, *reach))
        begins, ends, closed, line, outside = np.array(found, dtype=np.int64).reshape(-1, 5).T
        begins, ends = self._places(begins), self._places(ends)
        ends = np.where(line == 1, self._line_ends(ends), ends)
        return begins, np.maximum(ends - closed, begins), 1 - 2 * outside

    @cached_property
    def between_functions(self) -> np.ndarray:
        """The newlines at which no bracket can be open, since a function at the left margin has ended; bool."""
        marks = np.zeros(len(self.codes), dtype=bool)
        marks[self._places(np.array(self._ends, dtype=np.int64))] = True
        return marks

    def _matches(self, query: str) -> Iterator[tuple[int, dict[str, list[Node]]]]:
        """Where the piece of each match begins, in bytes, and the captures of the match."""
        cursor = QueryCursor(compiled(self.language, query))
        for begin, root in self._roots:
            for _, captures in cursor.matches(root):
                yield begin, captures

    def _places(self, offsets: np.ndarray) -> np.ndarray:
        return offsets if self._offsets is None else np.searchsorted(self._offsets, offsets)

    def _line_ends(self, places: np.ndarray) -> np.ndarray:
        """The newline that ends the line of each place; one behind a backslash ends none."""
        ends = self.codes == NEWLINE
        ends[1:] &= self.codes[:-1] != ord("\\")
        ends = np.append(np.flatnonzero(ends), len(self.codes))
        return ends[np.searchsorted(ends, places)]


def _function_ends(data: bytes, language_name: str) -> list[int]:
    """The newlines that end a function at the left margin."""
    pattern = _FUNCTION_END.get(language_name)
    return [match.end() - 1 for match in pattern.finditer(data)] if pattern else []


def _cuts(ends: list[int]) -> list[int]:
    """Where the pieces of a text begin."""
    cuts = [0]
    for end in ends:
        if end >= cuts[-1] + _PIECE:
            cuts.append(end + 1)
    return cuts


def _loose(node: Node) -> int:
    """Bytes of a node that are in none of its children that have children themselves."""
    return node.end_byte - node.start_byte - sum(n.end_byte - n.start_byte for n in node.children if n.child_count)


def _byte_offsets(codes: np.ndarray) -> np.ndarray:
    """The place of each character in the bytes of its text."""
    surrogate = (codes >= 0xD800) & (codes <= 0xDFFF)
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000) - 2 * surrogate
    return np.cumsum(widths) - widths

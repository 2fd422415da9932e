"""Concepts of code, in each language by a tree-sitter query: one entry in a table.

A label says what holds once its character has been read: at an opening bracket one is inside, at the
closing one outside again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from rnnscope.concept import Concept

from .layout import INDENT
from .parsing import Source, detect, parse
from .scanning import depth, last, overlap

_LITERALS = {
    "c": "[(string_literal) (system_lib_string) (char_literal) (comment)] @inside",
    "python": "[(string_content) (comment)] @inside",
}


@dataclass(frozen=True, kw_only=True)
class Code(Concept):
    """A concept of code. A text is read in the language that fits it best; in another it does not apply.

    Attributes
    ----------
    languages : tuple of str
        Those that have the concept.
    language : str, optional
        The one in which all texts are read.
    """

    language: str | None = None

    @property
    @abstractmethod
    def languages(self) -> tuple[str, ...]: ...

    @abstractmethod
    def measure(self, source: Source) -> np.ndarray:
        """Labels of a text that is parsed."""

    def label(self, text: str, start: int) -> np.ndarray:
        language = self.language or detect(text)
        if language not in self.languages:
            return np.full(len(text), np.nan)
        return self.measure(parse(text, language))

    def of(self, language: str) -> Self:
        """The concept with all texts read as one language, such as ``python:comment``."""
        return replace(self, name=f"{language}:{self.name}", language=language)


@dataclass(frozen=True, kw_only=True)
class Syntax(Code):
    """A concept by tree-sitter queries: a flag says if a character is inside of what they capture, a number how deep.

    Attributes
    ----------
    queries : dict of str to str
        One for each language; `Source.inside` says what the names of captures mean.
    """

    queries: Mapping[str, str] = field(hash=False)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.queries)

    def measure(self, source: Source) -> np.ndarray:
        levels = source.inside(self.queries[source.language])
        return levels > 0 if self.kind == "flag" else levels


@dataclass(frozen=True, kw_only=True)
class Position(Syntax):
    """Which character of what a query captures, from 1; it applies nowhere else."""

    def measure(self, source: Source) -> np.ndarray:
        begins, ends, _ = source.spans(self.queries[source.language])
        begun = np.zeros(len(source.codes), dtype=bool)
        begun[begins[ends > begins]] = True
        inside = overlap(begins, ends, len(begun)) > 0
        return np.where(inside, np.arange(len(begun)) - last(begun) + 1, np.nan)


@dataclass(frozen=True, kw_only=True)
class Brackets(Code):
    """How many brackets of one kind are open, outside of strings and comments; none is after a function's end."""

    pair: str

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(_LITERALS)

    def measure(self, source: Source) -> np.ndarray:
        hidden = source.inside(_LITERALS[source.language]) > 0
        opening, closing = (source.codes == ord(bracket) for bracket in self.pair)
        return depth(opening & ~hidden, closing & ~hidden, source.between_functions)


def _flag(name: str, about: str, **queries: str) -> Syntax:
    return Syntax(name, about, "flag", queries=queries)


CODE = (
    _flag(
        "if-condition",
        "inside the condition of an if",
        c="(if_statement condition: (_) @closed)",
        python="(if_statement condition: (_) @inside) (elif_clause condition: (_) @inside)",
    ),
    _flag(
        "if-body",
        "inside what an if runs when it holds",
        c="(if_statement consequence: (_) @closed)",
        python="(if_statement consequence: (_) @inside) (elif_clause consequence: (_) @inside)",
    ),
    _flag(
        "else-body",
        "inside what the else of an if runs",
        c="(else_clause [(compound_statement) (expression_statement) (return_statement) (goto_statement)"
        " (break_statement) (continue_statement) (for_statement) (while_statement) (do_statement)"
        " (switch_statement)] @closed)",
        python="(if_statement alternative: (else_clause body: (_) @inside))",
    ),
    _flag(
        "loop-header",
        "inside what says how a loop runs",
        c='(for_statement "(" @inside ")" @until) [(while_statement condition: (_) @closed)'
        " (do_statement condition: (_) @closed)]",
        python='(for_statement left: (_) @inside ":" @until) (while_statement condition: (_) @inside)',
    ),
    _flag(
        "loop-body",
        "inside what a loop repeats",
        c="[(for_statement body: (_) @closed) (while_statement body: (_) @closed) (do_statement body: (_) @closed)]",
        python="[(for_statement body: (_) @inside) (while_statement body: (_) @inside)]",
    ),
    _flag(
        "function-header",
        "inside a function, before its body",
        c="(function_definition body: (_) @until) @inside",
        python='(function_definition ":" @until) @inside',
    ),
    _flag(
        "function-body",
        "inside the body of a function",
        c="(function_definition body: (_) @closed)",
        python="(function_definition body: (_) @inside)",
    ),
    _flag(
        "type-body",
        "inside a struct, union, enum or class",
        c="[(struct_specifier body: (_) @closed) (union_specifier body: (_) @closed)"
        " (enum_specifier body: (_) @closed)]",
        python="(class_definition body: (_) @inside)",
    ),
    _flag(
        "call-arguments",
        "between the parentheses of a call",
        c="(call_expression arguments: (_) @closed)",
        python="(call arguments: (_) @closed)",
    ),
    _flag(
        "comment",
        "inside a comment",
        c='((comment) @closed (#match? @closed "^/\\\\*")) ((comment) @inside (#match? @inside "^//"))',
        python="(comment) @inside",
    ),
    _flag("string", "inside a string", c="(string_literal) @closed", python="(string) @closed"),
    _flag(
        "docstring",
        "inside a documentation string",
        python="(module . (comment)* . (expression_statement . (string) @closed .))"
        " [(function_definition body: (block . (comment)* . (expression_statement . (string) @closed .)))"
        " (class_definition body: (block . (comment)* . (expression_statement . (string) @closed .)))]",
    ),
    _flag(
        "preprocessor",
        "inside a line of the preprocessor",
        c='["#include" "#define" "#if" "#ifdef" "#ifndef" "#elif" "#else" "#endif" (preproc_directive)] @line',
    ),
    Position(
        "identifier-position",
        "which character of its name, from 1",
        "number",
        queries={
            "c": "[(identifier) (field_identifier) (type_identifier) (statement_identifier)] @inside",
            "python": "(identifier) @inside",
        },
    ),
    Brackets("paren-depth", "parentheses open", "number", pair="()"),
    Brackets("bracket-depth", "square brackets open", "number", pair="[]"),
    Brackets("brace-depth", "braces open", "number", pair="{}"),
    Syntax(
        "block-depth",
        "blocks of statements around",
        "number",
        queries={"c": "(compound_statement) @closed", "python": "(block) @inside"},
    ),
    INDENT,
)
"""The concepts of code, in the order in which they are listed."""

"""The concepts that rnnscope knows, and how a name finds one."""

from __future__ import annotations

import difflib
import importlib
import os.path
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from numpy.typing import ArrayLike

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError

from .code import CODE, Code, Syntax
from .generic import from_function, from_pattern
from .layout import LAYOUT
from .parsing import LANGUAGES, compiled
from .prose import PROSE
from .tracks import from_csv

CONCEPTS: dict[str, Concept] = {concept.name: concept for concept in (*PROSE, *LAYOUT, *CODE)}
"""All concepts by their names, in the order in which they are listed."""


def _in(language: str) -> tuple[Concept, ...]:
    return tuple(concept for concept in CODE if language in getattr(concept, "languages", LANGUAGES))


FAMILIES: dict[str, tuple[Concept, ...]] = {
    "prose": (*PROSE, *LAYOUT),
    **{language: (*LAYOUT, *_in(language)) for language in LANGUAGES},
}
"""Concepts that are asked for together. Those of layout belong to all."""


def families(concept: Concept) -> list[str]:
    """The families that a concept belongs to; none if it is a user's own."""
    if isinstance(concept, Code) and concept.language:
        return [concept.language]
    return [family for family, members in FAMILIES.items() if concept in members]


def named(*names: str) -> list[Concept]:
    """Concepts by name, in the order given.

    Parameters
    ----------
    *names : str
        Each is the name of a concept (``quotes``); of one with the language of all texts
        (``python:comment``); of a family (``prose``, ``c``, ``python``), which stands for all of its concepts;
        or the specification of a new one:

        - ``NAME=regex:PATTERN``, a flag on each match of a regular expression;
        - ``NAME=query:LANGUAGE:QUERY``, a flag on what a tree-sitter query captures;
        - ``NAME=csv:PATH`` or ``NAME=csv:PATH:COLUMN``, labels from a file, see `from_csv`;
        - ``NAME=python:MODULE:FUNCTION``, a function of the text that gives flags, or a concept. The module is
          looked for in the current folder first, and what it holds is run.

    Raises
    ------
    ConceptError
        If a name is unknown or given twice, or a specification is broken.
    """
    if wrong := next((name for name in names if not isinstance(name, str)), None):
        raise ConceptError(f"The names of concepts are words, such as 'quotes'; got {wrong!r}.")
    found = [FAMILIES.get(name) or (_one(name),) for name in names]
    alone = Counter(concepts[0].name for name, concepts in zip(names, found, strict=True) if name not in FAMILIES)
    for name, count in alone.items():
        if count > 1:
            raise ConceptError(f"The concept {name} is given {count} times. Name each once.")
    return list({concept.name: concept for concepts in found for concept in concepts}.values())


def _one(name: str) -> Concept:
    if "=" in name:
        return _specified(*name.split("=", 1))
    language, _, plain = name.rpartition(":")
    concept = CONCEPTS.get(plain)
    if concept is not None and not language:
        return concept
    if not isinstance(concept, Code):
        raise ConceptError(f"There is no concept {name!r}{_hint(name)}")
    if language not in concept.languages:
        raise ConceptError(f"{plain} is a concept of {' and '.join(concept.languages)}, not of {language}.")
    return concept.of(language)


def _hint(name: str) -> str:
    language, _, plain = name.rpartition(":")
    if language in LANGUAGES and plain in CONCEPTS:
        return f": {plain} is the same in all languages. Name it alone."
    words = [word.strip() for word in name.split(",")]
    if len(words) > 1 and {*words} <= {*CONCEPTS, *FAMILIES}:
        return ". These are several: name each by itself. (In a command, --concepts takes names with commas.)"
    if near := difflib.get_close_matches(name, [*CONCEPTS, *FAMILIES], n=1):
        return f". Did you mean {near[0]}? `rnnscope concepts` lists them all."
    return (
        f". There are the families {', '.join(FAMILIES)}, the concepts {', '.join(CONCEPTS)}, "
        "and new ones such as 'url=regex:https?://\\S+'."
    )


def _specified(name: str, specification: str) -> Concept:
    if not re.fullmatch(r"[^\s=:,]+", name):
        raise ConceptError(f"{name!r} cannot name a concept: a name is one word without = : or a comma.")
    if name in CONCEPTS or name in FAMILIES:
        raise ConceptError(f"{name} is a name that rnnscope gives already. Choose another for {specification!r}.")
    kind, _, rest = specification.partition(":")
    if kind not in _MAKERS or not rest:
        raise ConceptError(_malformed(name, specification, *_FORMS))
    return _MAKERS[kind](name, rest)


def _malformed(name: str, specification: str, *forms: str) -> str:
    expected = ", ".join(f"{name}={form}" for form in forms)
    return f"{name}={specification} is no specification of a concept. Expected: {expected}."


def _query(name: str, rest: str) -> Concept:
    language, _, query = rest.partition(":")
    if not language or not query:
        raise ConceptError(_malformed(name, f"query:{rest}", "query:LANGUAGE:QUERY"))
    compiled(language, query)
    return Syntax(name, f"in {language} that {query} captures", "flag", language=language, queries={language: query})


def _csv(name: str, rest: str) -> Concept:
    """A path and the name of a column may both have colons: the path is the longest one that there is."""
    ends = [len(rest), *reversed([place for place, character in enumerate(rest) if character == ":"])]
    end = next((end for end in ends if os.path.exists(rest[:end])), ends[min(1, len(ends) - 1)])
    return from_csv(name, rest[:end], rest[end + 1 :] or None)


def _python(name: str, rest: str) -> Concept:
    module, _, attribute = rest.partition(":")
    if not module or not attribute:
        raise ConceptError(_malformed(name, f"python:{rest}", "python:MODULE:FUNCTION"))
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise ConceptError(f"{name} cannot be had from {rest}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
    if isinstance(found, Concept):
        return replace(found, name=name)
    if not callable(found):
        raise ConceptError(f"{rest} is neither a function nor a concept, but {type(found).__name__}.")
    return from_function(name, cast("Callable[[str], ArrayLike]", found))


_MAKERS: dict[str, Callable[[str, str], Concept]] = {
    "regex": from_pattern,
    "query": _query,
    "csv": _csv,
    "python": _python,
}
_FORMS = ("regex:PATTERN", "query:LANGUAGE:QUERY", "csv:PATH:COLUMN", "python:MODULE:FUNCTION")

"""The contract of what is public: each name is documented in numpydoc's form, and its examples run."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe
import pytest

import rnnscope
import rnnscope.probes
from rnnscope import Network, RnnscopeError, errors
from rnnscope.shown import Shown
from tests.results import RESULTS

ROOT = Path(__file__).parents[1]
PAGES = "\n".join(page.read_text() for page in sorted((ROOT / "docs" / "reference").glob("*.md")))
FACES = {
    f"{face.__name__}.{name}": getattr(face, name) for face in (rnnscope, rnnscope.probes) for name in face.__all__
}
READS = {"model", "models", "module", "text", "texts", "path", "recipe", "trace", "pairs", "corpus", "series"}
"""Arguments that may be of the wrong kind or content: what takes one says which errors come of that."""


def named(path: str) -> Any:
    """What a page of the reference calls by its whole name."""
    module, _, name = path.rpartition(".")
    return FACES[path] if path in FACES else getattr(import_module(module), name)


def methods(path: str, found: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods of a class, also those of its bases that are ours."""
    for name in dir(found):
        method = getattr(found, name)
        of_python = inspect.isfunction(method) or inspect.ismethod(method)
        if not name.startswith("_") and of_python and method.__module__.startswith("rnnscope"):
            yield f"{path}.{name}", method


BESIDE = {path: named(path) for path in re.findall(r"^::: (rnnscope\.\S+\.[A-Z]\w+)$", PAGES, re.M)}
DOCUMENTED = FACES | {path: found for path, found in BESIDE.items() if inspect.isclass(found)}
CLASSES = {path: found for path, found in DOCUMENTED.items() if inspect.isclass(found)}
FUNCTIONS = {path: found for path, found in DOCUMENTED.items() if path not in CLASSES}
METHODS = {path: method for name, found in CLASSES.items() for path, method in methods(name, found)}
ALL = DOCUMENTED | METHODS

every_name = pytest.mark.parametrize("path", DOCUMENTED)
every_class = pytest.mark.parametrize("path", CLASSES)
every_function = pytest.mark.parametrize("path", FUNCTIONS)
every_method = pytest.mark.parametrize("path", METHODS)


def words(path: str) -> str:
    return inspect.getdoc(ALL[path]) or ""


@cache
def sections(path: str) -> dict[str, Any]:
    """The sections of a docstring by their kind."""
    parsed = griffe.parse_numpy(griffe.Docstring(words(path)), warnings=False)
    return {section.kind.value: section.value for section in parsed}


def told(path: str, kind: str) -> list[str]:
    """The names of the parameters, attributes or errors that a docstring tells of."""
    entries = sections(path).get(kind, ())
    names = [entry.annotation if kind == "raises" else entry.name for entry in entries]
    return [name for each in names for name in str(each).split(", ")]


def arguments(path: str) -> list[str]:
    """The names of the arguments, with stars as they are written."""
    found: Any = ALL[path]
    if inspect.isclass(found) and is_dataclass(found):
        return [field.name for field in fields(found) if field.init]
    if found is RnnscopeError or found is Network:
        return []
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    taken = inspect.signature(ALL[path]).parameters.values()
    return [stars.get(each.kind, "") + each.name for each in taken if each.name != "self"]


@pytest.mark.parametrize("path", ALL)
def test_the_first_paragraph_is_one_sentence(path: str) -> None:
    """Of a result it may also say what makes it."""
    summary = re.sub(r" Made by `rnnscope\.[\w.]+`\.$", "", words(path).partition("\n\n")[0])
    assert summary.endswith(".") and not re.search(r"[.!?] [A-Z]", summary), summary


@every_name
def test_every_argument_is_documented_and_no_other(path: str) -> None:
    """Fields that a dataclass inherits may be told of by the class that they come from."""
    parameters, attributes = told(path, "parameters"), told(path, "attributes")
    assert len({*parameters, *attributes}) == len(parameters + attributes)
    assert set(parameters) <= set(arguments(path))
    bases = [base for base, found in CLASSES.items() if found in getattr(ALL[path], "__mro__", ())]
    assert set(arguments(path)) <= {*parameters, *(name for base in bases for name in told(base, "attributes"))}


@every_method
def test_a_method_of_several_arguments_documents_each(path: str) -> None:
    taken = [name for name in arguments(path) if name != "ax"]
    assert told(path, "parameters") in ([], taken)
    assert told(path, "parameters") or len(taken) < 2


@every_function
def test_what_is_returned_is_documented(path: str) -> None:
    returned = FUNCTIONS[path].__annotations__["return"]
    says = "returns" in sections(path) or "yields" in sections(path)
    assert says == (returned not in ("None", "Iterator[None]")), returned


@every_function
def test_a_class_that_is_returned_is_in_the_reference(path: str) -> None:
    known = {found.__name__ for found in CLASSES.values()} | {"Iterator", "None"}
    assert set(re.findall(r"(?<![.\w])[A-Z]\w+", FUNCTIONS[path].__annotations__["return"])) <= known


@pytest.mark.parametrize("path", [path for path, found in CLASSES.items() if found.__name__ in RESULTS])
def test_a_result_is_a_frozen_dataclass_with_a_table_that_can_be_drawn(path: str) -> None:
    made: Any = CLASSES[path]
    assert Shown in made.__mro__
    assert (made.__dataclass_params__.frozen, made.__dataclass_params__.eq) == (True, False)
    assert "table" in told(path, "attributes") or isinstance(vars(made).get("table"), property | cached_property)
    assert inspect.signature(made.plot).parameters["ax"].default is None


def test_what_shows_itself_is_a_result() -> None:
    """But for examples, which are what a probe reads, and a report, which is a file."""
    shown = {found.__name__ for found in CLASSES.values() if issubclass(found, Shown)}
    assert shown - {"Examples", "Report"} == set(RESULTS)


@every_function
def test_what_reads_something_says_its_errors(path: str) -> None:
    assert told(path, "raises") or READS.isdisjoint(arguments(path))


@pytest.mark.parametrize("path", ALL)
def test_what_is_raised_is_of_the_family(path: str) -> None:
    for name in told(path, "raises"):
        assert name == "KeyboardInterrupt" or issubclass(getattr(errors, name), RnnscopeError)


@pytest.mark.parametrize("path", FACES)
def test_the_examples_run(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "\nExamples\n--------\n" in words(path)
    test = doctest.DocTestParser().get_doctest(words(path), {}, path, None, 0)
    assert test.examples
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


@pytest.mark.parametrize("face", [rnnscope, rnnscope.probes], ids=lambda face: face.__name__)
def test_no_public_name_is_that_of_a_module(face: Any) -> None:
    """To import such a module would put it in the place of the name."""
    assert set(face.__all__).isdisjoint(path.stem for path in Path(face.__file__).parent.iterdir())


def test_the_family_of_errors_is_drawn_as_it_is() -> None:
    def drawn(base: type, indent: str) -> Iterator[str]:
        kin = [found for found in vars(errors).values() if base in getattr(found, "__bases__", ())]
        for each in kin:
            yield f"{indent}{'└' if each is kin[-1] else '├'}── {each.__name__}"
            yield from drawn(each, indent + ("    " if each is kin[-1] else "│   "))

    tree = re.findall(r"^    ([│├└][│├└─ ]*\w+)", errors.__doc__ or "", re.M)
    assert tree == list(drawn(RnnscopeError, ""))

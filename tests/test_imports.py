"""Imports point one way; read from the import statements, also those inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"rnnscope": "rnnscope", "probes": "rnnscope.probes", "trained": "rnnscope.trained", "cli": "rnnscope.cli"}

LEVELS = (
    {"errors", "on_demand", "arguments"},
    {"output", "progress", "device", "text", "concept", "ngram", "cells", "card", "style", "shown", "lines", "inline"},
    {"corpora", "models", "problems", "checkpoint", "foreign"},
    {"training", "recording"},
    {"tracing"},
    {"analysis", "comparison"},
    {"reports"},
)
"""From the bottom up; a module imports from its own level or below. The face may name all of them."""


def modules() -> dict[str, Path]:
    found = {}
    for folder, package in FOLDERS.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *parts))
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imported(name: str, path: Path) -> Iterator[str]:
    """The modules of rnnscope that a module imports, outside of type checking."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "rnnscope")
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            target = ".".join(part for part in (base, node.module) if part)
            if target.split(".")[0] == "rnnscope":
                for alias in node.names:
                    inner = f"{target}.{alias.name}"
                    yield inner if inner in MODULES else target


def level(module: str) -> int:
    if "." not in module:
        return len(LEVELS)  # the face
    part = module.split(".")[1]
    return next(i for i, names in enumerate(LEVELS) if part in names)


def test_every_module_of_the_library_has_a_level() -> None:
    for name in MODULES:
        if name.count(".") >= 1 and name.split(".")[1] not in ("probes", "trained", "cli"):
            level(name)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_downwards(name: str) -> None:
    targets = [target for target in imported(name, MODULES[name]) if target != name]
    owner = name.split(".")[1] if "." in name else ""
    if owner == "cli":
        return
    for target in targets:
        inside = target.split(".")[1] if "." in target else ""
        if owner == "trained":
            raise AssertionError(f"{name} imports {target}")
        assert inside != "cli", f"{name} imports {target}"
        if owner == "probes":
            continue
        assert inside not in ("probes", "trained"), f"{name} imports {target}"
        assert level(target) <= level(name), f"{name} imports {target}, which lies above it"


def test_there_is_no_circle() -> None:
    graph = {name: set(imported(name, path)) - {name} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_type_checkers_links_lead_to_the_folders() -> None:
    for folder in ("probes", "cli", "trained"):
        assert (ROOT / "typings" / "rnnscope" / folder).resolve() == (ROOT / folder).resolve()

"""Public names that are loaded when they are first used, so that to import a package costs nothing."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def on_demand(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Give a package the names that it imports for type checkers only.

    The imports below its ``if TYPE_CHECKING:`` are the one list of its public names; they are read from its source.

    Parameters
    ----------
    package : str
        The ``__name__`` of the package that calls this.

    Returns
    -------
    tuple
        Its ``__getattr__``, ``__dir__`` and ``__all__`` (PEP 562).
    """
    module = sys.modules[package]
    [block] = [node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: f"{package}.{node.module}" for node in imports for alias in node.names}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        return [*vars(module), *homes]

    return load, names, sorted(homes)

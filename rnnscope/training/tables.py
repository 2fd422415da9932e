"""Dataclasses from the tables of a TOML file, read strictly: every key known, every value of its type."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from rnnscope.errors import RecipeError

from .recipe import demand

_LARGEST = 2**20
"""Bytes of a recipe."""


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises
    ------
    RecipeError
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise RecipeError(f"{path} has more than {_LARGEST:,} bytes: it is no recipe.")
        return tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.") from error
    except RecursionError:
        raise RecipeError(f"{path} is not a recipe: its tables or lists are nested too deep.") from None
    except ValueError as error:  # also of what is no UTF-8, and of a number with thousands of digits
        raise RecipeError(f"{path} is not a TOML file: {error}.") from None


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    """What is wrong with a recipe is said with the name of its file."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def build(kind: Any, table: dict[str, Any], where: str, **given: Any) -> Any:
    """A dataclass from a table that is called ``where``; what is ``given`` was read before.

    Raises
    ------
    RecipeError
    """
    types = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known keys: {', '.join(known)}."
            raise RecipeError(f"there is no key {where + key!r}. {hint}")
    for key, field in known.items():
        if field.default is MISSING and key not in table and key not in given:
            raise RecipeError(f"the key {where + key!r} is missing.")
    return kind(**{key: _converted(value, types[key], where + key) for key, value in table.items()}, **given)


def _converted(value: Any, wanted: Any, where: str) -> Any:
    """A TOML value as what a field holds."""
    several = hasattr(wanted, "__args__")
    holds, one, many = _CHECKS[wanted.__args__[0] if several else wanted]
    if not several:
        demand(holds(value), where, one, value)
        return wanted(value)
    demand(isinstance(value, list) and all(map(holds, value)), where, f"a list of {many}", value)
    return tuple(map(wanted.__args__[0], value))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_CHECKS: dict[Any, tuple[Callable[[Any], bool], str, str]] = {
    bool: (lambda value: type(value) is bool, "true or false", "true or false"),
    int: (lambda value: type(value) is int and abs(value) < 2**63, "a whole number", "whole numbers"),
    float: (_is_number, "a number", "numbers"),
    str: (lambda value: type(value) is str and "\0" not in value, "a string", "strings"),
}

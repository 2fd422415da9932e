"""Reading a recipe's TOML file strictly: every key known, every value of its type."""

from __future__ import annotations

import difflib
import math
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from rnnscope.errors import RecipeError

from .recipe import Recipe, demand
from .tasks import TASKS


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; a relative ``corpus.path`` is taken from the recipe's folder.

    Raises
    ------
    RecipeError
        If the file is missing or no TOML, or has an unknown key, a wrong type or a wrong value.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not a TOML file: {error}.") from None
    corpus = content.get("corpus")
    if isinstance(corpus, dict) and isinstance(corpus.get("path"), str) and corpus["path"]:
        corpus["path"] = str(path.parent / corpus["path"])
    try:
        return recipe_of(content)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def recipe_of(content: dict[str, Any]) -> Recipe:
    """The recipe that a TOML file's content describes; see `read_recipe`."""
    content = {"task": "language-model", **content}
    demand(content["task"] in TASKS, "task", f"one of {', '.join(TASKS)}", content["task"])
    task = TASKS[content["task"]]
    tables = {"corpus": task.corpus_recipe, "model": task.network.config_type, "training": task.training_recipe}
    for name, kind in tables.items():
        table = content.get(name, {})
        demand(isinstance(table, dict), name, f"a table, [{name}]", table)
        content[name] = _build(kind, table, f"{name}.")
    if "name" not in content:
        raise RecipeError("the key 'name' is missing: say what the network is called.")
    return _build(Recipe, content, "")


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """A dataclass from a TOML table, every key and type checked."""
    types = get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    values = {}
    for key, value in table.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known keys: {', '.join(known)}."
            raise RecipeError(f"there is no key {where + key!r}. {hint}")
        values[key] = _convert(value, types[key], where + key)
    return kind(**values)


def _convert(value: Any, wanted: Any, where: str) -> Any:
    if wanted is Any:  # a table that was read already
        return value
    if wanted == tuple[str, ...]:
        demand(isinstance(value, list) and all(type(v) is str for v in value), where, "a list of strings", value)
        return tuple(value)
    if wanted == tuple[int, ...]:
        demand(isinstance(value, list) and all(type(v) is int for v in value), where, "a list of whole numbers", value)
        return tuple(value)
    if wanted == tuple[float, ...]:
        demand(isinstance(value, list) and all(_is_number(v) for v in value), where, "a list of numbers", value)
        return tuple(float(v) for v in value)
    if wanted is float:
        demand(_is_number(value), where, "a number", value)
        return float(value)
    words = {int: "a whole number", str: "a string", bool: "true or false"}
    demand(type(value) is wanted and "\0" not in str(value), where, words[wanted], value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

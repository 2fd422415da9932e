"""Reading a recipe's TOML file strictly: every key known, every value of its type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnscope.arguments import as_path
from rnnscope.errors import RecipeError

from .recipe import Recipe, demand
from .tables import build, read_toml, said_of
from .tasks import TASKS


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; a relative ``corpus.path`` is taken from the recipe's folder.

    Raises
    ------
    RecipeError
        If the file is missing or no TOML, or has an unknown key, a wrong type or a wrong value.
    """
    path = as_path(path)
    content = read_toml(path)
    corpus = content.get("corpus")
    if isinstance(corpus, dict) and isinstance(corpus.get("path"), str) and corpus["path"]:
        corpus["path"] = str(path.parent / corpus["path"])
    with said_of(path):
        return recipe_of(content)


def recipe_of(content: dict[str, Any]) -> Recipe:
    """The recipe that a TOML file's content describes; see `read_recipe`."""
    content = {"task": "language-model", **content}
    known = isinstance(content["task"], str) and content["task"] in TASKS
    demand(known, "task", f"one of {', '.join(TASKS)}", content["task"])
    task = TASKS[content["task"]]
    kinds = {"corpus": task.corpus_recipe, "model": task.network.config_type, "training": task.training_recipe}
    tables = {name: content.pop(name, {}) for name in kinds}
    for name, table in tables.items():
        demand(isinstance(table, dict), name, f"a table, [{name}]", table)
    if "name" not in content:
        raise RecipeError("the key 'name' is missing: say what the network is called.")
    return build(Recipe, content, "", **{name: build(kind, tables[name], f"{name}.") for name, kind in kinds.items()})

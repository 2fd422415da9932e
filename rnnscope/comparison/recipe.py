"""What is to be compared: a TOML file that names cells, seeds and experiments, read strictly."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from rnnscope.cells import CELLS
from rnnscope.errors import RecipeError
from rnnscope.training.recipe import demand


@dataclass(frozen=True)
class Experiment:
    """One recipe that every cell is trained by.

    Attributes
    ----------
    recipe : str
        Path of a recipe that `rnnscope.train` takes; its cell, hidden_size, learning_rate and seed give way.
    parameters : int
        Of the whole network; each cell gets the hidden_size that comes closest.
    learning_rates : tuple of float
        Each cell takes the one with the best validation loss, found with the first seed.
    sweep_epochs : float
        Length of the runs that a rate is chosen by; 0 is the whole length of the recipe.
    name : str
        The recipe's name if not given.
    """

    recipe: str
    parameters: int
    learning_rates: tuple[float, ...]
    sweep_epochs: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        demand(bool(self.recipe), "recipe", "the path of a recipe", self.recipe)
        demand(self.parameters > 0, "parameters", "more than 0", self.parameters)
        demand(self.sweep_epochs >= 0, "sweep_epochs", "0 (the whole length) or more", self.sweep_epochs)
        rates = self.learning_rates
        demand(bool(rates), "learning_rates", "a list of at least one rate", list(rates))
        demand(all(0 < rate <= 100 for rate in rates), "learning_rates", "more than 0 and at most 100", list(rates))
        demand(len(set(rates)) == len(rates), "learning_rates", "distinct", list(rates))
        demand(not self.name or _names_a_folder(self.name), "name", "a name that a folder can have", self.name)


@dataclass(frozen=True)
class ComparisonRecipe:
    """All that a comparison is made from.

    Attributes
    ----------
    name : str
        What the comparison is called.
    experiment : tuple of Experiment
    cells : tuple of str
    seeds : tuple of int
        Of the runs that are measured; the first is also that of the sweep.
    """

    name: str
    experiment: tuple[Experiment, ...]
    cells: tuple[str, ...] = tuple(CELLS)
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        demand(_names_a_folder(self.name), "name", "a name that a folder can have", self.name)
        demand(bool(self.experiment), "experiment", "at least one table, [[experiment]]", [])
        demand(bool(self.cells), "cells", f"a list with some of {', '.join(CELLS)}", list(self.cells))
        for cell in self.cells:
            demand(cell in CELLS, "cells", f"out of {', '.join(CELLS)}", cell)
        demand(bool(self.seeds), "seeds", "a list of at least one seed", list(self.seeds))
        demand(all(0 <= seed < 2**63 for seed in self.seeds), "seeds", "from 0 to 2^63 - 1", list(self.seeds))
        for key in ("cells", "seeds"):
            values = getattr(self, key)
            demand(len(set(values)) == len(values), key, "distinct", list(values))


def read_comparison(path: str | Path) -> ComparisonRecipe:
    """Read the recipe of a comparison; see `ComparisonRecipe` and `Experiment` for its keys.

    Raises
    ------
    RecipeError
        If the file is missing or no TOML, or has an unknown key, a wrong type or a wrong value.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _comparison(content)
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not a TOML file: {error}.") from None
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _comparison(content: dict[str, Any]) -> ComparisonRecipe:
    for key in ("corpus", "model", "training"):
        if key in content and "experiment" not in content:
            raise RecipeError(
                f"[{key}] belongs to the recipe of one network. The recipe of a comparison names such recipes in "
                "[[experiment]] tables."
            )
    tables = content.pop("experiment", [])
    demand(
        isinstance(tables, list) and all(isinstance(table, dict) for table in tables),
        "experiment",
        "a list of tables, [[experiment]]",
        tables,
    )
    experiments = tuple(_build(Experiment, table, "experiment.") for table in tables)
    return _build(ComparisonRecipe, content, "", experiment=experiments)


def _build(kind: Any, table: dict[str, Any], where: str, **given: Any) -> Any:
    """A dataclass from a TOML table, every key and type checked; what is ``given`` is no key of the table."""
    types = get_type_hints(kind)
    known = [field.name for field in fields(kind) if field.name not in given]
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known keys: {', '.join(known)}."
            raise RecipeError(f"there is no key {where + key!r}. {hint}")
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    for key in known:
        if key in needed and key not in table:
            raise RecipeError(f"the key {where + key!r} is missing.")
    try:
        return kind(**{key: _converted(value, types[key], key) for key, value in table.items()}, **given)
    except RecipeError as error:
        raise RecipeError(f"{where}{error}") from None


def _converted(value: Any, wanted: Any, key: str) -> Any:
    """A TOML value as what a field holds."""
    inner = wanted.__args__[0] if hasattr(wanted, "__args__") else None
    holds, words = _CHECKS[inner or wanted]
    if inner is None:
        demand(holds(value), key, words[0], value)
        return wanted(value)
    demand(isinstance(value, list) and all(map(holds, value)), key, f"a list of {words[1]}", value)
    return tuple(map(inner, value))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_CHECKS: dict[Any, tuple[Callable[[Any], bool], tuple[str, str]]] = {
    int: (lambda value: type(value) is int, ("a whole number", "whole numbers")),
    float: (_is_number, ("a number", "numbers")),
    str: (lambda value: type(value) is str and "\0" not in value, ("a string", "strings")),
}


def _names_a_folder(name: str) -> bool:
    return name not in ("", "..") and Path(name).name == name

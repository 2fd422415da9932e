"""What is to be compared: a TOML file that names cells, seeds and experiments, read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnscope.arguments import as_path
from rnnscope.cells import CELLS
from rnnscope.errors import RecipeError
from rnnscope.training.recipe import demand, demand_name
from rnnscope.training.tables import build, read_toml, said_of


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
        demand(bool(self.recipe), "experiment.recipe", "the path of a recipe", self.recipe)
        demand(self.parameters > 0, "experiment.parameters", "more than 0", self.parameters)
        demand(self.sweep_epochs >= 0, "experiment.sweep_epochs", "0 (the whole length) or more", self.sweep_epochs)
        rates, where = list(self.learning_rates), "experiment.learning_rates"
        demand(bool(rates), where, "a list of at least one rate", rates)
        demand(all(0 < rate <= 100 for rate in rates), where, "more than 0 and at most 100", rates)
        demand(len(set(rates)) == len(rates), where, "distinct", rates)
        if self.name:
            demand_name("experiment.name", self.name)


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
        demand_name("name", self.name)
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
        As for the recipe of a network.
    """
    path = as_path(path)
    content = read_toml(path)
    with said_of(path):
        return _comparison(content)


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
    experiments = tuple(build(Experiment, table, "experiment.") for table in tables)
    return build(ComparisonRecipe, content, "", experiment=experiments)

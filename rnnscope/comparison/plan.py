"""The runs of a comparison: what each is trained by, and the folder that it has for itself."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from rnnscope.errors import OutputError, RecipeError
from rnnscope.output import atomic_path
from rnnscope.training.recipe import Recipe
from rnnscope.training.recipe_file import read_recipe
from rnnscope.training.tasks import TASKS

from .recipe import ComparisonRecipe, Experiment
from .sizing import Size, equal_size
from .toml import toml

DIVERGED = "diverged.txt"
"""The file of a run that says why it has no weights."""


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One network to train.

    Attributes
    ----------
    experiment, cell : str
    recipe : Recipe
        Complete.
    folder : Path
        Named after what is readable of the recipe and a digest of all of it and of the data.
    """

    experiment: str
    cell: str
    recipe: Recipe
    folder: Path

    @property
    def learning_rate(self) -> float:
        return self.recipe.training.learning_rate

    @property
    def diverged(self) -> bool:
        return (self.folder / DIVERGED).exists()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return (self.folder / "card.md").exists() or self.diverged

    @property
    def validation_loss(self) -> float:
        """The best one; infinite if training diverged."""
        if self.diverged:
            return math.inf
        return min(pd.read_csv(self.folder / "figures.csv")["validation_loss"].tolist())

    @property
    def progress(self) -> float:
        """Which part of it is done, by its last validation, from 0 to 1."""
        if self.finished:
            return 1.0
        try:
            return float(pd.read_csv(self.folder / "figures.csv")["epoch"].iloc[-1]) / self.recipe.training.epochs
        except (OSError, ValueError, IndexError):
            return 0.0

    def write(self) -> None:
        """Make the folder with its recipe.

        Raises
        ------
        OutputError
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be made: {error.strerror}. Name another folder with -o."
            ) from error
        with atomic_path(self.folder / "recipe.toml") as partial:
            partial.write_text(toml(self.recipe.as_dict()), encoding="utf-8")


@dataclass(frozen=True, eq=False)
class OpenedExperiment:
    """An experiment with its recipe read, its data seen, and each cell's size found. Made by `open_experiment`.

    Attributes
    ----------
    name : str
    settings : Experiment
    recipe : Recipe
        With the absolute path of its data.
    data : dict
        Digests of the parts, and the symbols that they are made of.
    sizes : dict of cell to Size
    """

    name: str
    settings: Experiment
    recipe: Recipe
    data: dict[str, Any]
    sizes: dict[str, Size]

    def run(self, folder: Path, cell: str, rate: float, seed: int, *, sweep: bool = False) -> PlannedRun:
        """The run of a cell at a learning rate with a seed; one of the sweep where that is shorter."""
        whole = self.recipe.training.epochs
        epochs = self.settings.sweep_epochs or whole if sweep else whole
        name = f"{self.name}-{cell}{'' if epochs == whole else '-sweep'}-rate{rate:g}-seed{seed}"
        model = replace(self.recipe.model, cell=cell, hidden_size=self.sizes[cell].hidden_size)
        training = replace(self.recipe.training, learning_rate=rate, epochs=epochs)
        recipe = replace(self.recipe, name=name, seed=seed, model=model, training=training)
        return PlannedRun(self.name, cell, recipe, folder / f"{name}-{_digest(recipe, self.data)}")


def open_experiments(recipe: ComparisonRecipe, folder: Path) -> list[OpenedExperiment]:
    """The experiments of a comparison whose recipe lies in a folder.

    Raises
    ------
    RecipeError
        If a recipe cannot be compared by, a size cannot be found, or two experiments have one name.
    TextError, DownloadError
        If the data cannot be read.
    """
    opened = [open_experiment(settings, recipe, folder) for settings in recipe.experiment]
    names = [experiment.name for experiment in opened]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"Two experiments are called {name!r}. Give each its own experiment.name.")
    return opened


def open_experiment(settings: Experiment, comparison: ComparisonRecipe, folder: Path) -> OpenedExperiment:
    """Read an experiment's recipe, look at its data, and find each cell's size; see `open_experiments`."""
    path = folder / settings.recipe
    recipe = replace(read_recipe(path), seed=0)
    keys = {field.name for field in fields(recipe.model)}
    if not {"cell", "hidden_size"} <= keys:
        raise RecipeError(f"{path}: the task {recipe.task} has no recurrent cell to choose.")
    where = getattr(recipe.corpus, "path", "")
    if where:
        recipe = replace(recipe, corpus=replace(recipe.corpus, path=str(Path(where).resolve())))
    sizes, network, data = {}, None, {}
    for cell in comparison.cells:
        try:
            if network is None:
                small = replace(recipe.model, cell=cell, hidden_size=1 + getattr(recipe.model, "proj_size", 0))
                task = TASKS[recipe.task](replace(recipe, model=small))
                network = task.build()
                data = {"parts": task.facts["sha256"], "symbols": network.vocabularies}
            sizes[cell] = equal_size(network, cell, settings.parameters)
        except RecipeError as error:
            raise RecipeError(f"{path}, for the cell {cell}: {error}") from None
    return OpenedExperiment(settings.name or recipe.name, settings, recipe, data, sizes)


def _digest(recipe: Recipe, data: dict[str, Any]) -> str:
    """Eight characters that another recipe, or other data, would have otherwise; where data lie does not count."""
    content = recipe.as_dict()
    content["corpus"].pop("path", None)
    for words in ("description", "limits"):
        content.pop(words)
    return hashlib.sha256(json.dumps([content, data], sort_keys=True).encode()).hexdigest()[:8]

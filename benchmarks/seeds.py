"""How far a shipped network's figures depend on its seed: its recipe is run again with others.

    python benchmarks/seeds.py trained/prose-lstm --seeds 1,2

The figures go into the network's ``model.pt`` and ``card.md``; its weights stay as they are.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnscope import checkpoint
from rnnscope.training import processes
from rnnscope.training.loop import Run
from rnnscope.training.recipe_file import read_recipe


def scores_of(recipe_path: Path, seed: int) -> list[dict[str, Any]]:
    """The scores of a network that is trained with another seed."""
    recipe = replace(read_recipe(recipe_path), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        fabric = processes.launch("auto", recipe.training.precision, "csv", Path(folder))
        run = Run(recipe, Path(folder), fabric)
        run.fit()
        card = run.finish().card
    assert card is not None
    return card.training["scores"]


def add(folder: Path, seeds: list[int]) -> None:
    """Train with each seed that the card does not give yet, and write it down after each."""
    path = folder / "model.pt"
    for seed in seeds:
        model = checkpoint.load(path)
        assert model.card is not None
        record = model.card.training
        if seed == record["recipe"]["seed"] or seed in record.get("seeds", {}):
            continue
        record["seeds"] = record.get("seeds", {}) | {seed: scores_of(folder / "recipe.toml", seed)}
        checkpoint.save(path, model, record)
        (folder / "card.md").write_text(checkpoint.describe(model, record).markdown(), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("networks", type=Path, nargs="+", help="folders, such as trained/prose-lstm")
    parser.add_argument("--seeds", default="1,2", help="[default: %(default)s]")
    options = parser.parse_args()
    for network in options.networks:
        add(network, [int(seed) for seed in options.seeds.split(",")])

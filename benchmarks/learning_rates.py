"""The learning rate of each shipped language model: short runs of its recipe at several rates, by validation loss.

    python benchmarks/learning_rates.py trained/prose-lstm/recipe.toml --rates 3e-3,6e-3,1.2e-2 --epochs 1

Adds a line a run to ``trained/learning_rates.csv``, and leaves out runs that stand there.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd

from rnnscope.training import processes
from rnnscope.training.loop import Run
from rnnscope.training.recipe_file import read_recipe

TABLE = Path(__file__).parents[1] / "trained" / "learning_rates.csv"


def sweep(path: Path, rates: list[float], epochs: float) -> None:
    """Run a recipe for a few epochs at each rate, with its whole schedule in them."""
    recipe = read_recipe(path)
    for rate in rates:
        done = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
        run_of = {"network": recipe.name, "epochs": epochs, "learning_rate": rate}
        if any(run_of.items() <= row.items() for row in done):
            continue
        training = replace(recipe.training, learning_rate=rate, epochs=epochs, validate_every=10**9)
        with tempfile.TemporaryDirectory() as folder:
            fabric = processes.launch("auto", training.precision, "csv", Path(folder))
            run = Run(replace(recipe, training=training), Path(folder), fabric)
            run.fit()
        done.append(run_of | {"validation_nats": round(run.progress.best_loss, 4)})
        pd.DataFrame(done).sort_values(["network", "learning_rate"]).to_csv(TABLE, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("recipes", type=Path, nargs="+")
    parser.add_argument("--rates", default="3e-3,6e-3,1.2e-2", help="[default: %(default)s]")
    parser.add_argument("--epochs", type=float, default=1.0, help="of each run [default: %(default)s]")
    options = parser.parse_args()
    for recipe_path in options.recipes:
        sweep(recipe_path, [float(rate) for rate in options.rates.split(",")], options.epochs)
    print(pd.read_csv(TABLE).to_string(index=False))

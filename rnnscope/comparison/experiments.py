"""A comparison from its recipe: sizes, a sweep of learning rates, a run for each seed, and what is measured of them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rnnscope import checkpoint
from rnnscope.analysis.language_models import LIMIT, read_documents
from rnnscope.arguments import as_path, whole
from rnnscope.concept import Concept, listed
from rnnscope.corpora.texts import open_corpus
from rnnscope.device import pick_device
from rnnscope.errors import OutputError
from rnnscope.progress import progress_bar
from rnnscope.text import Document
from rnnscope.tracing.documents import Texts

from .columns import SWEEP_COLUMNS
from .comparing import tabulated
from .measures import Subject
from .measuring import Measured, measure
from .notes import experiment_notes, missing_notes, speed_note, text_note
from .plan import OpenedExperiment, PlannedRun, open_experiments
from .recipe import ComparisonRecipe, read_comparison
from .result import Comparison
from .running import train_all

TRAINED = (
    "size", "training_speed", "reading_speed", "test_scores", "gradients", "jacobian_slope",
    "effective_context", "gates", "best_units", "success",
)  # fmt: skip
"""What is measured of networks that were trained for the comparison."""

_COPY = "comparison.toml"


def run_comparison(
    recipe: str | Path,
    folder: str | Path | None = None,
    *,
    jobs: int | None = None,
    concepts: Concept | Sequence[Concept] = (),
    text: Texts | None = None,
    limit: int = LIMIT,
    device: str = "auto",
) -> Comparison:
    """Compare recurrent cells by an experiment.

    Each cell gets the size at which the network has the parameters that the recipe asks for. Each is tried with every
    learning rate, with the first seed, and takes that with the best validation loss. With it a network is trained for
    each seed, the data in the same order for all cells, and measured. What was done before, in the same folder, is not
    done again; what was interrupted is gone on with.

    Parameters
    ----------
    recipe : path of a TOML file
        See docs/compare.md for its keys.
    folder : path, optional
        Where the runs go; ``runs/NAME`` by the comparison's name if not given.
    jobs : int, optional
        Training runs at a time, which share the cores; as many as there are cores if not given.
    concepts : Concept, or a sequence of these
        As for `rnnscope.compare`.
    text : str, Document, Path, File, or a sequence of these, optional
        What language models are measured on; the test part of their corpus if not given.
    limit : int
        Characters of it to read at most.
    device : str
        See `rnnscope.device.pick_device`.

    Returns
    -------
    Comparison

    Raises
    ------
    RecipeError, TextError, DownloadError, DeviceError, OutputError, TrainingError
    KeyboardInterrupt
        After Ctrl-C; the same call goes on.

    Examples
    --------
    >>> from pathlib import Path
    >>> import rnnscope
    >>> count = Path("adding.toml").write_text('''
    ... name = "adding"
    ... task = "memory-task"
    ... corpus = {name = "adding", length = 4}
    ... training = {epochs = 0.1, batch_size = 4, warmup = 2, validate_every = 10}
    ... ''')
    >>> count = Path("cells.toml").write_text('''
    ... name = "cells"
    ... cells = ["rnn", "gru"]
    ... seeds = [0]
    ... experiment = [{recipe = "adding.toml", parameters = 1580, learning_rates = [1e-2]}]
    ... ''')
    >>> found = rnnscope.run_comparison("cells.toml", "runs", jobs=1)
    >>> found.table["parameters"].to_dict()
    {'rnn': 1555.0, 'gru': 1597.0}
    """
    pick_device(device)  # before there is anything to clear away
    path, asked = as_path(recipe), listed(concepts)
    jobs = None if jobs is None else whole(jobs, "jobs", 1)
    comparison = read_comparison(path)
    folder = as_path(folder) if folder is not None else Path("runs") / comparison.name
    experiments = open_experiments(comparison, path.parent)
    _claim(folder, path, comparison.name)

    tried = [run for experiment in experiments for run in _sweep(experiment, comparison, folder)]
    train_all(tried, jobs=jobs, device=device, title="learning rates")
    sweep = _swept(tried)
    final = {experiment.name: _final(experiment, comparison, folder, sweep) for experiment in experiments}
    train_all([run for runs in final.values() for run in runs], jobs=jobs, device=device)

    rows, notes = [], []
    for experiment in experiments:
        documents, rest = _text(experiment, text, limit)
        runs = final[experiment.name]
        found = _measure(runs, documents, asked, device)
        rows += [_row(run, found.get(run)) for run in runs]
        said = [*experiment_notes(experiment, runs, sweep), *text_note(documents, rest), *missing_notes(found)]
        notes += [f"{experiment.name}: {note}" for note in said]
    return Comparison(tabulated(rows), sweep, (*notes, speed_note(device)))


def _sweep(experiment: OpenedExperiment, comparison: ComparisonRecipe, folder: Path) -> list[PlannedRun]:
    """The runs that the cells' learning rates are chosen by; none if there is nothing to choose."""
    rates, seed = experiment.settings.learning_rates, comparison.seeds[0]
    if len(rates) == 1:
        return []
    return [experiment.run(folder, cell, rate, seed, sweep=True) for cell in comparison.cells for rate in rates]


def _swept(runs: Sequence[PlannedRun]) -> pd.DataFrame:
    """What the sweep has shown, see `Comparison.sweep`."""
    best: dict[tuple[str, str], PlannedRun] = {}
    for run in runs:
        key = (run.experiment, run.cell)
        if run.validation_loss < (best[key].validation_loss if key in best else math.inf):
            best[key] = run
    chosen = set(best.values())
    rows = [(run.experiment, run.cell, run.learning_rate, run.validation_loss, run in chosen) for run in runs]
    return pd.DataFrame(rows, columns=list(SWEEP_COLUMNS)).astype({"validation_loss": float, "chosen": bool})


def _final(
    experiment: OpenedExperiment, comparison: ComparisonRecipe, folder: Path, sweep: pd.DataFrame
) -> list[PlannedRun]:
    """The runs that are measured: for each cell and seed one at the cell's best rate, if any did not diverge."""
    rates = {cell: experiment.settings.learning_rates[0] for cell in comparison.cells}
    if len(experiment.settings.learning_rates) > 1:
        chosen = sweep[sweep["chosen"] & (sweep["experiment"] == experiment.name)]
        rates = dict(zip(chosen["cell"], chosen["learning_rate"], strict=True))
    return [
        experiment.run(folder, cell, rates[cell], seed)
        for cell in comparison.cells
        if cell in rates
        for seed in comparison.seeds
    ]


def _claim(folder: Path, path: Path, name: str) -> None:
    """Take a folder that is new, or that of the same comparison.

    Raises
    ------
    OutputError
    """
    copy = folder / _COPY
    if folder.exists() and not copy.exists() and any(folder.iterdir()):
        raise OutputError(f"{folder} holds something other than a comparison. Name another folder with -o.")
    if copy.exists() and read_comparison(copy).name != name:
        raise OutputError(
            f"{folder} holds another comparison, {read_comparison(copy).name!r}; this one is {name!r}. "
            "Name another folder with -o."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (copy.exists() and copy.samefile(path)):
            shutil.copyfile(path, copy)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}. Name another folder with -o.") from error


def _text(experiment: OpenedExperiment, text: Texts | None, limit: int) -> tuple[list[Document], int]:
    """What an experiment's networks are measured on, and how many characters there are beyond; none if not on text."""
    if experiment.recipe.task != "language-model":
        return [], 0
    if text is not None:
        return read_documents(text, limit)
    corpus = experiment.recipe.corpus
    parts = open_corpus(corpus.name, corpus.path, corpus.encoding).split(corpus.split)
    return read_documents(list(parts["test"]), limit)


def _measure(
    runs: Sequence[PlannedRun],
    documents: Sequence[Document],
    concepts: Sequence[Concept],
    device: str,
) -> dict[PlannedRun, Measured]:
    """The measures of the runs that did not diverge."""
    found, trained = {}, [run for run in runs if not run.diverged]
    with progress_bar("networks") as bar:
        for run in bar.track(trained, description="measuring"):
            model = checkpoint.load(run.folder / "model.pt", device)
            found[run] = measure(Subject(model, documents, concepts, seed=0), TRAINED, run.folder)
    return found


def _row(run: PlannedRun, measured: Measured | None) -> dict[str, Any]:
    """The row of a run."""
    return {
        "experiment": run.experiment,
        "name": run.cell,
        "cell": run.cell,
        "seed": run.recipe.seed,
        "learning_rate": run.learning_rate,
        "folder": str(run.folder),
        **(measured.figures if measured else {}),
    }

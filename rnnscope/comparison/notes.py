"""What is to be known of a comparison's figures, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from rnnscope import checkpoint
from rnnscope.device import pick_device
from rnnscope.text import Document

from .measuring import Measured
from .plan import OpenedExperiment, PlannedRun


def text_note(documents: Sequence[Document], rest: int) -> Iterator[str]:
    """How much was read."""
    if documents:
        read = sum(len(document.text) for document in documents)
        more = f", the first of {read + rest:,}" if rest else ""
        yield f"what is measured on a text, on {read:,} characters{more}."


def speed_note(device: str) -> str:
    """What the speeds are of."""
    place = pick_device(device)
    if place.type == "cuda":
        where = torch.cuda.get_device_name(place)
    else:
        where = f"{place}, {torch.get_num_threads()} threads"
    return (
        "Speeds: characters per second, or sequences of a memory task. Read: the best of several forward passes of 32 "
        f"streams on this machine ({where}). Trained on: by the record of training, validations included, beside "
        "whatever else the machine did."
    )


def missing_notes(found: Mapping[Any, Measured]) -> Iterator[str]:
    """What could not be measured, and why; said once for all networks, by their names, of which it is true."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, measured in found.items():
        for missing, reason in measured.reasons.items():
            names.setdefault((missing, reason), []).append(str(name))
    for (missing, reason), which in names.items():
        yield f"no {missing.replace('_', ' ')} of {', '.join(which)}: {reason}"


def experiment_notes(experiment: OpenedExperiment, runs: Sequence[PlannedRun], sweep: pd.DataFrame) -> Iterator[str]:
    """Of the sizes, the learning rates, the runs that diverged, and what stands beside the scores."""
    yield _sizes(experiment)
    yield from _rates(experiment, sweep)
    for run in runs:
        if run.diverged:
            rate, seed = run.learning_rate, run.recipe.seed
            yield f"{run.cell} diverged with seed {seed} at the rate {rate:g}, and counts in no mean."
    trained = [run for run in runs if not run.diverged]
    if trained:
        yield from _baselines(checkpoint.read(trained[0].folder / "model.pt")["training"]["scores"])


def _baselines(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What anybody would try first, on the same test part."""
    for score in scores:
        if score["part"] == "test" and score["baselines"]:
            rivals = ", ".join(f"{name} {value:.4f}" for name, value in score["baselines"].items())
            yield f"{score['measure']} of others on the test part: {rivals}."


def _sizes(experiment: OpenedExperiment) -> str:
    asked = experiment.settings.parameters
    sizes = ", ".join(f"{cell} of {size.hidden_size} ({size.off:+.1%})" for cell, size in experiment.sizes.items())
    return f"hidden sizes for {asked:,} parameters, and how far off: {sizes}."


def _rates(experiment: OpenedExperiment, sweep: pd.DataFrame) -> Iterator[str]:
    """Which cells may do better at a rate that was not tried."""
    rates, tried = experiment.settings.learning_rates, sweep.query("experiment == @experiment.name")
    best = {str(row["cell"]): row["learning_rate"] for row in tried.to_dict("records") if row["chosen"]}
    for which, other, rate in (("smallest", "smaller", min(rates)), ("largest", "larger", max(rates))):
        if cells := [cell for cell, chosen in best.items() if chosen == rate]:
            yield f"{', '.join(cells)} did best at the {which} rate given, {rate:g}; a {other} one may be better still."
    if lost := [cell for cell in dict.fromkeys(map(str, tried["cell"])) if cell not in best]:
        yield f"{', '.join(lost)} diverged at every learning rate: give smaller ones."

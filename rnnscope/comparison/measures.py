"""What is measured of each network: one small function a question, each of which gives its columns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnscope.analysis.gates.saturation import saturation
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.analysis.gradients.jacobians import state_jacobians
from rnnscope.analysis.memory.context import effective_context
from rnnscope.analysis.memory.success import task_success
from rnnscope.analysis.search.finding import find_units
from rnnscope.cells import CELLS
from rnnscope.concept import Concept
from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel, Network, Transducer
from rnnscope.text import Document
from rnnscope.training.tasks.language_model import evaluate

PLACES = 10
"""Where the Jacobians are taken; their products are what takes longest."""

TARGETS = 300
"""Characters whose loss is measured with less and less context."""

_KEEPERS = {"gru": "z", "lstm": "f"}
"""The gate by which the memory of the step before is multiplied."""

_STREAMS, _WINDOW = 32, 100
PATIENCE = 1.0  # seconds that reading is timed for

_FARTHER = 4

Figures = dict[str, float]
"""By column."""


@dataclass(frozen=True)
class Subject:
    """A network, and what it is measured on.

    Attributes
    ----------
    model : Network in eval mode
    documents : sequence of Document
        The text; none if the network is no language model.
    concepts : sequence of Concept
    seed : int
    """

    model: Any
    documents: Sequence[Document]
    concepts: Sequence[Concept]
    seed: int

    @property
    def limit(self) -> int:
        """All of the text, which was cut to what is to be read."""
        return sum(len(document.text) for document in self.documents)


def size(subject: Subject) -> Figures:
    """Parameters, and the bytes that they take in memory."""
    weights = list(subject.model.parameters())
    return {
        "parameters": sum(weight.numel() for weight in weights),
        "bytes": sum(weight.numel() * weight.element_size() for weight in weights),
    }


def training_speed(subject: Subject) -> Figures:
    """How much a second of training saw, validations and whatever else the machine did included."""
    record = _record(subject.model)
    if not record or not record["seconds"]:
        return {}
    method = record["recipe"]["training"]
    batch = method["streams"] * method["window"] if "streams" in method else method["batch_size"]
    return {"training_speed": record["step"] * batch / record["seconds"]}


def test_scores(subject: Subject) -> Figures:
    """The scores of the card on the test part."""
    scores = _record(subject.model).get("scores", [])
    return {f"test:{score['measure']}": score["value"] for score in scores if score["part"] == "test"}


def text_loss(subject: Subject) -> Figures:
    """Mean cross-entropy in nats per character, the state carried through each document from zeros."""
    vocabulary, total, count = subject.model.vocabulary, 0.0, 0
    for document in subject.documents:
        if len(document.text) > 1:
            tokens = torch.from_numpy(vocabulary.encode(document.text))
            total += evaluate(subject.model, tokens) * (len(tokens) - 1)
            count += len(tokens) - 1
    if not count:
        raise TextError("no character of the text has one before it in its document, so it has no loss.")
    return {"loss": total / count}


@torch.no_grad()
def reading_speed(subject: Subject) -> Figures:
    """How much a forward pass over 32 streams reads in a second: the best of what is tried in a second."""
    model = subject.model
    inputs, amount = _inputs(subject)
    best, end = math.inf, time.perf_counter() + PATIENCE
    while time.perf_counter() < end or best == math.inf:
        began = time.perf_counter()
        model(inputs)
        _wait_for(model.device)
        best = min(best, time.perf_counter() - began)
    return {"reading_speed": amount / best}


def gradients(subject: Subject) -> Figures:
    """When the median gradient of the loss has halved and how fast it fades, of h and the memory of the top layer."""
    summary = gradient_flow(subject.model, subject.documents, limit=subject.limit, seed=subject.seed).summary
    config = subject.model.config
    signals = {"h": "h", "memory": CELLS[config.cell].memory}
    top = config.layers - 1
    return {
        f"{column}:{name}": float(summary.loc[f"l{top}.{signal}", of])
        for column, of in (("half_life", "half_life"), ("gradient_slope", "slope"))
        for name, signal in signals.items()
    }


def jacobian_slope(subject: Subject) -> Figures:
    """How fast a small difference of the state grows with the lag, in nats per step."""
    found = state_jacobians(subject.model, subject.documents, places=PLACES, limit=subject.limit, seed=subject.seed)
    return {"jacobian_slope": found.slope}


def context(subject: Subject) -> Figures:
    """The characters that are enough for a loss within 1 % of that with all of them."""
    found = effective_context(subject.model, subject.documents, targets=TARGETS, limit=subject.limit, seed=subject.seed)
    return {"effective_context": found.characters}


def gates(subject: Subject) -> Figures:
    """The share of time that gates are below 0.1 and above 0.9, and that the one that keeps the memory is above 0.9.

    The means over units, gates and layers.
    """
    summary = saturation(subject.model, subject.documents).summary
    keeper = _KEEPERS[subject.model.config.cell]
    keeping = [str(signal).endswith(f".{keeper}") for signal in summary.index]
    left, right = summary["left"].to_numpy(), summary["right"].to_numpy()
    return {"gates_left": left.mean(), "gates_right": right.mean(), "gates_keep": right[keeping].mean()}


def best_units(subject: Subject) -> Figures:
    """For each concept the held-out score of the unit that tells most of it."""
    table = find_units(subject.model, subject.documents, subject.concepts, seed=subject.seed).table
    return {f"unit:{name}": score for name, score in zip(table.index, table["score"].tolist(), strict=True)}


def success(subject: Subject) -> Figures:
    """The success of a memory task at four times the length of training."""
    length = _FARTHER * subject.model.config.length
    rates = task_success(subject.model, [length], seed=subject.seed).table["success"]
    return {"success_far": rates.to_numpy()[0]}


@dataclass(frozen=True)
class Measure:
    """A question, and to what networks it can be put.

    Attributes
    ----------
    figures : callable
        Takes a `Subject`, gives columns; raises RnnscopeError where it cannot tell.
    applies : callable
        Takes a `Subject`, says whether the question has a meaning.
    reads : bool
        Whether the answer depends on the text.
    """

    figures: Callable[[Subject], Figures]
    applies: Callable[[Subject], bool] = lambda _: True
    reads: bool = False


def _reads_text(subject: Subject) -> bool:
    return isinstance(subject.model, CharLanguageModel) and bool(subject.documents)


MEASURES: Mapping[str, Measure] = {
    "size": Measure(size),
    "training_speed": Measure(training_speed),
    "reading_speed": Measure(
        reading_speed, lambda subject: isinstance(subject.model, Transducer) or _reads_text(subject)
    ),
    "test_scores": Measure(test_scores),
    "text_loss": Measure(text_loss, _reads_text, reads=True),
    "gradients": Measure(gradients, _reads_text, reads=True),
    "jacobian_slope": Measure(jacobian_slope, _reads_text, reads=True),
    "effective_context": Measure(context, _reads_text, reads=True),
    "gates": Measure(gates, lambda subject: _reads_text(subject) and subject.model.config.cell in _KEEPERS, reads=True),
    "best_units": Measure(best_units, lambda subject: _reads_text(subject) and bool(subject.concepts), reads=True),
    "success": Measure(success, lambda subject: isinstance(subject.model, Transducer)),
}
"""The questions, in the order of a table's columns."""


def _record(model: Network) -> dict[str, Any]:
    """What a network that rnnscope trained tells of its training; empty of any other."""
    training = model.card.training if model.card else {}
    return {} if "imported" in training else training


def _inputs(subject: Subject) -> tuple[Tensor, int]:
    """What 32 streams are read of at once, and how much that is: characters, or sequences of a memory task."""
    model = subject.model
    if isinstance(model, Transducer):
        batch = model.problem.batch(np.random.default_rng(subject.seed), _STREAMS, model.config.length)
        return torch.from_numpy(batch.inputs).to(model.device), _STREAMS
    tokens = model.vocabulary.encode("".join(document.text for document in subject.documents))
    tokens = np.resize(tokens, _STREAMS * _WINDOW).reshape(_STREAMS, _WINDOW).T
    return torch.from_numpy(tokens.copy()).to(model.device), tokens.size


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

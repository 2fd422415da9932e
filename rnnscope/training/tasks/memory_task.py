"""Memory tasks: sequences of a problem, drawn anew for each step, beside the score that no memory gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from rnnscope.corpora.data import Data
from rnnscope.models.transducer import Transducer
from rnnscope.problems.known import find_problem
from rnnscope.problems.losses import masked_loss
from rnnscope.problems.problem import Batch, generator
from rnnscope.training.recipe import CorpusRecipe, ExampleTraining, Recipe, demand
from rnnscope.training.task import Score, Share, Task, facts_of

EPOCH = 100
"""Batches an epoch: the sequences never come to an end, so this is where one is said to."""

_TRAIN, _VALIDATION, _TEST = range(3)
_PARTS = {"validation": _VALIDATION, "test": _TEST}
_SEQUENCES = 1000
_TOGETHER = 100
"""Sequences of a scored part, and how many of them are read side by side."""


@dataclass(frozen=True)
class ProblemRecipe(CorpusRecipe):
    """Which problem.

    Attributes
    ----------
    name : str
        Out of `rnnscope.problems.known`.
    length : int
        How long something is to be remembered; what exactly it counts, the problem says.
    """

    name: str = "adding"
    length: int = 100

    def __post_init__(self) -> None:
        find_problem(self.name).check_length(self.length)
        for field in fields(CorpusRecipe):
            if field.name != "name":
                value = getattr(self, field.name)
                demand(
                    value == field.default, f"corpus.{field.name}", "left out: a problem's sequences are made", value
                )


@dataclass(frozen=True)
class MemoryTraining(ExampleTraining):
    """Training on sequences that are drawn anew for each step.

    Attributes
    ----------
    epochs : float
        Of 100 steps each.
    """

    epochs: float = 30.0
    warmup: int = 100
    weight_decay: float = 0.0
    validate_every: int = 500


class MemoryTask(Task):
    """Batches of a problem, each drawn from the recipe's seed and its own number.

    The 1,000 sequences for validation, and as many for the test, are the same whatever the seed.
    """

    network = Transducer
    corpus_recipe = ProblemRecipe
    training_recipe = MemoryTraining

    def __init__(self, recipe: Recipe) -> None:
        wanted: ProblemRecipe = recipe.corpus
        self._recipe, self._length = recipe, wanted.length
        self.problem = find_problem(wanted.name)
        for name, given in (("problem", recipe.model.problem), ("length", recipe.model.length)):
            demand(not given, f"model.{name}", "left out: [corpus] says it", given)
        self.unit = self.problem.unit
        name = f"{self.problem.name} of length {self._length:,}: {self.problem.about}"
        drawn = round(recipe.training.epochs * self.batch_size * EPOCH)
        self.facts = facts_of(
            Data(name=name, source=self.problem.source, licence="generated"),
            "sequences",
            parts={"train": drawn} | dict.fromkeys(_PARTS, _SEQUENCES),
            sha256={part: _digest(next(self._scored(part))) for part in _PARTS} | {"train": _digest(self._drawn(0))},
            notes={},
        )

    def build(self) -> Transducer:
        return Transducer(replace(self._recipe.model, problem=self.problem.name, length=self._length))

    def __len__(self) -> int:
        return EPOCH

    @property
    def batch_size(self) -> float:
        return self._recipe.training.batch_size

    def loss(self, model: Any, index: int, share: Share) -> Tensor:
        batch = self._drawn(index)
        size = batch.mask.shape[1]
        mine = slice(share.index, None, share.count) if share.index < size else slice(0, 1)
        device = next(model.parameters()).device
        inputs, targets, mask = (torch.from_numpy(part[:, mine]).to(device) for part in batch)
        if share.index >= size:
            mask = torch.zeros_like(mask)  # a share without sequences counts for nothing, but goes through the network
        total = masked_loss(self.problem.loss, model(inputs), targets, mask)
        return total * (share.count / int(batch.mask.sum()))

    def validate(self, model: Transducer) -> float:
        return model.rate(self._scored("validation")).loss

    def scores(self, model: Transducer) -> list[Score]:
        scores, problem = [], self.problem
        for part in _PARTS:
            rating, rival = model.rate(self._scored(part)), problem.forgetful
            scores.append(Score(part, problem.unit, rating.loss, {rival: problem.floor(self._length)}))
            scores.append(Score(part, problem.criterion, rating.success, {rival: problem.chance(self._length)}))
        return scores

    def _drawn(self, index: int) -> Batch:
        rng = generator(self._recipe.seed, _TRAIN, index)
        return self.problem.batch(rng, self._recipe.training.batch_size, self._length)

    def _scored(self, part: str) -> Iterator[Batch]:
        """The sequences of a part that is scored."""
        for number in range(_SEQUENCES // _TOGETHER):
            yield self.problem.batch(generator(0, _PARTS[part], number), _TOGETHER, self._length)


def _digest(batch: Batch) -> str:
    return hashlib.sha256(b"".join(part.tobytes() for part in batch)).hexdigest()

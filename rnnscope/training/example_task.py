"""A task whose examples have nothing to do with each other, drawn in shuffled batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .batches import Shuffled
from .recipe import ExampleTraining, Recipe
from .task import Share, Task


class ExampleTask(Task):
    """Batches are those of `Shuffled`; a share is some of the examples of a batch."""

    training_recipe = ExampleTraining

    def open_examples(self, lengths: Sequence[int], recipe: Recipe) -> None:
        """What a subclass calls in its constructor, with the length of each example of the training part."""
        self.batches = Shuffled(lengths, recipe.training.batch_size, recipe.seed)

    @abstractmethod
    def summed_loss(self, model: Any, places: Sequence[int]) -> Tensor:
        """The loss of some examples of the training part, summed over what `weight` counts."""

    @abstractmethod
    def weight(self, places: Sequence[int]) -> int:
        """What the loss of some examples of the training part is the mean over: texts, words or characters."""

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def batch_size(self) -> float:
        return self.facts["parts"]["train"] / len(self)

    def loss(self, model: Any, index: int, share: Share) -> Tensor:
        batch = self.batches[index]
        mine = batch[share.index :: share.count]
        # a share without examples counts for nothing, but goes through the network
        return self.summed_loss(model, mine or batch[:1]) * (share.count / self.weight(batch) if mine else 0.0)

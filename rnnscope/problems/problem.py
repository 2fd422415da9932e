"""What a problem is: sequences without end, their answers, and how well one does without a memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from rnnscope.errors import RecipeError

Loss = Literal["squared error", "cross-entropy", "legal symbols"]
"""What is lowered in training, see `rnnscope.problems.losses`."""

LONGEST = 10_000
"""The greatest length: a batch is held in memory whole."""


class Batch(NamedTuple):
    """Sequences side by side.

    Attributes
    ----------
    inputs : float32 array of shape (time, batch, feature)
    targets : array
        Of shape (time, batch, feature) and float32, or, for cross-entropy, (time, batch) and int64.
    mask : bool array of shape (time, batch)
        The steps that have an answer; what stands elsewhere counts for nothing.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


class Problem(ABC):
    """Sequences that are made, not read, with a knob that says how long something has to be remembered.

    Attributes
    ----------
    name : str
        What recipes call it.
    about : str
        In a line.
    source : str
        The paper that it is from.
    input_size, output_size : int
        Features of a step.
    loss : {"squared error", "cross-entropy", "legal symbols"}
    shortest : int
        The least length.
    forgetful : str
        Whose score `floor` and `chance` are, such as ``constant answer``.
    criterion : str
        What `success` tells, in words.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    source: ClassVar[str]
    input_size: ClassVar[int]
    output_size: ClassVar[int]
    loss: ClassVar[Loss]
    shortest: ClassVar[int]
    forgetful: ClassVar[str]
    criterion: ClassVar[str]

    @property
    def unit(self) -> str:
        """Of the loss."""
        return "mean squared error" if self.loss == "squared error" else "nats per step"

    @abstractmethod
    def batch(self, rng: np.random.Generator, size: int, length: int) -> Batch:
        """So many sequences of a length; what a length is, the class says."""

    @abstractmethod
    def floor(self, length: int) -> float:
        """The expected loss of the best answer that remembers nothing, in `unit`; lower needs a memory."""

    @abstractmethod
    def chance(self, length: int) -> float:
        """The expected success of the answer whose loss is `floor`, from 0 to 1."""

    @abstractmethod
    def success(self, outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """How far each sequence is answered right, by the ``criterion``.

        Parameters
        ----------
        outputs : float array of shape (time, batch, feature)
            A network's; logits where the loss is of probabilities.
        targets, mask : arrays
            Of the `Batch`.

        Returns
        -------
        float array of shape (batch,), from 0 to 1; high is good
        """

    def check_length(self, length: int) -> None:
        """Refuse a length that no sequence has.

        Raises
        ------
        RecipeError
        """
        if not self.shortest <= length <= LONGEST:
            raise RecipeError(
                f"The problem {self.name} needs a length from {self.shortest} to {LONGEST:,}; got {length:,}."
            )


def generator(seed: int, *place: int) -> np.random.Generator:
    """Random numbers that depend on a seed and a place in a tree of draws alone."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))

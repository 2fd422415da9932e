"""A transducer: a vector in and a vector out at each step, for the problems that need a memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.problems.known import find_problem
from rnnscope.problems.losses import masked_loss
from rnnscope.problems.problem import Batch

from .network import NumberNetwork
from .stack import StackConfig, demand, recurrent_stack


@dataclass(frozen=True)
class TransducerConfig(StackConfig):
    """The shape of a `Transducer`.

    Attributes
    ----------
    problem : str
        A name out of `rnnscope.problems.known`, which says what goes in and out.
    length : int
        Of the problem's sequences in training. In a recipe both are said in ``[corpus]``.
    """

    hidden_size: int = 64
    problem: str = ""
    length: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(not self.bidirectional, "bidirectional to be false: an answer is due before the rest is read", True)


@dataclass(frozen=True, eq=False)
class Rating:
    """How well a network does on sequences.

    Attributes
    ----------
    loss : float
        Mean over the steps that have an answer, in the problem's ``unit``.
    successes : array of shape (batch,)
        Of each sequence, from 0 to 1.
    """

    loss: float
    successes: np.ndarray

    @property
    def success(self) -> float:
        """The mean over the sequences."""
        return float(self.successes.mean())


class Transducer(NumberNetwork):
    """A recurrent stack over the inputs of a problem, and a linear head.

    Nothing is carried from one sequence to the next.

    Parameters
    ----------
    config : TransducerConfig

    Raises
    ------
    RecipeError
        If the problem is not known, or has no sequences of that length.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> from rnnscope.models import TransducerConfig
    >>> model = rnnscope.Transducer(TransducerConfig(cell="gru", problem="adding", length=50))
    >>> model.architecture
    'gru, 1 layer of 64 units, 2 numbers in and 1 out at each step'
    >>> model(torch.zeros(50, 3, 2)).shape
    torch.Size([50, 3, 1])
    """

    task = "memory-task"
    config_type = TransducerConfig
    config: TransducerConfig

    def __init__(self, config: TransducerConfig) -> None:
        super().__init__()
        self.config = config
        self.problem = find_problem(config.problem)
        self.problem.check_length(config.length)
        self.rnn = recurrent_stack(config, self.problem.input_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, self.problem.output_size)

    @property
    def architecture(self) -> str:
        return (
            f"{self.config.words}, {self.problem.input_size} numbers in and {self.problem.output_size} out at each step"
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """The answer at each step.

        Parameters
        ----------
        inputs : float tensor of shape (time, batch, feature)

        Returns
        -------
        tensor of shape (time, batch, feature)
            Logits where the problem's loss is one of probabilities.
        """
        return self.head(self.dropout(self.rnn(inputs)[0]))

    @torch.no_grad()
    def rate(self, batches: Iterable[Batch]) -> Rating:
        """Loss and success over sequences of the network's problem; the network is in eval mode."""
        loss, steps, successes = 0.0, 0, []
        for batch in batches:
            inputs, targets, mask = (torch.from_numpy(part).to(self.device) for part in batch)
            outputs = self(inputs)
            loss += float(masked_loss(self.problem.loss, outputs, targets, mask))
            steps += int(batch.mask.sum())
            successes.append(self.problem.success(outputs.float().cpu().numpy(), batch.targets, batch.mask))
        return Rating(loss / steps, np.concatenate(successes))

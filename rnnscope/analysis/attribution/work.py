"""What a method is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from rnnscope.errors import AttributionError

from .question import Question
from .words import parts_of

_ROOM = 2**25
"""Values of the widest layer, over all steps and sequences, that one pass may have at once."""

_MOST = 128
"""Sequences in one pass at most."""


@dataclass(frozen=True, eq=False)
class Work:
    """A question to be answered by a method.

    Attributes
    ----------
    question : Question
    baselines : tensor of shape (baseline, time, size)
    starts : int64 array of shape (part,)
        The step at which each part of the text begins, of those that are taken away as one.
    steps : int or None
        Points of a path, or samples; the method's own choice if None.
    window : int
        Parts that are taken away together.
    seed : int
    advance : callable
        Told how many passes were made.
    """

    question: Question
    baselines: Tensor
    starts: np.ndarray
    steps: int | None = None
    window: int = 1
    seed: int = 0
    advance: Callable[[int], object] = field(default=lambda passes: None)

    @property
    def inputs(self) -> Tensor:
        """The text's own vectors, of shape (1, time, size), which gradients flow to."""
        return self.question.embed(self.question.tokens[:, None]).detach().transpose(0, 1).clone().requires_grad_()

    @property
    def baseline(self) -> Tensor:
        """The only baseline, of shape (1, time, size)."""
        if len(self.baselines) > 1:
            raise AttributionError(
                "This method measures against one baseline: empty, zero, mean, or a character. "
                "gradient-shap takes many, such as shuffled."
            )
        return self.baselines

    def forward(self, embedded: Tensor) -> Tensor:
        """The target for vectors of shape (batch, time, size), as captum gives them."""
        self.advance(len(embedded))
        return self.question.from_embeddings(embedded.transpose(0, 1).to(self.baselines.dtype))

    @property
    def side_by_side(self) -> int:
        """How many variants of the text are read in one pass."""
        widths = [p.shape[0] for p in self.question.network.parameters() if p.dim() > 1]
        return int(np.clip(_ROOM // (len(self.question.tokens) * max(widths, default=1)), 1, _MOST))

    def values(self, embedded: Tensor) -> Tensor:
        """The target for any number of sequences of vectors, of shape (batch,), without a graph."""
        with torch.no_grad():
            return torch.cat([self.forward(some) for some in embedded.split(self.side_by_side)])

    def spread(self, scores: Tensor) -> Tensor:
        """The scores of parts, of shape (part,), shared out evenly among their characters."""
        parts = torch.from_numpy(parts_of(self.starts, len(self.question.tokens))).to(scores.device)
        return scores[parts] / torch.bincount(parts)[parts]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a method has found.

    Attributes
    ----------
    scores : tensor of shape (time,)
    how : str
        What the method was given that its name does not say, such as its steps.
    """

    scores: Tensor
    how: str = ""

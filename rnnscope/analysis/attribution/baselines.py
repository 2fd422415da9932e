"""What takes the place of a text, or of a part of it: the absence that an attribution is measured against."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnscope.errors import AttributionError
from rnnscope.text import Vocabulary, visible

from .question import Question

EMPTY = "empty"
"""A text of spaces; of zero vectors where the network knows no space."""

SHUFFLES = 64
"""Texts that stand for all orders of a text's characters."""


def baseline_of(question: Question, name: object, seed: int) -> tuple[Tensor, str]:
    """Vectors of shape (baseline, time, size), and what they are.

    Parameters
    ----------
    question : Question
    name : {"empty", "zero", "mean", "shuffled"}, or a single character that the network knows
        Spaces, the zero vector, the mean vector of all tokens, the text's own in other orders, or a character's.
    seed : int
        Of the orders.

    Raises
    ------
    AttributionError
    """
    if name == EMPTY:
        name = " " if " " in question.known else "zero"
    read = question.embed(question.tokens[:, None]).detach()
    if name == "zero":
        return torch.zeros_like(read).transpose(0, 1), "zero vectors"
    if name == "mean":
        return _mean(question, read).expand_as(read).transpose(0, 1), "mean vectors"
    if name == "shuffled":
        generator = torch.Generator().manual_seed(seed)
        orders = torch.stack([torch.randperm(len(read), generator=generator) for _ in range(SHUFFLES)])
        return read[orders.to(read.device), 0], f"the text in {SHUFFLES} random orders"
    token = question.known.index(name) if isinstance(name, str) and name in question.known else None
    if token is None or question.tokens.is_floating_point():
        raise AttributionError(
            f"A baseline is empty, zero, mean, shuffled, or one character that the network knows; got {name!r}."
        )
    tokens = torch.full_like(question.tokens[:, None], token)
    named = "spaces" if name == " " else visible(question.known[token])
    return question.embed(tokens).detach().transpose(0, 1), f"a text of {named}"


def _mean(question: Question, read: Tensor) -> Tensor:
    """The mean over the known tokens; over the steps of what was read where it is vectors."""
    if question.tokens.is_floating_point():
        return read.mean(dim=(0, 1))
    first = int(question.known[:1] == (Vocabulary.UNKNOWN,))
    tokens = torch.arange(first, question.entrance.tokens, device=question.tokens.device)
    return question.embed(tokens[:, None]).detach().mean(dim=(0, 1))

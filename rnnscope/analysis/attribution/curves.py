"""What becomes of a target while a text is deleted part by part, in one order or another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnscope.errors import AttributionError

from .question import Question

POINTS = 20
"""Stretches of a curve: of a text with fewer parts, one a part."""

_NUMBERS = 2**22
"""Of the vectors that are read in one pass, at most."""


@dataclass(frozen=True, eq=False)
class Deletion:
    """The target while parts of a text are deleted in several orders.

    To insert the parts in an order, the first one first, is to delete them in the opposite order, seen backwards. So
    these are curves of insertion, too.

    Attributes
    ----------
    shares : float array of shape (point,)
        Of the parts that are deleted, from 0 to 1.
    values : float64 array of shape (order, point)
        The target.
    """

    shares: np.ndarray
    values: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """The mean of each curve over the shares, of shape (order,), in the unit of the target."""
        return np.trapezoid(self.values, self.shares, axis=1)

    def at(self, shares: np.ndarray) -> np.ndarray:
        """The curves at other shares, of shape (order, share)."""
        return np.array([np.interp(shares, self.shares, values) for values in self.values])


def delete(question: Question, baseline: Tensor, parts: np.ndarray, orders: np.ndarray) -> Deletion:
    """Delete a text part by part.

    Parameters
    ----------
    question : Question
    baseline : tensor of shape (time, size)
        What takes the place of what is deleted. So the text keeps its length, and each part its place.
    parts : int array of shape (time,)
        The number of the part in which each step lies, from 0 on.
    orders : int array of shape (order, part)
        The numbers of the parts, the one that is deleted first first.
    """
    count = orders.shape[1]
    counts = np.unique(np.rint(np.linspace(0, count, min(count, POINTS) + 1)).astype(int))
    ranks = np.argsort(orders, axis=1)[:, parts]
    kept = ranks[:, None, :] >= counts[1:-1, None]  # at both ends all orders are one
    ends = np.array([[True], [False]]).repeat(len(parts), axis=1)
    first, last, *between = _values(question, baseline, np.concatenate((ends, kept.reshape(-1, len(parts)))))
    curves = np.empty((len(orders), len(counts)))
    curves[:, 0], curves[:, -1], curves[:, 1:-1] = first, last, np.reshape(between, (len(orders), -1))
    return Deletion(counts / count, curves)


@torch.no_grad()
def _values(question: Question, baseline: Tensor, kept: np.ndarray) -> np.ndarray:
    """The target for variants of a text, of shape (variant,); kept are the steps that are not deleted."""
    read = question.embed(question.tokens[:, None]).detach()
    masks = torch.from_numpy(kept).to(read.device)
    found = []
    for some in masks.split(max(1, _NUMBERS // baseline.numel())):
        found.append(question.from_embeddings(torch.where(some.T[..., None], read, baseline[:, None])))
    values = torch.cat(found).cpu().double().numpy()
    if not np.isfinite(values).all():
        raise AttributionError(f"The {question.target} is not a finite number for variants of the text.")
    return values

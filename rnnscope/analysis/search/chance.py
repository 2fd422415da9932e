"""How well the best of many units would do by chance: labels shifted in a circle against the units.

A shift keeps what labels and units are by themselves, how long they stay for one, and takes away what they have
to do with each other. The best of all units under a shift is what the best unit has to beat: a maximum
statistic, which corrects for how many there are (Westfall and Young 1993).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .tallies import Question

_NEAREST = 20
"""The least shift is one such part of all steps."""


def shifts_of(count: int, seed: int) -> np.ndarray:
    """So many shifts as shares of a circle, after a first one of 0."""
    drawn = np.random.default_rng(seed).uniform(1 / _NEAREST, 1 - 1 / _NEAREST, count)
    return np.concatenate(([0.0], drawn))


def best_by_shift(ranks: Tensor, labels: np.ndarray, question: Question, shifts: np.ndarray) -> np.ndarray:
    """The strongest association of any unit with a concept, for each shift of its labels.

    It is the difference of mean ranks with and without the label for a flag, the covariance with standardised
    ranks for a number, and the root of the variance between mean ranks for a category. Labels move among the steps
    where the concept applies.

    Parameters
    ----------
    ranks : float32 tensor of shape (unit, time)
    labels : float32 array of shape (time,), NaN where the concept does not apply
    question : Question
        The concept.
    shifts : array of shape (shift,)
        Shares of a circle.

    Returns
    -------
    array of shape (shift,)
        NaN if all labels are the same.
    """
    applies = np.flatnonzero(~np.isnan(labels))
    labels = labels[applies]
    if len(labels) == 0 or labels.min() == labels.max():
        return np.full(len(shifts), np.nan)
    if len(applies) < ranks.shape[1]:
        ranks = ranks[:, torch.from_numpy(applies)]
    ranks = ranks - ranks.mean(dim=1, keepdim=True)
    squares = torch.zeros(len(shifts), len(ranks))
    moves = np.round(shifts * len(labels)).astype(int)
    for weights, share in _weights(question, labels):
        squares += share * (torch.from_numpy(_in_circles(weights, moves)) @ ranks.T).square()
    return squares.max(dim=1).values.sqrt().numpy()


def p_value(best: np.ndarray) -> float:
    """The share of shifts at which the best unit does as well as at the first, which is one of them; NaN if unknown."""
    return float((best >= best[0] * (1 - 1e-6)).mean()) if np.isfinite(best[0]) else float("nan")


def _weights(question: Question, labels: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weights of the steps, each with the share that the square of a unit's weighted sum has."""
    if question.scale is not None:
        ranks = question.scale.ranks(labels)
        centred = ranks - ranks.mean()
        return [(centred / (len(labels) * max(centred.std(), 1e-12)), 1.0)]
    means = [(labels == place) / max(1, (labels == place).sum()) for place in range(question.size)]
    if question.concept.kind == "flag":
        return [(means[1] - means[0], 1.0)]
    return [(mean, float((labels == place).mean())) for place, mean in enumerate(means)]


def _in_circles(weights: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Weights of shape (time,) moved by each of some steps, as float32 of shape (move, time)."""
    twice = np.concatenate((weights, weights)).astype(np.float32)
    return np.stack([twice[len(weights) - move : 2 * len(weights) - move] for move in moves])

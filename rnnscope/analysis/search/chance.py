"""How well the best of many units would do by chance: labels shifted in a circle against the units.

A shift keeps what labels and units are by themselves, how long they stay for one, and takes away what they have
to do with each other. The best of all units under a shift is what the best unit has to beat: a maximum
statistic, which corrects for how many there are (Westfall and Young 1993).
"""

from __future__ import annotations

import numpy as np
import torch

from .tallies import Question, Sample

_NEAREST = 20
"""The least shift is one such part of all steps."""


def shifts_of(steps: int, count: int, seed: int) -> np.ndarray:
    """So many different shifts in steps, the first of them none; fewer if there are not as many."""
    least = max(1, steps // _NEAREST)
    possible = np.arange(least, max(least + 1, steps - least))
    drawn = np.random.default_rng(seed).choice(possible, min(count, len(possible)), replace=False)
    return np.concatenate(([0], drawn))


def best_by_shift(sample: Sample, ranks: np.ndarray, index: int, question: Question, shifts: np.ndarray) -> np.ndarray:
    """The strongest association of any unit with a concept, for each shift of its labels.

    It is the difference of mean ranks with and without the label for a flag, the covariance with standardised
    ranks for a number, and the root of the variance between mean ranks for a category.

    Parameters
    ----------
    sample : Sample
    ranks : float32 array of shape (unit, bin)
        The rank of each bin, from 0 to 1.
    index : int
        Of the concept in the sample.
    question : Question
        That concept.
    shifts : int array of shape (shift,)

    Returns
    -------
    array of shape (shift,)
    """
    values = torch.from_numpy(np.stack([r.take(b) for r, b in zip(ranks - 0.5, sample.bins, strict=True)]))
    values[:, torch.from_numpy(~sample.taken)] = 0
    squares = torch.zeros(len(shifts), len(values))
    for weights, share in _weights(question, sample.labels[index]):
        shifted = torch.from_numpy(_in_circles(weights, shifts))
        squares += share * (shifted @ values.T).square()
    return squares.max(dim=1).values.sqrt().numpy()


def p_value(best: np.ndarray) -> float:
    """The share of shifts, none included, at which the best unit does as well as without a shift; above 0 to 1."""
    return float((best >= best[0] * (1 - 1e-6)).mean())


def _weights(question: Question, labels: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weights of the steps, each with the share that the square of a unit's weighted sum has."""
    applies = ~np.isnan(labels)
    total = max(1, applies.sum())
    if question.scale is not None:
        ranks = question.scale.ranks(np.where(applies, labels, 0))
        centred = np.where(applies, ranks - ranks[applies].mean(), 0) if applies.any() else np.zeros_like(ranks)
        return [(centred / (total * max(centred.std(), 1e-12)), 1.0)]
    means = [(labels == place) / max(1, (labels == place).sum()) for place in range(question.size)]
    if question.concept.kind == "flag":
        return [(means[1] - means[0], 1.0)]
    return [(mean - applies / total, (labels == place).sum() / total) for place, mean in enumerate(means)]


def _in_circles(weights: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Weights of shape (time,) moved by each shift, as float32 of shape (shift, time)."""
    twice = np.concatenate((weights, weights)).astype(np.float32)
    return np.stack([twice[len(weights) - shift : 2 * len(weights) - shift] for shift in shifts])

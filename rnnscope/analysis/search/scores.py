"""How well a unit tells labels, from counts of its values by bin; each function takes counts and gives numbers.

Counts have bins on the last axis, lowest values first, and any axes before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


def auroc(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Area under the ROC curve: the chance that a value with the label is above one without; ties count half.

    From 0 to 1; 0.5 tells nothing, 0 as much as 1. NaN where all labels are the same.
    """
    below = no.cumsum(axis=-1) - no / 2
    pairs = yes.sum(axis=-1) * no.sum(axis=-1)
    return ratio((yes * below).sum(axis=-1), pairs)


def average_precision(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Precision, averaged over the steps with the label as the threshold falls; from the base rate to 1."""
    hits = yes[..., ::-1].cumsum(axis=-1)
    taken = hits + no[..., ::-1].cumsum(axis=-1)
    return ratio((yes[..., ::-1] * ratio(hits, taken, 0.0)).sum(axis=-1), yes.sum(axis=-1))


def best_threshold(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """The first bin that counts as on, where IoU (and so F1, which rises with it) is largest."""
    hits, taken = _above(yes), _above(yes) + _above(no)
    union = yes.sum(axis=-1, keepdims=True) + taken - hits
    return ratio(hits, union, 0.0).argmax(axis=-1)


def top_threshold(counts: np.ndarray, share: float) -> np.ndarray:
    """The first bin of the highest share of values (Network Dissection, Bau et al. 2017, takes 0.5 %).

    Where more values than that are alike, it is their bin.
    """
    few = _above(counts) <= share * counts.sum(axis=-1, keepdims=True) * 1.0001
    highest = counts.shape[-1] - 1 - (counts[..., ::-1] > 0).argmax(axis=-1)
    return np.where(few.any(axis=-1), np.minimum(few.argmax(axis=-1), highest), highest)


def at_threshold(yes: np.ndarray, no: np.ndarray, first: np.ndarray) -> dict[str, np.ndarray]:
    """``iou``, ``f1``, ``precision`` and ``recall``, each from 0 to 1, if a unit is on from a bin on."""
    place = np.asarray(first)[..., None]
    hits = np.take_along_axis(_above(yes), place, axis=-1)[..., 0]
    alarms = np.take_along_axis(_above(no), place, axis=-1)[..., 0]
    labelled = yes.sum(axis=-1)
    return {
        "iou": ratio(hits, labelled + alarms, 0.0),
        "f1": ratio(2 * hits, labelled + hits + alarms, 0.0),
        "precision": ratio(hits, hits + alarms, 0.0),
        "recall": ratio(hits, labelled, 0.0),
    }


def mutual_information(counts: np.ndarray, bins: int = 16) -> np.ndarray:
    """Bits that a unit's value tells of the label, from counts of shape (..., label, bin), bins taken together.

    Less what is to be expected where they have nothing to do with each other (Miller 1955), and never below 0.
    """
    *rest, labels, fine = counts.shape
    pooled = counts.reshape(*rest, labels, bins, fine // bins).sum(axis=-1)
    total = pooled.sum(axis=(-2, -1))
    joint = ratio(pooled, total[..., None, None])
    apart = joint.sum(axis=-1, keepdims=True) * joint.sum(axis=-2, keepdims=True)
    told = (joint * np.log2(ratio(joint, apart, 1.0), where=joint > 0, out=np.zeros_like(joint))).sum(axis=(-2, -1))
    seen = [(pooled.sum(axis=axis) > 0).sum(axis=-1) - 1 for axis in (-1, -2)]
    return np.maximum(0.0, told - ratio(seen[0] * seen[1], 2 * np.log(2) * total, 0.0))


def spearman(counts: np.ndarray) -> np.ndarray:
    """Rank correlation from counts of shape (..., level, bin), levels of the label lowest first; -1 to 1."""
    total = counts.sum(axis=(-2, -1))
    label, value = _ranks(counts.sum(axis=-1)), _ranks(counts.sum(axis=-2))
    together = (counts * label[..., :, None] * value[..., None, :]).sum(axis=(-2, -1))
    spread = (counts.sum(axis=-1) * label**2).sum(axis=-1) * (counts.sum(axis=-2) * value**2).sum(axis=-1)
    return np.where(total > 0, ratio(together, np.sqrt(spread)), np.nan)


def eta_squared(counts: np.ndarray) -> np.ndarray:
    """The share of the variance of a unit's ranks between categories, from counts of shape (..., category, bin)."""
    value = _ranks(counts.sum(axis=-2))
    sizes = counts.sum(axis=-1)
    means = ratio((counts * value[..., None, :]).sum(axis=-1), sizes, 0.0)
    return ratio((sizes * means**2).sum(axis=-1), (counts.sum(axis=-2) * value**2).sum(axis=-1))


def _ranks(counts: np.ndarray) -> np.ndarray:
    """The middle rank of each bin, their mean zero."""
    return counts.cumsum(axis=-1) - counts / 2 - counts.sum(axis=-1, keepdims=True) / 2


def _above(counts: np.ndarray) -> np.ndarray:
    """Counts in a bin and all above it."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]


def ratio(over: np.ndarray, under: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """Division with broadcasting; what stands where the divisor is zero can be said."""
    over, under = np.broadcast_arrays(np.asarray(over, float), np.asarray(under, float))
    return np.divide(over, under, out=np.full(over.shape, otherwise), where=under > 0)


@dataclass(frozen=True)
class Measure:
    """By what units are compared for a kind of concept.

    Attributes
    ----------
    name, title : str
        In a table, and for people.
    neutral : float
        Its value where a unit tells nothing.
    of : callable
        From counts of shape (..., label, bin).
    """

    name: str
    title: str
    neutral: float
    of: Callable[[np.ndarray], np.ndarray]


MEASURES: Mapping[str, Measure] = {
    "flag": Measure("auroc", "AUROC", 0.5, lambda counts: auroc(counts[..., 1, :], counts[..., 0, :])),
    "number": Measure("spearman", "Spearman", 0.0, spearman),
    "category": Measure("eta_squared", "eta²", 0.0, eta_squared),
}
"""By kind of concept."""

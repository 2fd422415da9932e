"""How well margins tell two forms apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rnnscope.analysis.intervals import middle, resampled

_DRAWS = 400


def share_right(margins: np.ndarray) -> float:
    """The number of margins above 0; those at 0 count half."""
    return float(np.count_nonzero(margins > 0) + np.count_nonzero(margins == 0) / 2)


def separation(margins: np.ndarray, forms: Sequence[tuple[str, str]]) -> float:
    """How well the log-odds of two forms tell where the one is right from where the other is: the area under the ROC.

    Sentences are compared with all those in which the same two forms stand the other way round. To prefer one form
    everywhere is worth nothing here.

    Parameters
    ----------
    margins : array of shape (pair,)
        Log-probability of the good sentence minus that of the bad one.
    forms : sequence of (good, bad)

    Returns
    -------
    float
        From 0 to 1, 0.5 at chance; NaN if no two forms stand both ways.
    """
    won = list(_contests(margins, forms))
    total = sum(contest.size for contest in won)
    return float(sum(contest.sum() for contest in won) / total) if total else float("nan")


def separation_interval(margins: np.ndarray, forms: Sequence[tuple[str, str]], seed: int) -> tuple[float, float]:
    """Its 95 % interval, by a bootstrap over pairs, those of two forms and one way round drawn by themselves."""
    rng, total, sums = np.random.default_rng(seed), 0, np.zeros(_DRAWS)
    for won in _contests(margins, forms):
        one, other = (resampled(size, rng, _DRAWS) for size in won.shape)
        sums += ((one @ won) * other).sum(axis=1)
        total += won.size
    if not total:
        return float("nan"), float("nan")
    return middle(sums / total)


def _contests(margins: np.ndarray, forms: Sequence[tuple[str, str]]) -> Iterator[np.ndarray]:
    """For two forms that stand both ways: whether the log-odds are higher where the first is right, one row a pair."""
    kinds: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for margin, (good, bad) in zip(margins.tolist(), forms, strict=True):
        one, other = kinds.setdefault((min(good, bad), max(good, bad)), ([], []))
        one.append(margin) if good < bad else other.append(-margin)
    for one, other in kinds.values():
        if one and other:
            yield (np.sign(np.subtract.outer(one, other)) + 1) / 2

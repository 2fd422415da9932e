"""How sure a mean or a share is."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

_DRAWS = 1000


def bootstrap_interval(sums: np.ndarray, counts: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95 % interval of a mean over all steps, from the sum and the number of steps of each group of them.

    Groups are drawn with replacement (percentile bootstrap, Efron 1979). NaN with fewer than two
    groups that have a step.
    """
    some = counts > 0
    sums, counts = sums[some], counts[some]
    if len(counts) < 2:
        return float("nan"), float("nan")
    times = np.random.default_rng(seed).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=_DRAWS)
    low, high = np.percentile((times @ sums) / (times @ counts), (2.5, 97.5))
    return float(low), float(high)


def wilson_interval(right: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share: Wilson (1927). NaN of none."""
    if not count:
        return float("nan"), float("nan")
    z = norm.ppf(0.5 + level / 2)
    share = right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(middle - reach), float(middle + reach)

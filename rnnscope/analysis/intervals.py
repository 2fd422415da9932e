"""How sure a mean or a share is."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm


def resampled(groups: int, seed: int | np.random.Generator, draws: int = 1_000) -> np.ndarray:
    """How often each of some groups is drawn where as many are drawn with replacement, of shape (draw, group).

    The bootstrap of Efron (1979).
    """
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=draws)


def middle(drawn: np.ndarray) -> tuple[float, float]:
    """The ends of the middle 95 % of what the draws gave (percentile bootstrap); NaN of none."""
    known = drawn[~np.isnan(drawn)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def bootstrap_interval(sums: np.ndarray, counts: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95 % interval of a mean over all steps, from the sum and the number of steps of each group of them.

    NaN with fewer than two groups that have a step.
    """
    some = counts > 0
    sums, counts = sums[some], counts[some]
    if len(counts) < 2:
        return float("nan"), float("nan")
    times = resampled(len(counts), seed)
    return middle((times @ sums) / (times @ counts))


def wilson_interval(right: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share: Wilson (1927). NaN of none."""
    if not count:
        return float("nan"), float("nan")
    z = norm.ppf(0.5 + level / 2)
    share = right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(middle - reach), float(middle + reach)

"""What a norm by lag says of how fast gradients fade."""

from __future__ import annotations

import numpy as np


def log_quantiles(norms: np.ndarray) -> np.ndarray:
    """Quartiles and median over targets of log10 of norms of shape (target, lag), of shape (3, lag); -inf for zeros."""
    values = log10(norms)
    with np.errstate(invalid="ignore"):
        found = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    return np.where(np.isnan(found), -np.inf, found)  # between -inf and what is beside it


def half_life(lags: np.ndarray, median: np.ndarray) -> float:
    """Steps beyond lag 1 until the median of log10 is below half of what it is there: see `GradientFlow.summary`."""
    lags, median = lags[lags >= 1], median[lags >= 1]
    if not len(lags) or median[0] == -np.inf:
        return np.nan
    half = median[0] - np.log10(2)
    below = median < half
    if not below.any():
        return np.inf
    after = int(below.argmax())
    before = after - 1
    fall = median[before] - median[after]
    share = (median[before] - half) / fall if np.isfinite(fall) else 0.0
    return float(lags[before] + share * (lags[after] - lags[before]) - lags[0])


def slope(lags: np.ndarray, median: np.ndarray) -> float:
    """Nats per step of the median of log10 over the lags from 1 on, by least squares over those that are finite."""
    used = (lags >= 1) & np.isfinite(median)
    if np.count_nonzero(used) < 2:
        return np.nan
    return float(np.polyfit(lags[used], median[used] * np.log(10), 1)[0])


def first(lags: np.ndarray, holds: np.ndarray) -> float:
    """The first lag at which something holds, NaN if there is none."""
    return float(lags[holds.argmax()]) if holds.any() else np.nan


def log10(norms: np.ndarray) -> np.ndarray:
    """The logarithm, -inf of zero."""
    with np.errstate(divide="ignore"):
        return np.log10(norms)

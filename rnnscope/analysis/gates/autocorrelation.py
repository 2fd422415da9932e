"""How long series stay alike: autocorrelations by the fast Fourier transform, within documents."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

LONGEST = 5_000
"""The largest lag."""

_TOGETHER = 2**22
"""Values that are transformed together."""


def decay_lags(series: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """The first lag at which each autocorrelation is below 1/e.

    Documents are laid one after another with zeros between them, as many as the largest lag, so that no product reaches
    from one to the next. Each lag is the mean over the pairs that there are, divided by the variance.

    Parameters
    ----------
    series : float array of shape (time, unit)
    documents : int array of shape (time,)
        The number of the document of each step, in their order.

    Returns
    -------
    float array of shape (unit,)
        In steps; infinite for one that stays above, NaN for one that is constant.
    """
    _, lengths = np.unique(documents, return_counts=True)
    longest = int(max(1, min(LONGEST, lengths.max() // 2)))
    gaps = np.arange(len(lengths)).repeat(lengths) * longest
    places = np.arange(len(series)) + gaps
    size: Any = next_fast_len(int(places[-1]) + 1 + longest, real=True)
    pairs = np.array([np.maximum(lengths - lag, 0).sum() for lag in range(longest + 1)])
    found = np.empty(series.shape[1])
    width = max(1, _TOGETHER // size)
    for start in range(0, series.shape[1], width):
        own = series[:, start : start + width].T.astype(np.float64)
        laid = np.zeros((len(own), size))
        laid[:, places] = own - own.mean(axis=1, keepdims=True)
        power = np.abs(np.asarray(rfft(laid))) ** 2
        covariance = np.asarray(irfft(power, n=size))[:, : longest + 1] / pairs
        below = covariance < covariance[:, :1] / np.e
        first = np.where(below.any(axis=1), below.argmax(axis=1), np.inf)
        found[start : start + width] = np.where(np.ptp(own, axis=1) > 0, first, np.nan)
    return found

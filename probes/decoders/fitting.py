"""What stands between examples and any estimator: a probe is trained and asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter

from rnnscope.errors import ProbeError


def copy_of(probe: Any) -> Any:
    """An estimator with the same options that is not yet trained.

    Raises
    ------
    ProbeError
        If it is none.
    """
    if isinstance(probe, type) or not isinstance(probe, BaseEstimator):
        raise ProbeError(f"An estimator of scikit-learn was expected, such as LinearProbe(); got {probe!r}.")
    return clone(probe)


def fit_probe(probe: Any, X: Any, y: np.ndarray, groups: np.ndarray) -> Any:
    """Train a probe; it is told of groups if it asks for them, and else is given all values at once."""
    if has_fit_parameter(probe, "groups"):
        return probe.fit(X, y, groups=groups)
    return probe.fit(np.asarray(X), y)


def predict(probe: Any, X: Any, chances: bool = False) -> np.ndarray:
    """What a probe says of each example, or the chances it gives; read all at once for one that knows no groups."""
    X = X if has_fit_parameter(probe, "groups") else np.asarray(X)
    return probe.predict_proba(X) if chances else probe.predict(X)

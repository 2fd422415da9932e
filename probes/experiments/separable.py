"""Probes of few examples, which many units can tell apart without error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning


@contextmanager
def separable() -> Iterator[None]:
    """Where classes can be told apart without error, weights grow on and on: to stop them there changes no answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield

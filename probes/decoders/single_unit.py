"""A threshold on one unit: the classifier of the sentiment neuron."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import batches_of, take_units

from .base import Probe, Values

_HELD = 2**26
"""Values that are sorted while they are in memory, at most."""


class SingleUnitProbe(Probe):
    """A threshold on the one unit that tells two classes apart best (Radford, Jozefowicz & Sutskever, 2017).

    Unit, threshold and direction are those that get most of the examples right; all thresholds of all units are
    tried. Of equal ones the first unit's lowest threshold is taken, halfway between two values.

    Attributes
    ----------
    unit_ : int
        The unit's place among those given.
    threshold_ : float
    sign_ : int
        1 if the second of ``classes_`` lies above the threshold, -1 if it lies below.
    accuracy_ : float
        The share of training examples that are right.
    classes_, n_features_in_
        As of `LinearProbe`.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import SingleUnitProbe
    >>> values = np.array([[0.2, 1.0], [0.1, 3.0], [0.3, 0.8], [0.2, 3.4]])
    >>> probe = SingleUnitProbe().fit(values, ["inside", "outside", "inside", "outside"])
    >>> probe.unit_, probe.sign_, probe.threshold_
    (1, 1, 2.0)
    >>> probe.predict(np.array([[0.9, 2.5]])).tolist()
    ['outside']
    """

    unit_: int
    threshold_: float
    sign_: int
    accuracy_: float

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Values, y: Any, groups: Any = None) -> Self:
        """Train on examples.

        Parameters
        ----------
        X : float array or Activations of shape (example, unit)
        y : array of shape (example,)
            Two classes.
        groups
            As for `SparseProbe.fit`.

        Raises
        ------
        ProbeError
            If there are not just two classes, values that are not finite, or shapes that do not fit each other.
        """
        values, labels = self._training(X, y, groups)
        if len(self.classes_) > 2:
            raise ProbeError(
                "Only binary classification is supported. The type of the target is multiclass, with "
                f"{len(self.classes_)} classes; a LinearProbe and a SparseProbe take more than two."
            )
        width = max(1, _HELD // len(labels))
        best = _Cut(-1, 0, 0.0, 1)
        for first in range(0, values.shape[1], width):
            units = np.arange(first, min(first + width, values.shape[1]))
            block = take_units(values, units)[:]
            for unit, column in zip(units.tolist(), np.ascontiguousarray(block.T, np.float32), strict=True):
                best = max(best, _best_cut(unit, column, labels), key=lambda cut: cut.right)
        _, self.unit_, self.threshold_, self.sign_ = best
        self.accuracy_ = best.right / len(labels)
        return self

    def predict(self, X: Values) -> np.ndarray:
        """The class of each example."""
        values = self._testing(X)
        column = np.concatenate([batch[:, self.unit_] for _, batch in batches_of(values)]).astype(np.float32)
        return self.classes_[((column > self.threshold_) == (self.sign_ > 0)).astype(int)]


class _Cut(NamedTuple):
    """How many examples a threshold gets right, and what it is."""

    right: int
    unit: int
    threshold: float
    sign: int


def _best_cut(unit: int, values: np.ndarray, labels: np.ndarray) -> _Cut:
    """The best threshold on one unit, float32, in one sort of values and labels together."""
    if not np.isfinite(values).all():
        raise ProbeError(f"Finite values were expected; unit {unit} has NaN or inf. Leave such examples or units out.")
    bits = (values + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    ordered = np.sort((np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int64) << 1) | labels)
    ranks = ordered >> 1
    ends = np.append(np.flatnonzero(ranks[1:] != ranks[:-1]), len(ranks) - 1)
    below = np.cumsum(ordered & 1)[ends]  # of the second class
    above_right = ends + 1 - below + below[-1] - below  # the second class lies above
    high, low = int(above_right.argmax()), int(above_right.argmin())
    right_low = len(values) - int(above_right[low])
    place, right, sign = (high, int(above_right[high]), 1) if above_right[high] >= right_low else (low, right_low, -1)
    edges = ranks[ends[place : place + 2]].astype(np.int32)
    middle = np.where(edges < 0, edges ^ 0x7FFFFFFF, edges).astype(np.int32).view(np.float32).astype(np.float64).mean()
    return _Cut(right, unit, float(middle), sign)

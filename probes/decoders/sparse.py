"""A sparse probe: logistic regression on exactly k units."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from rnnscope.arguments import whole
from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes.examples.activations import Activations, batches_of, take_units

from .base import LogisticProbe, Values
from .logistic import Loss, Weights, fit_logistic, log_chances
from .standardised import Scaling, Standardised, scaling_of

_CANDIDATES = 256
"""Units that sets are made of, at most."""

_FINALISTS = 16
"""Sets of one or two units that logistic regression decides between."""

_SAMPLE = 2**15
"""Examples that it decides on, at most."""

_STRENGTH = 1e-4
"""Of the ridge penalty, so that weights are finite where classes can be told apart without error."""

_ALIKE = 1e-4
"""The share of a unit's variance that others leave, below which it brings nothing new."""


class SparseProbe(LogisticProbe):
    """Logistic regression on exactly k units, after Gurnee, Nanda, Pauly, Harvey, Troitskii & Bertsimas (2023).

    The candidates are the 256 units whose class means differ most, in units of their deviation. For one unit and for
    two all sets of candidates are compared; each further unit is the one that adds most to those before it
    (greedy). Sets are compared by the share of the classes' variance that they explain linearly, which needs the
    correlations of the candidates alone; of one unit this is the difference of class means. Between the best 16 sets
    of one or two, the likelihood of a logistic regression decides.

    Parameters
    ----------
    k : int
        Units.
    random_state : int, RandomState or None
        Of the 32,768 examples that decide between the best sets, where there are more.

    Attributes
    ----------
    units_ : int array of shape (k,)
        The places of the units, in the order in which they were chosen.
    curve_ : DataFrame
        For k = 1, 2, 4 and so on up to k: ``k``, the ``units``, and the ``score``, the share of training examples
        that are right. See `curve` for others.
    coef_ : array of shape (1, unit) for two classes, else (class, unit)
        In the units' own scale; 0 for all other units.
    intercept_ : array of shape (1,) or (class,)
    classes_, n_features_in_
        As of `LinearProbe`.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import SparseProbe
    >>> values = np.random.default_rng(0).normal(size=(400, 5))
    >>> labels = np.where(values[:, 1] + values[:, 3] > 0, "yes", "no")
    >>> probe = SparseProbe(k=2).fit(values, labels)
    >>> sorted(probe.units_.tolist())
    [1, 3]
    >>> probe.curve_["score"].round(1).tolist()
    [0.8, 1.0]
    """

    units_: np.ndarray
    curve_: pd.DataFrame

    def __init__(self, k: int = 1, random_state: Any = 0) -> None:
        self.k = k
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # one unit may tell little
        return tags

    def fit(self, X: Values, y: Any, groups: Any = None) -> Self:
        """Train on examples.

        Parameters
        ----------
        X, y
            As for `LinearProbe.fit`.
        groups
            Has no effect: there is nothing to choose by cross-validation.

        Raises
        ------
        ProbeError
            If there are fewer than two classes, values that are not finite, or shapes that do not fit each other.
        ArgumentError
            If k is not from 1 to the number of units.
        """
        values, labels = self._training(X, y, groups)
        if whole(self.k, "k", 1) > values.shape[1]:
            raise ArgumentError(f"k is at most the number of units (n_features = {values.shape[1]}); got {self.k!r}.")
        own = scaling_of(values)
        candidates = _candidates(values, labels, own, max(_CANDIDATES, int(self.k)))
        data = Standardised(take_units(values, candidates), own.of_units(candidates))
        order = check_random_state(self.random_state).permutation(len(labels))[:_SAMPLE]
        sets = _Sets(data, labels, len(self.classes_), np.sort(order)).choose(int(self.k))
        self._steps = [self._step(data, labels, chosen, candidates) for chosen in sets]
        self.units_, weights = self._steps[-1]
        self.coef_, self.intercept_ = weights
        self.curve_ = self.curve(X, y)
        return self

    def curve(self, X: Values, y: Any) -> pd.DataFrame:
        """The share of examples that each number of units gets right, best told of examples held out.

        Parameters
        ----------
        X : float array or Activations of shape (example, unit)
        y : array of shape (example,)

        Returns
        -------
        DataFrame
            As ``curve_``.

        Raises
        ------
        ProbeError
            If the shapes do not fit each other, or values are not finite.
        """
        values = self._testing(X)
        if len(truth := np.asarray(y)) != len(values):
            raise ProbeError(f"One label an example was expected, {len(values):,}; got {len(truth):,}.")
        right = np.zeros(len(self._steps))
        for rows, batch in batches_of(values):
            for place, (units, weights) in enumerate(self._steps):
                few = Weights(weights.coef[:, units], weights.intercept)
                said = self.classes_[log_chances(batch[:, units], few).argmax(axis=1)]
                right[place] += (said == truth[rows]).sum()
        units = [tuple(units.tolist()) for units, _ in self._steps]
        return pd.DataFrame({"k": list(map(len, units)), "units": units, "score": right / len(values)})

    def _step(self, data: Standardised, labels: np.ndarray, chosen: list[int], candidates: np.ndarray) -> _Step:
        """The weights of all units, where some are chosen from the candidates."""
        few = data.of_units(np.array(chosen))
        weights = fit_logistic(few, labels, len(self.classes_), strength=_STRENGTH).rescaled(few.scaling)
        units = candidates[chosen]
        coef = np.zeros((len(weights.intercept), self.n_features_in_))
        coef[:, units] = weights.coef
        return _Step(units, Weights(coef, weights.intercept))


class _Step(NamedTuple):
    units: np.ndarray
    weights: Weights


def _candidates(values: np.ndarray | Activations, labels: np.ndarray, own: Scaling, most: int) -> np.ndarray:
    """The units whose class means differ most, best first."""
    classes = int(labels.max()) + 1
    sums = np.zeros((classes, values.shape[1]))
    for rows, batch in batches_of(values):
        marks = (labels[rows] == np.arange(classes)[:, None]).astype(batch.dtype)
        sums += marks @ (batch - own.mean.astype(batch.dtype))
    counts = np.bincount(labels)[:, None]
    spread = (sums**2 / counts).sum(axis=0) / own.deviation**2
    return np.argsort(-spread, kind="stable")[:most]


class _Sets:
    """Chooses sets of candidates.

    Parameters
    ----------
    data : Standardised
        The candidates.
    labels : int array of shape (example,)
    classes : int
    sample : int array
        The examples that decide between the best sets.
    """

    def __init__(self, data: Standardised, labels: np.ndarray, classes: int, sample: np.ndarray) -> None:
        self._classes, self._few, self._labels = classes, data.take(sample), labels[sample]
        shares = np.bincount(labels, minlength=classes) / len(labels)
        self._between = np.zeros((data.shape[1], data.shape[1]))
        self._with_classes = np.zeros((data.shape[1], classes))
        for rows, batch in data.batches():
            marks = (labels[rows][:, None] == np.arange(classes)).astype(np.float32)
            self._between += batch.T @ batch
            self._with_classes += batch.T @ marks
        self._between /= len(labels)
        self._with_classes /= len(labels) * np.sqrt(shares)

    def choose(self, k: int) -> list[list[int]]:
        """The best sets of 1, 2, 4 and so on up to k candidates."""
        sets = [self._decide([[unit] for unit in range(min(_FINALISTS, len(self._between)))])]
        if k == 1:
            return sets
        ordered = self._ordered(self._decide(self._pairs()), k)
        sizes = sorted({2**power for power in range(1, k.bit_length()) if 2**power < k} | {k})
        return sets + [ordered[:size] for size in sizes]

    def _pairs(self) -> list[list[int]]:
        """The best pairs, by what they explain."""
        alone = (self._with_classes**2).sum(axis=1)
        product = self._between * (self._with_classes @ self._with_classes.T)
        left = 1 - self._between**2
        explained = (alone[:, None] + alone - 2 * product) / np.where(left > _ALIKE, left, np.inf)
        first, second = np.triu_indices(len(explained), 1)
        best = np.argsort(-explained[first, second], kind="stable")[:_FINALISTS]
        return [[int(first[place]), int(second[place])] for place in best]

    def _ordered(self, begun: list[int], k: int) -> list[int]:
        """A set with more candidates, each the one that adds most to what those before it explain."""
        between, with_classes = self._between.copy(), self._with_classes.copy()
        chosen: list[int] = []
        while len(chosen) < k:
            left = between.diagonal()
            gain = (with_classes**2).sum(axis=1) / np.where(left > _ALIKE, left, np.inf)
            gain[chosen] = -1
            unit = begun[len(chosen)] if len(chosen) < len(begun) else int(gain.argmax())
            chosen.append(unit)
            if left[unit] > _ALIKE:
                share = between[:, unit] / left[unit]
                with_classes = with_classes - np.outer(share, with_classes[unit])
                between = between - np.outer(share, between[unit])
        return chosen

    def _decide(self, sets: list[list[int]]) -> list[int]:
        """The set whose logistic regression gives the labels the largest likelihood."""
        return min(sets, key=self._cost)

    def _cost(self, units: list[int]) -> float:
        few = self._few.of_units(np.array(units))
        weights = fit_logistic(few, self._labels, self._classes, strength=_STRENGTH, tolerance=1e-3)
        return Loss(few, self._labels, self._classes)(weights)[0]

"""Logistic regression by passes over batches: memory does not grow with the number of examples.

The loss is the mean of -ln p(label) over the examples; what is added is, with weights w of standardised units,

    ridge   strength / 2 x the sum of w^2
    l1      strength x the sum of |w|

Intercepts are free. Two classes have one row of weights, more have one each (softmax).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from sklearn.exceptions import ConvergenceWarning

from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import Activations

from .standardised import PrincipalAxes, Scaling, Standardised

Penalty = Literal["ridge", "l1"]

PASSES = {"ridge": 500, "l1": 1_000}
"""Steps of the search for the best weights, at most."""


class Weights(NamedTuple):
    """Weights of shape (row, unit) and intercepts of shape (row,): one row for two classes, else one a class."""

    coef: np.ndarray
    intercept: np.ndarray

    def rescaled(self, scaling: Scaling) -> Weights:
        """The weights of units in their own scale, from those of standardised units."""
        coef = self.coef / scaling.deviation
        return Weights(coef, self.intercept - coef @ scaling.mean)


def fit_logistic(
    values: np.ndarray | Activations | Standardised,
    labels: np.ndarray,
    classes: int,
    penalty: Penalty = "ridge",
    strength: float = 1e-3,
    *,
    start: Weights | None = None,
    axes: PrincipalAxes | None = None,
    tolerance: float = 3e-5,
    advance: Callable[[], None] | None = None,
) -> Weights:
    """The weights of standardised units that make the penalised loss smallest.

    L-BFGS-B, for ``"l1"`` over the weights' positive and negative parts (Schmidt, Fung & Rosales, 2007). For
    ``"ridge"``, which does not depend on the axes, it searches along the principal axes of the values, each scaled by
    the curvature that it would have if all labels were as likely as they are on average: ten to twenty passes do, also
    where units go together.

    Parameters
    ----------
    values : float array, Activations or Standardised of shape (example, unit)
    labels : int array of shape (example,)
        From 0 to ``classes`` - 1.
    classes : int
        At least 2.
    penalty : {"ridge", "l1"}
    strength : float
        Against the mean loss of an example; 0 for none.
    start : Weights, optional
        Where the search begins.
    axes : PrincipalAxes, optional
        Of some of the values, if they are known.
    tolerance : float
        The largest slope at which the search ends.
    advance : callable, optional
        Called after each pass.
    """
    data = values if isinstance(values, Standardised) else Standardised(values)
    start = start or zeros(classes, data.shape[1])
    loss = Loss(data, labels, classes, advance)
    if penalty == "l1":
        return _l1(loss, strength, start, tolerance)
    return _ridge(loss, strength, start, axes or data.axes, tolerance)


def zeros(classes: int, units: int) -> Weights:
    """Weights that tell nothing."""
    rows = 1 if classes == 2 else classes
    return Weights(np.zeros((rows, units)), np.zeros(rows))


class Loss:
    """The mean of -ln p(label), and its slope.

    Parameters
    ----------
    data : Standardised
    labels : int array of shape (example,)
    classes : int
    advance : callable, optional
        Called after each pass.
    """

    def __init__(
        self, data: Standardised, labels: np.ndarray, classes: int, advance: Callable[[], None] | None = None
    ) -> None:
        self._data, self._labels, self.classes, self._advance = data, labels, classes, advance
        shares = np.bincount(labels, minlength=classes) / max(1, len(labels))
        self.curvature = max(1e-6, float((shares * (1 - shares)).mean()))

    def __call__(self, weights: Weights) -> tuple[float, Weights]:
        """The loss, and its slope by each weight and intercept."""
        coef, intercept = weights.coef.astype(np.float32), weights.intercept.astype(np.float32)
        total, slope, free = 0.0, np.zeros(weights.coef.shape), np.zeros(len(intercept))
        for rows, batch in self._data.batches():
            costs, errors = _cost(coef @ batch.T + intercept[:, None], self._labels[rows])
            total += float(costs.sum(dtype=np.float64))
            slope += errors @ batch
            free += errors.sum(axis=1, dtype=np.float64)
        if self._advance is not None:
            self._advance()
        count = len(self._labels)
        return total / count, Weights(slope / count, free / count)


def _cost(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-ln p(label) of each example, and its slope by the scores; these are of shape (row, example) and written over."""
    if len(scores) == 1:
        costs = np.logaddexp(0, np.where(labels == 1, -scores[0], scores[0]))
        return costs, expit(scores) - labels.astype(np.float32)
    own = labels, np.arange(len(labels))
    scores -= scores.max(axis=0)
    costs = -scores[own]
    chances = np.exp(scores, out=scores)
    totals = chances.sum(axis=0)
    chances /= totals
    chances[own] -= 1
    return costs + np.log(totals), chances


def scores(values: np.ndarray, weights: Weights) -> np.ndarray:
    """What the weights make of some examples, of shape (example, row).

    Raises
    ------
    ProbeError
        If a value is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        found = values @ weights.coef.T + weights.intercept
    if not np.isfinite(found).all():
        raise ProbeError("Finite values were expected; some have NaN or inf. Leave such examples or units out.")
    return found


def log_chances(values: np.ndarray, weights: Weights) -> np.ndarray:
    """ln p of each class for some examples, of shape (example, class)."""
    found = scores(values, weights)
    if found.shape[1] == 1:
        return -np.logaddexp(0, np.hstack((found, -found)))
    return found - logsumexp(found, axis=1, keepdims=True)


def _ridge(loss: Loss, strength: float, start: Weights, axes: PrincipalAxes, tolerance: float) -> Weights:
    rows, units = start.coef.shape
    sizes = 1 / np.sqrt(loss.curvature * axes.variances + strength + 1e-6)
    lift = 1 / np.sqrt(loss.curvature)
    turned = len(axes.vectors) > 0

    def weights_of(point: np.ndarray) -> Weights:
        coef = point[: rows * units].reshape(rows, units) * sizes
        return Weights(coef @ axes.vectors.T if turned else coef, point[rows * units :] * lift)

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights = weights_of(point)
        value, (slope, free) = loss(weights)
        slope = slope + strength * weights.coef
        along = (slope @ axes.vectors if turned else slope) * sizes
        return value + strength / 2 * float((weights.coef**2).sum()), np.concatenate((along.ravel(), free * lift))

    coef = (start.coef @ axes.vectors if turned else start.coef) / sizes
    first = np.concatenate((coef.ravel(), start.intercept / lift))
    return weights_of(_minimum(objective, first, None, tolerance, PASSES["ridge"]))


def _l1(loss: Loss, strength: float, start: Weights, tolerance: float) -> Weights:
    rows, units = start.coef.shape
    size = rows * units

    def weights_of(point: np.ndarray) -> Weights:
        return Weights((point[:size] - point[size : 2 * size]).reshape(rows, units), point[2 * size :])

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, (slope, free) = loss(weights_of(point))
        both = np.concatenate((slope.ravel() + strength, strength - slope.ravel(), free))
        return value + strength * float(point[: 2 * size].sum()), both

    first = np.concatenate((np.maximum(start.coef, 0).ravel(), np.maximum(-start.coef, 0).ravel(), start.intercept))
    bounds = np.full((len(first), 2), np.inf)
    bounds[: 2 * size, 0], bounds[2 * size :, 0] = 0, -np.inf
    return weights_of(_minimum(objective, first, bounds, tolerance, PASSES["l1"]))


def _minimum(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
    first: np.ndarray,
    bounds: np.ndarray | None,
    tolerance: float,
    most: int,
) -> np.ndarray:
    options = {
        "gtol": tolerance,
        "ftol": 1e-4 * tolerance,
        "maxiter": most,
        "maxfun": 2 * most,
        "maxcor": 20,
        "maxls": 8,
    }
    found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    if found.status == 1:
        warnings.warn(
            f"The weights were not settled after {most} steps; they are close to the best, or the strength is "
            "too small for classes that can be told apart without error.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return found.x

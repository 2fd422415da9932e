"""A linear probe: logistic regression on all units, its strength chosen by grouped cross-validation."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self, get_args

import numpy as np
import pandas as pd
from rich.progress import Progress
from sklearn.utils import check_random_state

from rnnscope.arguments import check_one_of, whole
from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes.examples.splitting import folds
from rnnscope.progress import progress_bar

from .base import LogisticProbe, Values
from .logistic import Loss, Penalty, Weights, fit_logistic, zeros
from .standardised import Standardised

_SAMPLE = 2**23
"""Values of the sample that the strength is chosen on, at most."""

_RARE = 200
"""Examples of each class in the sample, where there are so many."""

_RIDGE = np.geomspace(1.0, 1e-6, 9)
"""Strengths to choose from."""

_L1 = np.geomspace(0.5, 1e-4, 9)
"""Strengths to choose from, as shares of the one from which on all weights are 0."""


_PATH = ["strength", "log_likelihood", "error"]

_ROUGH = 1e-3
"""The slope at which a search ends whose weights are only compared."""

_BETTER = 1e-4
"""By how many nats an example a weaker penalty has to be better."""


class LinearProbe(LogisticProbe):
    """Logistic regression on standardised units, softmax for more than two classes.

    The strength of the penalty is the best of a path by the mean log-likelihood of held-out examples, in
    cross-validation over folds of whole groups. The path begins with the strongest and ends when two in a row are not
    better than the best so far by 0.0001 nats an example. The strength is chosen on a sample of about 2**23 values
    (16,384 examples of 512 units, from all over); the weights are then found on all examples, read batch by batch,
    so that values on a disk may be larger than memory. A ridge takes some ten passes over them, two minutes for a
    million steps of 512 units; l1 takes about a hundred passes.

    Parameters
    ----------
    penalty : {"ridge", "l1"}
        On the weights of standardised units, against the mean loss of an example: strength / 2 times the sum of
        their squares, or strength times the sum of their sizes, which leaves most of them at exactly 0.
    strength : float, optional
        Chosen if not given. In terms of scikit-learn it is 1 / (C n) with n examples.
    folds : int
        Of the cross-validation.
    random_state : int, RandomState or None
        Of the sample and the folds.

    Attributes
    ----------
    coef_ : array of shape (1, unit) for two classes, else (class, unit)
        In the units' own scale.
    intercept_ : array of shape (1,) or (class,)
    strength_ : float
    path_ : DataFrame
        Each ``strength`` that was tried, the mean held-out ``log_likelihood`` of an example in nats (0 is best), and
        its standard error over folds, ``error``; empty where the strength was given.
    classes_ : array of shape (class,)
    n_features_in_ : int
        Units.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import LinearProbe
    >>> labels = np.arange(200) % 2
    >>> values = np.random.default_rng(0).normal(size=(200, 3))
    >>> values[:, 1] += 10 * labels
    >>> probe = LinearProbe().fit(values[:100], labels[:100])
    >>> probe.score(values[100:], labels[100:])
    1.0
    >>> int(np.abs(probe.coef_).argmax())
    1
    """

    strength_: float
    path_: pd.DataFrame

    def __init__(
        self,
        penalty: Penalty = "ridge",
        strength: float | None = None,
        folds: int = 5,
        random_state: Any = 0,
    ) -> None:
        self.penalty: Penalty = penalty
        self.strength = strength
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Values, y: Any, groups: Any = None) -> Self:
        """Train on examples.

        Parameters
        ----------
        X : float array or Activations of shape (example, unit)
        y : array of shape (example,)
            Classes: words or whole numbers.
        groups : array of shape (example,), optional
            What is never divided in cross-validation, such as the document. Without it each example counts as
            independent of the others, which the steps of one text are not.

        Raises
        ------
        ProbeError
            If there are fewer than two classes, fewer groups than folds, values that are not finite, or shapes that
            do not fit each other.
        """
        self._check_options()
        values, labels = self._training(X, y, groups)
        data, classes = Standardised(values), len(self.classes_)
        with progress_bar("passes") as bar:
            if self.strength is None:
                sample = self._sample(labels, data.shape[1])
                some = data if len(sample) == len(labels) else data.take(sample)
                parts = self._folds(sample if groups is None else np.asarray(groups)[sample], labels[sample])
                choice = _Choice(some, labels[sample], classes, self.penalty, bar)
                self.strength_, self.path_, start = choice.best(parts)
                begin: dict[str, Any] = {"start": start, "axes": choice.axes}
            else:
                self.strength_, begin = float(self.strength), {}
                self.path_ = pd.DataFrame(columns=_PATH)
            task = bar.add_task("training the probe", total=None)
            weights = fit_logistic(
                data, labels, classes, self.penalty, self.strength_, **begin, advance=lambda: bar.advance(task)
            )
        self.coef_, self.intercept_ = weights.rescaled(data.scaling)
        return self

    def _check_options(self) -> None:
        check_one_of(self.penalty, "penalty", get_args(Penalty))
        if self.strength is not None and not (isinstance(self.strength, Real) and 0 <= self.strength < np.inf):
            raise ArgumentError(f"The strength is a number of at least 0; got {self.strength!r}.")
        whole(self.folds, "folds", 2)

    def _sample(self, labels: np.ndarray, units: int) -> np.ndarray:
        """Examples to choose the strength on, ascending: some at random, and enough of each class."""
        room = max(_RARE, _SAMPLE // units)
        if len(labels) <= room:
            return np.arange(len(labels))
        order = check_random_state(self.random_state).permutation(len(labels))
        rare = [order[labels[order] == label][:_RARE] for label in range(len(self.classes_))]
        return np.unique(np.concatenate([order[:room], *rare]))

    def _folds(self, groups: np.ndarray, labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Folds whose training part has all classes."""
        seed = int(check_random_state(self.random_state).randint(2**31))
        usable = [
            (training, testing)
            for training, testing in folds(groups, self.folds, seed, labels)
            if len(np.unique(labels[training])) == len(self.classes_)
        ]
        if not usable:
            raise ProbeError(
                f"No fold leaves all {len(self.classes_)} classes to train on, so no strength can be chosen. Give more "
                "groups, or fewer folds, or a strength."
            )
        return usable


class _Choice:
    """Chooses a strength by cross-validation.

    Attributes
    ----------
    axes : PrincipalAxes or None
        Of the examples that it is chosen on, for a ridge.
    """

    def __init__(self, data: Standardised, labels: np.ndarray, classes: int, penalty: Penalty, bar: Progress) -> None:
        self._data, self._labels, self._classes, self._bar = data, labels, classes, bar
        self._penalty: Penalty = penalty
        self.axes = data.axes if penalty == "ridge" else None

    def best(self, parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, pd.DataFrame, Weights]:
        """The best strength, all that were tried, and weights to begin with."""
        strengths = self._strengths()
        task = self._bar.add_task("choosing the strength", total=len(strengths) * len(parts))
        training = [self._data.take(rows) for rows, _ in parts]
        testing = [self._data.take(rows) for _, rows in parts]
        weights = [zeros(self._classes, self._data.shape[1])] * len(parts)
        table: list[tuple[float, float, float]] = []
        best, kept = 0, weights
        for strength in strengths:
            for fold, (rows, _) in enumerate(parts):
                weights[fold] = self._fit(training[fold], self._labels[rows], strength, weights[fold])
                self._bar.advance(task)
            likelihood = [
                -Loss(test, self._labels[rows], self._classes)(own)[0]
                for test, (_, rows), own in zip(testing, parts, weights, strict=True)
            ]
            table.append((float(strength), float(np.mean(likelihood)), _standard_error(likelihood)))
            if table[-1][1] > table[best][1] + _BETTER or len(table) == 1:
                best, kept = len(table) - 1, list(weights)
            if len(table) - 1 - best == 2:
                break
        self._bar.remove_task(task)
        start = Weights(np.mean([own.coef for own in kept], axis=0), np.mean([own.intercept for own in kept], axis=0))
        return table[best][0], pd.DataFrame(table, columns=_PATH), start

    def _fit(self, data: Standardised, labels: np.ndarray, strength: float, start: Weights) -> Weights:
        return fit_logistic(
            data, labels, self._classes, self._penalty, strength, start=start, axes=self.axes, tolerance=_ROUGH
        )

    def _strengths(self) -> np.ndarray:
        """The strengths to try, from the strongest."""
        if self._penalty == "ridge":
            return _RIDGE
        shares = np.bincount(self._labels, minlength=self._classes) / len(self._labels)
        tell = zeros(self._classes, self._data.shape[1])
        free = np.log(shares[1:] / shares[0]) if self._classes == 2 else np.log(shares)
        _, slope = Loss(self._data, self._labels, self._classes)(tell._replace(intercept=free))
        return _L1 * float(np.abs(slope.coef).max())


def _standard_error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")

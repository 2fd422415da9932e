"""What probes share: they are scikit-learn classifiers, and say in words what is wrong with what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import Activations, batches_of

from .logistic import Weights, log_chances, scores

Values = Any
"""A float array, or what scikit-learn makes one of, or Activations; of shape (example, unit)."""


class Probe(ClassifierMixin, BaseEstimator):
    """A classifier that reads arrays and Activations.

    Attributes
    ----------
    classes_ : array of shape (class,)
    n_features_in_ : int
        Units.
    """

    classes_: np.ndarray
    n_features_in_: int

    def _training(self, X: Values, y: Any, groups: Any = None) -> tuple[np.ndarray | Activations, np.ndarray]:
        """Values and labels, as places in `classes_`, of examples that can be trained on."""
        if y is None:
            raise ProbeError(f"A {type(self).__name__} requires y to be passed, but the target y is None.")
        X, y = checked(self, X, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ProbeError(
                f"At least two classes were expected, but there is one class in the {len(codes):,} labels: "
                f"{self.classes_.tolist()[0]!r}. Give examples of another."
            )
        if 2 < len(codes) == len(self.classes_):
            raise ProbeError(
                f"More examples than classes were expected; got {len(codes):,} examples, each with a label of its own. "
                "Give more examples, or cut a number into classes."
            )
        if groups is not None and np.shape(groups) != (len(codes),):
            raise ProbeError(f"One group an example was expected, {len(codes):,}; got shape {np.shape(groups)}.")
        return X, codes

    def _testing(self, X: Values) -> np.ndarray | Activations:
        """Values of as many units as the probe was trained on."""
        check_is_fitted(self)
        return checked(self, X)


class LogisticProbe(Probe):
    """A probe that has weights.

    Attributes
    ----------
    coef_ : array of shape (1, unit) for two classes, else (class, unit)
        In the units' own scale.
    intercept_ : array of shape (1,) or (class,)
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: Values) -> np.ndarray:
        """Scores of shape (example,) for two classes, else (example, class); the larger, the likelier."""
        values = self._testing(X)
        weights = Weights(self.coef_, self.intercept_)
        found = np.concatenate([scores(batch, weights) for _, batch in batches_of(values)])
        return found[:, 0] if len(self.intercept_) == 1 else found

    def predict_log_proba(self, X: Values) -> np.ndarray:
        """ln p of each class, of shape (example, class)."""
        values = self._testing(X)
        weights = Weights(self.coef_, self.intercept_)
        return np.concatenate([log_chances(batch, weights) for _, batch in batches_of(values)])

    def predict_proba(self, X: Values) -> np.ndarray:
        """The probability of each class, of shape (example, class)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Values) -> np.ndarray:
        """The likeliest class of each example."""
        chances = self.predict_log_proba(X)
        return self.classes_[chances.argmax(axis=1)]


def checked(probe: Any, X: Values, y: Any = None) -> Any:
    """Values, with labels if they are given, in the form that probes use; sets ``n_features_in_`` with labels.

    Raises
    ------
    ProbeError
        In the words of scikit-learn, if they have a wrong shape or values that are not finite.
    """
    if not isinstance(X, Activations):
        try:
            with_labels: dict[str, Any] = {"y": y} if y is not None else {"reset": False}
            found = validate_data(probe, X, dtype=(np.float32, np.float64), **with_labels)
            if y is not None:
                check_classification_targets(found[1])
            return found
        except ValueError as error:
            says, _, advice = str(error).partition("\n")
            leave = "Leave such examples or units out." if "contains" in says else advice
            raise ProbeError(f"{says}\n{leave}") from None
    if y is None:
        if X.shape[1] != probe.n_features_in_:
            raise ProbeError(f"Values of {probe.n_features_in_} units were expected; got those of {X.shape[1]}.")
        return X
    y = column_or_1d(y, warn=True)
    if len(y) != len(X) or not len(y) or not X.shape[1]:
        raise ProbeError(f"One label an example was expected; got {len(y):,} labels and values of shape {X.shape}.")
    check_classification_targets(y)
    probe.n_features_in_ = X.shape[1]
    return X, y

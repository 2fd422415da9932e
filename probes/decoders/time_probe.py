"""Whether what is known at one step is known in the same way at another: a probe for each step, tested at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.arguments import whole
from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import Activations
from rnnscope.shown import Shown, card_table
from rnnscope.style import AMOUNTS, new_axes, style
from rnnscope.text import counted

from .base import Probe
from .fitting import copy_of, fit_probe
from .linear import LinearProbe

_MOST_STEPS = 10
"""Steps that fit side by side on a terminal."""


@dataclass(frozen=True, eq=False, repr=False)
class TimeMatrix(Shown):
    """How well the probe of each step does at each other.

    Made by `TimeProbe.matrix`.

    Attributes
    ----------
    table : DataFrame
        The accuracy, from 0 to 1: a row for each step that a probe was trained at, a column for each that it was
        tested at.
    majority : float
        The accuracy of who always says the most frequent class of the training examples.
    """

    table: pd.DataFrame
    majority: float

    @property
    def accuracy(self) -> np.ndarray:
        """Of shape (train step, test step)."""
        return self.table.to_numpy()

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """A heatmap, from the majority baseline to 1; on new axes if none are given."""
        ax = ax or new_axes(height=2.8)
        words = {"label": f"accuracy (majority {self.majority:.2f})"}
        low = min(self.majority, 0.98)
        sns.heatmap(self.table, vmin=low, vmax=1, cmap=AMOUNTS, square=True, ax=ax, cbar_kws=words)
        ax.set(xlabel="tested at step", ylabel="trained at step")
        ax.tick_params(length=0, labelrotation=0)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        own = np.diag(self.accuracy)
        others = self.accuracy[~np.eye(len(own), dtype=bool)]
        yield Text(
            f"Probes of {counted(len(own), 'step')}: accuracy {own.mean():.3f} at their own", style="bold", end=""
        )
        yield Text(f", {others.mean():.3f} at others" if len(others) else "", style="bold", end="")
        yield Text(f", majority {self.majority:.3f}", style="bold")
        shown = np.unique(np.linspace(0, len(own) - 1, min(len(own), _MOST_STEPS)).round().astype(int))
        table = card_table("trained at", *map(str, self.table.columns[shown]))
        for name, row in zip(self.table.index[shown], self.accuracy[np.ix_(shown, shown)], strict=True):
            table.add_row(f"{name}", *(f"{value:.2f}" for value in row))
        yield table


class TimeProbe(Probe):
    """A probe for each step, which can be tested at all others (Giulianelli et al. 2018; Lakretz et al. 2019).

    A probe that does as well at later steps as at its own reads what a network holds in the same units throughout.

    Parameters
    ----------
    probe : estimator, optional
        A `LinearProbe` if not given; a clone of it is trained at each step.
    steps : int
        Steps side by side in each row of a two-dimensional X: first all units of the first step.

    Attributes
    ----------
    probes_ : list of estimators
        One a step, with places in ``classes_`` as labels.
    steps_ : int
    classes_ : array of shape (class,)
    n_features_in_ : int
        Steps times units.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import TimeProbe
    >>> labels = np.arange(200) % 2
    >>> values = np.random.default_rng(0).normal(size=(200, 3, 2))  # example, step, unit
    >>> values[:, 1:, 0] += 10 * labels[:, None]  # known from the second step on
    >>> probe = TimeProbe().fit(values[:100], labels[:100])
    >>> probe.matrix(values[100:], labels[100:]).accuracy[1:, 1:].tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

    def __init__(self, probe: Any = None, steps: int = 1) -> None:
        self.probe = probe
        self.steps = steps

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Train a probe at each step.

        Parameters
        ----------
        X : array of shape (example, step * unit) or (example, step, unit)
            Of the latter shape it says itself how many steps there are.
        y : array of shape (example,)
            One label for all steps of an example.
        groups : int array of shape (example,), optional
            Examples that stay together when the strength is chosen.

        Raises
        ------
        ProbeError
            If a row is not so many steps of equally many units, there are fewer than two classes, or values are not
            finite.
        """
        self.steps_ = X.shape[1] if getattr(X, "ndim", 2) == 3 else self.steps
        X, codes = self._training(_flat(X), y, groups)
        if X.shape[1] % whole(self.steps_, "steps", 1):
            raise ProbeError(
                f"A row has to be steps of equally many units, steps={self.steps_!r} of them; it has {X.shape[1]} "
                "values. Say how many steps there are, or give values of shape (example, step, unit)."
            )
        self._majority = self.classes_[np.bincount(codes).argmax()]
        groups = np.arange(len(codes)) if groups is None else np.asarray(groups)
        probe = LinearProbe() if self.probe is None else self.probe
        self.probes_ = [fit_probe(copy_of(probe), values, codes, groups) for values in self._by_step(X)]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most likely class of each example, of shape (example,)."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The mean chance that the probes, each at its own step, give to each class, of shape (example, class)."""
        values = self._checked(X)
        return np.mean(
            [probe.predict_proba(at) for probe, at in zip(self.probes_, self._by_step(values), strict=True)], axis=0
        )

    def matrix(self, X: Any, y: Any) -> TimeMatrix:
        """The accuracy of each step's probe at each step.

        Parameters
        ----------
        X : array of shape (example, step * unit) or (example, step, unit)
            Examples that the probes were not trained on.
        y : array of shape (example,)

        Raises
        ------
        ProbeError
        """
        y, by_step = np.asarray(y), self._by_step(self._checked(X))
        if y.shape != (len(by_step[0]),):
            raise ProbeError(f"One label for each example was expected, {len(by_step[0])}; got shape {y.shape}.")
        accuracy = [
            [np.mean(self.classes_[probe.predict(values)] == y) for values in by_step] for probe in self.probes_
        ]
        table = pd.DataFrame(accuracy).rename_axis(index="trained at", columns="tested at")
        return TimeMatrix(table, float(np.mean(y == self._majority)))

    def _checked(self, X: Any) -> np.ndarray:
        return np.asarray(self._testing(_flat(X)))

    def _by_step(self, X: np.ndarray) -> list[np.ndarray]:
        """Values of shape (example, unit) of each step."""
        return list(np.ascontiguousarray(X.reshape(len(X), self.steps_, -1).swapaxes(0, 1)))


def _flat(X: Any) -> Any:
    if isinstance(X, Activations):
        return np.asarray(X)
    return X.reshape(len(X), -1) if getattr(X, "ndim", 2) == 3 else X

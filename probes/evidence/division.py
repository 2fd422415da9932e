"""Examples divided once, so that all probes are trained on the same ones and tested on the same others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnscope.analysis.intervals import bootstrap_interval
from rnnscope.errors import ProbeError
from rnnscope.probes.decoders.fitting import copy_of, fit_probe, predict
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.splitting import split_groups


@dataclass(frozen=True, eq=False)
class Division:
    """Examples, and the rows of them to train and to test on."""

    examples: Examples
    train: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, examples: Examples, seed: int) -> Division:
        """Whole groups to train and to test on.

        Raises
        ------
        ProbeError
            If there are fewer than two groups, or only one class to train on, or these are no examples.
        """
        _check(examples)
        found = cls(examples, *split_groups(examples, seed=seed))
        if np.ptp(examples.labels[found.train]) == 0:
            only = examples.classes[examples.labels[found.train[0]]]
            raise ProbeError(
                f"A probe needs two classes or more to be trained on; in the groups to train on, all is {only!r} "
                f"({examples.what}). Give a longer text, or another concept."
            )
        return found

    def with_values(self, other: Examples) -> Division:
        """The same division of the same examples with the values of another network.

        Raises
        ------
        ProbeError
            If the others are not the same examples.
        """
        own = self.examples
        _check(other)
        alike = (other.classes, other.units) == (own.classes, own.units)
        if not alike or not np.array_equal(other.labels, own.labels):
            raise ProbeError(
                "The examples of the untrained network have to be the same as those of the trained one, one by one; "
                f"got {len(other):,} of {other.what}, for {len(own):,} of {own.what}. Let it read the same text, with "
                "the same units and the same seed."
            )
        return Division(other, self.train, self.test)

    def trained(self, probe: Any, labels: np.ndarray | None = None) -> Any:
        """A copy of a probe, trained on the examples to train on, or on other labels of them."""
        part = self.examples.take(self.train)
        return fit_probe(
            copy_of(probe), part.values, part.labels if labels is None else labels[self.train], part.groups
        )

    def accuracy(self, fitted: Any, labels: np.ndarray | None = None) -> float:
        """A probe's accuracy on the examples to test on."""
        labels = self.examples.labels if labels is None else labels
        return float(np.mean(self.predictions(fitted) == labels[self.test]))

    def predictions(self, fitted: Any) -> np.ndarray:
        """What a probe says of the examples to test on."""
        return predict(fitted, self.examples.take(self.test).values)

    @property
    def majority(self) -> float:
        """The accuracy of who always says the most frequent class of the training examples."""
        labels = self.examples.labels
        return float(np.mean(labels[self.test] == np.bincount(labels[self.train]).argmax()))

    @property
    def groups(self) -> int:
        """How many groups there are to test on."""
        return len(np.unique(self.examples.groups[self.test]))

    def interval(self, right: np.ndarray, seed: int) -> tuple[float, float]:
        """The 95 % interval of a share of the examples to test on, by a bootstrap over their groups."""
        places = np.unique(self.examples.groups[self.test], return_inverse=True)[1]
        return bootstrap_interval(np.bincount(places, right), np.bincount(places), seed)


def _check(examples: object) -> None:
    if not isinstance(examples, Examples):
        raise ProbeError(f"Examples were expected, as step_examples gives them; got {type(examples).__name__}.")

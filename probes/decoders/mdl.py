"""How few bits the labels cost who knows the units: minimum description length."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import gammaln
from sklearn.utils import check_random_state

from rnnscope.arguments import whole
from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import take_rows

from .base import Probe, Values
from .fitting import copy_of, fit_probe, predict
from .linear import LinearProbe

_FRACTIONS = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25, 50, 100]) / 100
"""Of the examples: where the blocks of the code end."""

_PARTS = 10
"""Stretches that stand in for groups while there are fewer of these to choose a strength by."""

_COLUMNS = ["order", "seen", "coded", "bits", "probe_bits", "frequency_bits"]


class MDLProbe(Probe):
    """How few bits the labels cost who knows the units: the online code of Voita & Titov (2020).

    Someone who knows the units' values is sent the labels, block after block. The labels of the first block cost
    log2 K bits each, with K classes. Each next block is sent with the chances that a probe gives its labels which was
    trained on all blocks before it, its strength chosen anew. What can be read with ease is learned from few examples,
    and so costs few bits in all; accuracy alone does not tell how hard it was.

    The whole groups of the examples come in a random order. Blocks end where theirs do, at 0.1, 0.2, 0.4, 0.8, 1.6,
    3.2, 6.25, 12.5, 25, 50 and 100 % of the examples; below the size of one group, within it.

    A block's labels are sent with the mean of the chances that the probe gives to them together, and that the
    frequencies of the labels so far do (Krichevsky & Trofimov, 1981). This costs at most one bit a block more than the
    better of the two: labels that the units know nothing of are no dearer than without them, whatever the probe makes
    of them. After n examples each class has a chance of at least 1 / (K (n + 1)), also if it was not among them.

    Parameters
    ----------
    probe : estimator with ``predict_proba``, optional
        A `LinearProbe` if not given.
    limit : int
        Examples to code at most. Of more, some whole groups are drawn at random.
    orders : int
        Random orders of the groups to code in. The bits depend much on which group comes first where there are few:
        the compression of one order may be twice that of another.
    random_state : int, RandomState or None
        Of the orders.

    Attributes
    ----------
    codelength_ : float
        Bits for all labels, the mean over the orders; less is better.
    compression_ : float
        N log2 K bits, which N labels cost who knows nothing, over ``codelength_``. 1 where the units tell nothing
        of balanced labels; more is better.
    compressions_ : array of shape (order,)
        That of each order.
    frequency_compression_ : float
        The same as ``compression_`` of the code by the frequencies alone, which know nothing of the units. Above 1
        where labels are not balanced; what the units tell is how far ``compression_`` is above this.
    table_ : DataFrame
        One row a block of an ``order``: ``seen``, the examples before it; ``coded``, those in it; ``bits``;
        ``probe_bits``, those of the probe alone, NaN where none could be trained; ``frequency_bits``, those of the
        frequencies alone.
    probe_ : estimator
        Trained on all examples that were coded in the first order, with places in ``classes_`` as labels; it predicts.
    classes_ : array of shape (class,)
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import LinearProbe, MDLProbe
    >>> labels = np.arange(200) % 2
    >>> values = np.random.default_rng(0).normal(size=(200, 3))
    >>> values[:, 1] += 10 * labels
    >>> probe = MDLProbe(LinearProbe(strength=0.01))
    >>> round(probe.fit(values, labels).compression_)
    7
    >>> round(probe.fit(values[:, [0, 2]], labels).compression_)  # the units that know nothing
    1
    """

    def __init__(
        self,
        probe: Any = None,
        limit: int = 100_000,
        orders: int = 1,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.probe = probe
        self.limit = limit
        self.orders = orders
        self.random_state = random_state

    def fit(self, X: Values, y: Any, groups: Any = None) -> Self:
        """Code the labels, and train the probe on all of them.

        Parameters
        ----------
        X : ndarray or Activations of shape (example, unit)
        y : array of shape (example,)
        groups : int array of shape (example,), optional
            Examples that stay together, such as those of a document; each is one by itself if not given.

        Raises
        ------
        ProbeError
            If there are fewer than two classes, or values that are not finite.
        """
        for name, least in (("limit", 2), ("orders", 1)):
            whole(getattr(self, name), name, least)
        X, codes = self._training(X, y, groups)
        groups = np.arange(len(codes)) if groups is None else np.asarray(groups)
        rng = check_random_state(self.random_state)
        orders = [_order(groups, self.limit, rng) for _ in range(self.orders)]
        rows = [
            (number, *self._block(X, codes, groups, order, *cut))
            for number, (order, ends) in enumerate(orders)
            for cut in pairwise([0, *_cuts(ends)])
        ]
        self.table_ = pd.DataFrame(rows, columns=_COLUMNS)
        own, *columns = self.table_[["order", "coded", "bits", "frequency_bits"]].to_numpy().T
        coded, bits, known = (np.bincount(own.astype(np.int64), column) for column in columns)
        bare = coded * np.log2(len(self.classes_))
        self.codelength_ = float(bits.mean())
        self.compressions_ = bare / bits
        self.compression_ = float(bare.mean() / bits.mean())
        self.frequency_compression_ = float(bare.mean() / known.mean())
        self.probe_ = self._trained(X, codes, groups, orders[0][0])
        return self

    def predict(self, X: Values) -> np.ndarray:
        """The classes, of shape (example,)."""
        X = self._testing(X)
        return self.classes_[predict(self.probe_, X)]

    def predict_proba(self, X: Values) -> np.ndarray:
        """Their chances, of shape (example, class)."""
        X = self._testing(X)
        return predict(self.probe_, X, chances=True)

    def _block(
        self, X: Values, codes: np.ndarray, groups: np.ndarray, order: np.ndarray, seen: int, stop: int
    ) -> tuple[int, int, float, float, float]:
        """A row of the table."""
        count, size = len(self.classes_), stop - seen
        before, block = order[:seen], np.sort(order[seen:stop])
        told = np.bincount(codes[before], minlength=count), np.bincount(codes[block], minlength=count)
        frequency = _frequency_bits(*told)
        if seen == 0:
            return seen, size, size * np.log2(count), np.nan, frequency
        probe = self._early(X, codes, groups, before)
        if probe is None:
            return seen, size, frequency, np.nan, frequency
        chances = np.zeros((size, count))
        chances[:, probe.classes_] = predict(probe, take_rows(X, block), chances=True)
        own = (chances[np.arange(size), codes[block]] * seen + 1 / count) / (seen + 1)
        bits = -np.log2(own).sum()
        return seen, size, 1 - np.logaddexp2(-bits, -frequency), bits, frequency

    def _early(self, X: Values, codes: np.ndarray, groups: np.ndarray, rows: np.ndarray) -> Any:
        """A probe, or None if there are too few examples for one."""
        if np.ptp(codes[rows]) == 0:
            return None
        try:
            return self._trained(X, codes, groups, rows)
        except ProbeError:
            return None

    def _trained(self, X: Values, codes: np.ndarray, groups: np.ndarray, rows: np.ndarray) -> Any:
        rows = np.sort(rows)
        own = groups[rows]
        if len(np.unique(own)) < _PARTS:
            own = np.arange(len(rows)) * _PARTS // len(rows)
        probe = LinearProbe() if self.probe is None else copy_of(self.probe)
        return fit_probe(probe, take_rows(X, rows), codes[rows], own)


def _order(groups: np.ndarray, limit: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Rows with the groups in a random order, up to a limit, and where each group ends among them."""
    names, places = np.unique(groups, return_inverse=True)
    places = rng.permutation(len(names))[places]
    ends = np.cumsum(np.bincount(places))
    ends = ends[: max(1, np.searchsorted(ends, limit, side="right"))].clip(max=limit)
    return np.argsort(places, kind="stable")[: ends[-1]], ends


def _cuts(ends: np.ndarray) -> list[int]:
    """Where the blocks end: at the end of a group, or before the first one's end within it."""
    wanted = np.round(_FRACTIONS * ends[-1]).astype(np.int64)
    nearest = ends[np.abs(ends[:, None] - wanted).argmin(axis=0)]
    cuts = np.where(wanted < ends[0], wanted, nearest)
    return np.unique(cuts[cuts > 0]).tolist()


def _frequency_bits(before: np.ndarray, block: np.ndarray) -> float:
    """What a block of labels costs by the frequencies so far, from the counts of each class before it and in it."""

    def log_chance(counts: np.ndarray) -> float:
        return gammaln(counts + 0.5).sum() - gammaln(counts.sum() + len(counts) / 2)

    return float((log_chance(before) - log_chance(before + block)) / np.log(2))

"""Correlations of the units of two signals, gathered a block of time at a time."""

from __future__ import annotations

import numpy as np

from rnnscope.errors import TraceError

EARLY = 10_000
"""Steps whose values are kept: the first ones."""

_FEWEST = 20
"""Steps that a correlation needs."""


class Correlations:
    """Sums over the steps of two signals, of values less those of the first step, from which correlations follow.

    Attributes
    ----------
    count : int
        Steps.
    early : list of float32 arrays of shape (time, unit)
        The first values of both.
    """

    def __init__(self, first: int, second: int) -> None:
        self.count = 0
        self._origin = [np.zeros(first), np.zeros(second)]
        self._sums = [np.zeros(first), np.zeros(second)]
        self._squares = [np.zeros(first), np.zeros(second)]
        self._low, self._high = ([np.full(size, end) for size in (first, second)] for end in (np.inf, -np.inf))
        self._finite = [np.ones(first, dtype=bool), np.ones(second, dtype=bool)]
        self._products = np.zeros((first, second))
        self._early: list[list[np.ndarray]] = [[], []]

    def add(self, *values: np.ndarray) -> None:
        if not len(values[0]):
            return
        if not self.count:
            self._origin = [np.nan_to_num(part[0], posinf=0, neginf=0) for part in values]
        known = [self._known(which, part) for which, part in enumerate(values)]
        self._products += known[0].T @ known[1]
        self.count += len(values[0])

    def _known(self, which: int, values: np.ndarray) -> np.ndarray:
        """The values of one signal less those of the first step, 0 where they are not finite; and add them up."""
        finite = np.isfinite(values)
        self._finite[which] = self._finite[which] & finite.all(axis=0)
        values = np.where(finite, values, self._origin[which])
        self._low[which] = np.minimum(self._low[which], values.min(axis=0))
        self._high[which] = np.maximum(self._high[which], values.max(axis=0))
        room = EARLY - sum(map(len, self._early[which]))
        self._early[which].append(values[: max(0, room)].astype(np.float32))
        values = values - self._origin[which]
        self._sums[which] += values.sum(axis=0)
        self._squares[which] += (values**2).sum(axis=0)
        return values

    @property
    def early(self) -> list[np.ndarray]:
        return [np.concatenate(parts) for parts in self._early]

    def check(self, first: str, second: str) -> None:
        """Refuse too few steps of two signals, by their addresses."""
        if self.count < _FEWEST:
            raise TraceError(
                f"At least {_FEWEST} steps that {first} and {second} both take are needed; there are "
                f"{self.count}. Trace a longer text, or name signals of layers that read the same steps."
            )

    def means(self, which: int) -> np.ndarray:
        return self._origin[which] + self._sums[which] / self.count

    def deviations(self, which: int) -> np.ndarray:
        """Standard deviations; NaN of what never changes or is not finite."""
        squares = self._squares[which] / self.count - (self._sums[which] / self.count) ** 2
        varies = self._finite[which] & (self._low[which] < self._high[which]) & (squares > 0)
        return np.sqrt(np.where(varies, squares, np.nan))

    @property
    def correlation(self) -> np.ndarray:
        """Of shape (first unit, second unit), NaN for a unit that never changes."""
        means = [sums / self.count for sums in self._sums]
        covariance = self._products / self.count - np.outer(*means)
        return np.clip(covariance / np.outer(self.deviations(0), self.deviations(1)), -1, 1)

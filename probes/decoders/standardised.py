"""The values of units with mean 0 and deviation 1, in memory if they are few, else read again at each pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import linalg

from rnnscope.errors import ProbeError
from rnnscope.probes.examples.activations import Activations, batches_of

_HELD = 2**27
"""Values that are held in memory, at most: half a gigabyte."""

_BASIS = 2**14
"""Examples that the axes of the values are found from, at most."""

_WIDEST = 2**11
"""Units of which axes are found, at most; the time grows with the third power of their number."""


class Scaling(NamedTuple):
    """Mean and standard deviation of each unit, float64; the deviation is 1 where a unit is constant."""

    mean: np.ndarray
    deviation: np.ndarray

    def of_units(self, places: np.ndarray) -> Scaling:
        """That of some of the units."""
        return Scaling(self.mean[places], self.deviation[places])


class PrincipalAxes(NamedTuple):
    """Of standardised values: the axes as columns, and the variance along each."""

    vectors: np.ndarray
    variances: np.ndarray


def scaling_of(values: np.ndarray | Activations) -> Scaling:
    """Mean and standard deviation of each unit, in one pass.

    Raises
    ------
    ProbeError
        If a value is NaN or infinite.
    """
    count, mean, squares = 0, np.zeros(values.shape[1]), np.zeros(values.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        for _, batch in batches_of(values):
            own = batch.mean(axis=0, dtype=np.float64)
            spread = np.square(batch - own.astype(batch.dtype)).sum(axis=0, dtype=np.float64)
            both = count + len(batch)
            squares += spread + (own - mean) ** 2 * count * len(batch) / both
            mean += (own - mean) * len(batch) / both
            count = both
    if not (np.isfinite(mean).all() and np.isfinite(squares).all()):
        unit = int(np.flatnonzero(~np.isfinite(mean + squares))[0])
        raise ProbeError(f"Finite values were expected; unit {unit} has NaN or inf. Leave such examples or units out.")
    deviation = np.sqrt(squares / count)
    constant = deviation <= 1e-7 * np.abs(mean)  # as small as the rounding of a float32
    return Scaling(mean, np.where(constant | (deviation == 0), 1.0, deviation))


class Standardised:
    """Examples with mean 0 and deviation 1 of each unit, float32.

    Parameters
    ----------
    values : float array or Activations of shape (example, unit)
    scaling : Scaling, optional
        That of the values, if not given.
    """

    def __init__(self, values: np.ndarray | Activations, scaling: Scaling | None = None) -> None:
        self.scaling = scaling_of(values) if scaling is None else scaling
        self.shape: tuple[int, int] = (int(values.shape[0]), int(values.shape[1]))
        self._values, self._held = values, None
        if self.shape[0] * self.shape[1] <= _HELD:
            self._held = np.empty(self.shape, np.float32)
            for rows, batch in self._read():
                self._held[rows] = batch

    def batches(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All examples in their order: which they are, and their values."""
        return self._read() if self._held is None else batches_of(self._held)

    def take(self, rows: np.ndarray) -> Standardised:
        """Some of the examples, in memory; standardised as all of them are."""
        return self._of(self._rows(rows), self.scaling)

    def of_units(self, places: np.ndarray) -> Standardised:
        """Some of the units, in memory; standardised as they are."""
        held = np.empty((self.shape[0], len(places)), np.float32)
        for rows, batch in self.batches():
            held[rows] = batch[:, places]
        return self._of(held, self.scaling.of_units(places))

    @cached_property
    def axes(self) -> PrincipalAxes:
        """The principal axes of some examples from all over; those of the units where there are too many of these."""
        units = self.shape[1]
        if units > _WIDEST:
            return PrincipalAxes(np.eye(0, dtype=np.float32), np.ones(units))
        some = self._rows(np.unique(np.linspace(0, self.shape[0] - 1, _BASIS).astype(np.int64)))
        variances, vectors = linalg.eigh((some.T @ some).astype(np.float64) / len(some))
        return PrincipalAxes(vectors.astype(np.float32), np.maximum(variances, 0.0))

    @classmethod
    def _of(cls, held: np.ndarray, scaling: Scaling) -> Standardised:
        """Values in memory that are standardised already."""
        made = cls.__new__(cls)
        made.scaling, made.shape, made._values, made._held = scaling, (len(held), held.shape[1]), held, held
        return made

    def _rows(self, rows: np.ndarray) -> np.ndarray:
        return self._scale(self._values[rows]) if self._held is None else self._held[rows]

    def _read(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows, batch in batches_of(self._values):
            yield rows, self._scale(batch)

    def _scale(self, batch: np.ndarray) -> np.ndarray:
        scaled = batch - self.scaling.mean.astype(batch.dtype)
        scaled /= self.scaling.deviation.astype(batch.dtype)
        return scaled.astype(np.float32, copy=False)

"""The values of units at chosen steps, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnscope.errors import ProbeError
from rnnscope.text import counted

_BATCH = 2**22
"""Values of a batch, unless the user says how many rows it has."""

_BLOCK = 2**13
"""Steps that are read from a disk at once, at most."""


class Columns(NamedTuple):
    """Units of one signal.

    Attributes
    ----------
    array : array or xarray.Variable of shape (time, unit)
        The whole signal, in memory or on a disk.
    places : int array
        The units of it.
    """

    array: Any
    places: np.ndarray


class Activations:
    """The values of units at chosen steps, float32, of shape (example, unit).

    Nothing is read before it is asked for, by ``activations[rows]``, by `batches`, or by ``np.asarray``, which reads
    all. Behaves as an array where scikit-learn needs one.

    Parameters
    ----------
    columns : sequence of Columns
        Signals and their units, side by side; all of as many steps.
    steps : int array of shape (example,)
        The step of each example.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import concepts, step_examples
    >>> shipped = rnnscope.trained.path("prose-lstm")
    >>> found = step_examples(rnnscope.load(shipped), shipped.with_name("demo.txt"), *concepts.named("quotes"))
    >>> activations = found.values
    >>> activations
    <Activations of 256 units at 1,777 steps>
    >>> activations[:10].shape
    (10, 256)
    """

    ndim, dtype = 2, np.dtype(np.float32)

    def __init__(self, columns: Sequence[Columns], steps: np.ndarray) -> None:
        self._columns, self.steps = tuple(columns), np.asarray(steps, np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """Examples and units."""
        return len(self.steps), sum(len(columns.places) for columns in self._columns)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """The values of some examples, of shape (example, unit)."""
        steps = self.steps[rows]
        if steps.ndim != 1:
            raise ProbeError(f"Examples are asked for by a slice or an array of places; got {rows!r}.")
        values = np.empty((len(steps), self.shape[1]), np.float32)
        done = 0
        for array, places in self._columns:
            _read(array, places, steps, values[:, done : done + len(places)])
            done += len(places)
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("The values are read when they are asked for; there is no array to share.")
        return self[:].astype(dtype or np.float32, copy=False)

    def take(self, rows: slice | np.ndarray) -> Activations:
        """Some of the examples, not yet read."""
        return Activations(self._columns, self.steps[rows])

    def of_units(self, places: Sequence[int] | np.ndarray) -> Activations:
        """Some of the units, by their places, not yet read."""
        places, chosen, done = np.asarray(places, np.int64), [], 0
        owners = np.repeat(np.arange(len(self._columns)), [len(own.places) for own in self._columns])[places]
        starts = np.cumsum([0, *(len(own.places) for own in self._columns)])
        for first in np.flatnonzero(np.diff(owners, prepend=-1)):
            stop = next(iter(np.flatnonzero(owners[first:] != owners[first])), len(owners) - first)
            owner = owners[first]
            own = places[first : first + stop] - starts[owner]
            chosen.append(Columns(self._columns[owner].array, self._columns[owner].places[own]))
            done += stop
        return Activations(chosen, self.steps)

    def batches(self, size: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """All examples in their order, so many at a time: which they are, and their values."""
        return batches_of(self, size)

    def __repr__(self) -> str:
        return f"<Activations of {counted(self.shape[1], 'unit')} at {counted(len(self), 'step')}>"


def batches_of(values: np.ndarray | Activations, size: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """All examples in their order, so many at a time: which they are, and their values, of shape (example, unit)."""
    step = size or max(1, _BATCH // max(1, values.shape[1]))
    for start in range(0, values.shape[0], step):
        rows = slice(start, min(start + step, values.shape[0]))
        yield rows, values[rows]


def take_rows(values: Any, rows: slice | np.ndarray) -> Any:
    """The values of some examples; those of `Activations` are read when they are asked for."""
    return values.take(rows) if isinstance(values, Activations) else values[rows]


def take_units(values: np.ndarray | Activations, places: np.ndarray) -> np.ndarray | Activations:
    """The values of some units, by their places; those of `Activations` are read when they are asked for."""
    return values.of_units(places) if isinstance(values, Activations) else values[:, places]


def _read(array: Any, places: np.ndarray, steps: np.ndarray, out: np.ndarray) -> None:
    """The values of units at some steps, in any order; each part of a disk is read once."""
    chosen = slice(None) if np.array_equal(places, np.arange(array.shape[1])) else places
    if isinstance(array, np.ndarray):
        out[:] = array[steps] if isinstance(chosen, slice) else array[steps[:, None], chosen]
        return
    order = np.argsort(steps, kind="stable") if (np.diff(steps) < 0).any() else np.arange(len(steps))
    ordered = steps[order]
    first = 0
    while first < len(ordered):
        stop = int(np.searchsorted(ordered, ordered[first] + _BLOCK))
        begin, end = int(ordered[first]), int(ordered[stop - 1]) + 1
        out[order[first:stop]] = array[begin:end].values[ordered[first:stop] - begin][:, chosen]
        first = stop

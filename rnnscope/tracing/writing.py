"""The arrays of a trace in a zarr store, filled from their start as the reading goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from rnnscope.errors import RecordingError
from rnnscope.recording.address import Address
from rnnscope.recording.recorded import by_node, unit_axes

from .readers.reader import room

_WHOLE: Any = {"write_empty_chunks": True}
"""Chunks of zeros are written too, so that one that is missing shows."""

_CHECKED = (Crc32cCodec(),)
"""Of signals: the low bits of a state are noise, so that packing gains little and costs most of the time."""

_PACKED = (ZstdCodec(), *_CHECKED)

_MOMENT: Any = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"}
"""How xarray is told that whole numbers are moments."""


@dataclass(frozen=True)
class Layout:
    """Which arrays a trace has, and how large they are.

    Attributes
    ----------
    steps : int
    root : dict of name to (type, shape of one step's value)
    units : dict of Address to tuple of int
        The units kept of each signal.
    dtype : str
        Of the signals.
    """

    steps: int
    root: dict[str, tuple[np.dtype, tuple[int, ...]]]
    units: dict[Address, tuple[int, ...]]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes when written uncompressed."""
        signals = sum(map(len, self.units.values())) * np.dtype(self.dtype).itemsize
        return self.steps * (signals + sum(dtype.itemsize * int(np.prod(tail)) for dtype, tail in self.root.values()))

    @property
    def rows(self) -> int:
        """Steps a chunk of the arrays."""
        return min(room(max(map(len, self.units.values()))), self.steps)


class Column:
    """An array that is filled from its start, in whole chunks."""

    def __init__(self, array: zarr.Array) -> None:
        self._array = array
        self._filled = self._waiting = 0
        self._parts: list[np.ndarray] = []

    def append(self, values: np.ndarray) -> None:
        """Take in the next steps, of shape (time, ...)."""
        self._parts.append(values)
        self._waiting += len(values)
        if self._waiting >= self._array.chunks[0]:
            self._write(self._waiting - self._waiting % self._array.chunks[0])

    def close(self) -> None:
        """Write what is left."""
        if self._waiting:
            self._write(self._waiting)

    def _write(self, steps: int) -> None:
        values = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)
        self._array[self._filled : self._filled + steps] = values[:steps]
        self._filled, self._waiting = self._filled + steps, self._waiting - steps
        self._parts = [values[steps:].copy()] if self._waiting else []  # a view would keep the whole in memory


class Writer:
    """Fills a store with a trace.

    Parameters
    ----------
    store
        What zarr can write to.
    layout : Layout
    attributes : dict
        Of the root.
    """

    def __init__(self, store: Any, layout: Layout, attributes: dict[str, Any]) -> None:
        self._store, self._layout = store, layout
        dated = {"coordinates": "date"} if "date" in layout.root else {}  # xarray's word for what is no variable
        self._root = zarr.create_group(store, attributes={**attributes, **dated})
        self._columns = {name: self._create(name, *shape) for name, shape in layout.root.items()}
        self._signals: dict[Address, Column] = {}
        for node, addresses in by_node(layout.units).items():
            self._create_node(self._root.create_group(node.replace(".", "/")), addresses)

    def append(self, columns: dict[str, np.ndarray], signals: Callable[[Address], np.ndarray]) -> None:
        """Take in the next steps: the root's columns, and the units kept of each signal, of shape (time, unit)."""
        for name, values in columns.items():
            self._columns[name].append(values.astype(self._layout.root[name][0], copy=False))
        for address, column in self._signals.items():
            column.append(narrow(signals(address), self._layout.dtype, address))

    def close(self, attributes: dict[str, Any]) -> None:
        """Write what is left, and what is known only now."""
        for column in (*self._columns.values(), *self._signals.values()):
            column.close()
        self._root.attrs.update(attributes)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
            zarr.consolidate_metadata(self._store)

    def _create(self, name: str, dtype: np.dtype, tail: tuple[int, ...]) -> Column:
        array = self._root.create_array(
            name,
            shape=(self._layout.steps, *tail),
            chunks=(self._layout.rows, *tail),
            dtype=dtype,
            dimension_names=["time", "rank"][: 1 + len(tail)],
            attributes=_MOMENT if name == "date" else None,
            config=_WHOLE,
            compressors=_PACKED,
        )
        return Column(array)

    def _create_node(self, group: zarr.Group, addresses: Sequence[Address]) -> None:
        layout = self._layout
        axes = unit_axes({address: len(layout.units[address]) for address in addresses})
        for axis, address in {axis: address for address, axis in axes.items()}.items():
            units = np.asarray(layout.units[address], dtype="int32")
            index = group.create_array(axis, shape=units.shape, dtype="int32", dimension_names=[axis], config=_WHOLE)
            index[:] = units
        for address in addresses:
            width = len(layout.units[address])
            array = group.create_array(
                address.signal,
                shape=(layout.steps, width),
                chunks=(layout.rows, width),
                dtype=layout.dtype,
                dimension_names=["time", axes[address]],
                config=_WHOLE,
                compressors=_CHECKED,
            )
            self._signals[address] = Column(array)


def narrow(values: np.ndarray, dtype: str, address: Address) -> np.ndarray:
    """Values in the type of the trace, none of them lost to infinity.

    Raises
    ------
    RecordingError
    """
    largest = np.finfo(np.float16).max
    if dtype == "float16" and not np.nanmax(np.abs(values), initial=0) <= largest:
        raise RecordingError(f"{address} goes beyond {largest:,.0f}, the largest float16. Use --dtype float32.")
    return values.astype(dtype, copy=False)

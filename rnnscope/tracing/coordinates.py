"""Coordinates along directions of what a trace has kept, computed slice by slice when they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from rnnscope.errors import RecordingError
from rnnscope.recording.address import Address, find
from rnnscope.recording.directions import Directions


class _Coordinates(BackendArray):
    """An array of shape (time, direction), from a signal of shape (time, unit)."""

    def __init__(self, signal: xr.Variable, directions: Directions) -> None:
        self._signal, self._mean = signal, directions.mean.astype(np.float32)
        self._weights = (directions.vectors / directions.scale).astype(np.float32)
        self.shape, self.dtype = (len(signal), len(directions)), np.dtype(np.float32)

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, Any]) -> np.ndarray:
        steps, chosen = key
        return (self._signal[steps].values.astype(np.float32) - self._mean) @ self._weights[chosen].T


def with_coordinates(tree: xr.DataTree, directions: Directions) -> xr.DataTree:
    """A trace's tree with one more signal.

    Raises
    ------
    AddressError, RecordingError
        If the trace does not hold the signal of the directions, or only some of its units, or one of their name.
    """
    known = [Address.parse(text) for text in tree.attrs["signals"]]
    base, address = find(directions.signal, known), directions.address
    if address in known:
        raise RecordingError(f"There is a signal {address} already. Give the directions another name.")
    node = base.node.replace(".", "/")
    signal = tree[node].dataset[base.signal].variable
    held = tree[node].dataset[signal.dims[-1]].values
    if not np.array_equal(held, np.arange(len(directions.mean))):
        raise RecordingError(
            f"{address.signal} has directions of {len(directions.mean)} units, and the trace holds {len(held)} of "
            f"{base}. Make directions of this trace's own, with all units."
        )
    axis, seen = f"unit_{address.signal}", tree.copy()
    coordinates = (("time", axis), LazilyIndexedArray(_Coordinates(signal, directions)))
    layer: Any = seen[node]
    added = {axis: np.arange(len(directions)), address.signal: coordinates}
    layer.dataset = layer.to_dataset(inherit=False).assign(added).set_coords(axis)
    place = 1 + max(number for number, other in enumerate(known) if other.node == address.node)
    seen.attrs["signals"] = [*map(str, known[:place]), str(address), *map(str, known[place:])]
    return seen

"""Arrays of a trace on disk, which say so where they turn out to be damaged when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from rnnscope.errors import TraceError


class _OnDisk(BackendArray):
    """An array of a zarr store that raises a TraceError where zarr has many errors of its own."""

    def __init__(self, array: Any, path: Path) -> None:
        self._array, self._path = array, path
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: Any) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        try:
            return np.asarray(self._array.oindex[key])
        except Exception as error:  # of zarr, its codecs and the file system
            raise damaged(self._path) from error


def damaged(path: Path) -> TraceError:
    """What is to be said of a trace that cannot be read."""
    return TraceError(f"{path} is damaged: parts of it are missing or unreadable. Trace the text again.")


def open_tree(path: Path) -> xr.DataTree:
    """A trace on disk as a tree whose arrays are read when they are used."""
    store = zarr.open_group(str(path), mode="r")
    tree = xr.open_datatree(str(path), engine="zarr", chunks=None)
    for node in tree.subtree:
        dataset = node.to_dataset(inherit=False)
        arrays = {name: store[f"{node.path}/{name}"] for name in dataset.data_vars}
        kept = {name: (dataset[name].dims, LazilyIndexedArray(_OnDisk(array, path))) for name, array in arrays.items()}
        node.dataset = dataset.assign(kept).assign_coords({name: dataset[name].load() for name in dataset.coords})
    return tree

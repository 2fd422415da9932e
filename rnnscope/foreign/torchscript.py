"""TorchScript archives as plain data: attributes and weights are read, the code beside them is not.

``torch.jit.load`` would build a program from the archive, and ``torch.load(weights_only=True)`` refuses it.
The attributes of its modules are a pickle, ``data.pkl``, which an unpickler that knows six names can read.
"""

from __future__ import annotations

import math
import pickle
import sys
import zipfile
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from rnnscope.errors import CheckpointError

_STORAGES = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}

_MOST = 10_000
"""Attributes that are read; a network of the kind looked for has a few dozen."""


def read_archive(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The attributes of a TorchScript archive, by dotted name: tensors, numbers, strings, lists, dicts.

    Raises
    ------
    CheckpointError
        If the weights are not among the attributes.
    pickle.UnpicklingError
        If the pickle asks for anything else than data.
    """
    data = next(name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1)
    records = _Records(archive, data.removesuffix("data.pkl"))
    with archive.open(_stored(archive, data)) as file:
        root = _Unpickler(file).load()
    if not isinstance(root, _Module):
        raise pickle.UnpicklingError("no module")
    attributes = _flat(root, records)
    if not any(isinstance(value, Tensor) for value in attributes.values()):
        raise CheckpointError(
            f"{archive.filename} is TorchScript without weights among its attributes, as torch.jit.freeze leaves it. "
            "Import the file from before it was frozen, or the state_dict."
        )
    return attributes


class _Module:
    """Any class of the archive: a holder of attributes."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise pickle.UnpicklingError("a module without attributes")
        self.attributes = state


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    key: str


@dataclass(frozen=True)
class _TensorRecord:
    """What the pickle says of a tensor, not believed before `_Records.tensor`."""

    storage: Any
    offset: Any
    size: Any
    stride: Any


class _Allowed:
    """Something that the pickle may call."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError("a function with attributes")


def _tensor_record(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> _TensorRecord:
    return _TensorRecord(storage, offset, size, stride)


def _as_it_is(value: Any, *rest: Any) -> Any:
    return value


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue, reportUntypedBaseClass]
    """Written in Python: the memo of the one in C can be made to fill the memory."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return type(name, (_Module,), {})
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor_record,
            ("collections", "OrderedDict"): OrderedDict,
            ("torch.jit._pickle", "restore_type_tag"): _as_it_is,
            ("torch.jit._pickle", "build_intlist"): _as_it_is,
            ("torch.jit._pickle", "build_doublelist"): _as_it_is,
            ("torch.jit._pickle", "build_boollist"): _as_it_is,
            ("torch.jit._pickle", "build_tensorlist"): _as_it_is,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no data")
        return _Allowed(known[module, name])

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, _ = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError("no storage")
        return _Storage(dtype, key)


class _Records:
    """The bytes of the tensors."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self.archive = archive
        self.folder = folder
        self.values: dict[_Storage, Tensor] = {}
        order = f"{folder}byteorder"
        if order in archive.namelist() and archive.read(_stored(archive, order)).decode() != sys.byteorder:
            raise CheckpointError(
                f"{archive.filename} was written on a machine with another byte order. Save its state_dict there."
            )

    def tensor(self, record: _TensorRecord) -> Tensor:
        """A tensor that lies within its bytes, whatever the pickle says."""
        if not isinstance(record.storage, _Storage):
            raise ValueError("no storage")
        values = self._storage(record.storage)
        size, stride = _whole_numbers(record.size), _whole_numbers(record.stride)
        (offset,) = _whole_numbers((record.offset,))
        if not math.prod(size):
            return values.new_empty(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if math.prod(size) > len(values) or last >= len(values):
            raise ValueError("a tensor beyond its bytes")
        return values.as_strided(size, stride, offset)

    def _storage(self, storage: _Storage) -> Tensor:
        if storage not in self.values:
            data = self.archive.read(_stored(self.archive, f"{self.folder}data/{storage.key}"))
            self.values[storage] = torch.frombuffer(bytearray(data or b"\0" * 8), dtype=storage.dtype)
        return self.values[storage]


def _stored(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """A record that is not compressed: PyTorch does not compress, and what unpacks may be huge."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("compressed data")
    return info


def _whole_numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError("no sizes")
    return values


def _flat(root: _Module, records: _Records) -> dict[str, Any]:
    """The attributes of all modules by dotted name; the modules may be shared, or lie in a circle."""
    found: dict[str, Any] = {}
    waiting = deque([("", root)])
    while waiting:
        prefix, module = waiting.popleft()
        for name, value in module.attributes.items():
            if isinstance(value, _Module):
                waiting.append((f"{prefix}{name}.", value))
            else:
                found[prefix + name] = records.tensor(value) if isinstance(value, _TensorRecord) else value
            if len(found) + len(waiting) + prefix.count(".") > _MOST:
                raise ValueError("more attributes than any network has")
    return found

"""The values of units at some steps of a text, later from a trace, or at once from a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rich.filesize import decimal
from torch import nn

from rnnscope.errors import AddressError, ProbeError
from rnnscope.progress import interruption, progress_bar
from rnnscope.recording.address import Address, Units, check_unit, find, listed
from rnnscope.recording.layers import memories
from rnnscope.recording.recorder import record
from rnnscope.tracing.passages import Source, Span
from rnnscope.tracing.trace import Trace

from .activations import Activations, Columns

_BLOCK = 2**13
"""Steps that are looked at at once, to see whether a layer takes them."""

Wanted = dict[Address, list[int] | None]
"""The units of each signal that are asked for; None for all of them."""


class Read(NamedTuple):
    """Values at some steps, the units, and at which of the steps all layers take one."""

    values: Activations
    names: list[Address]
    rows: np.ndarray


def asked(model: nn.Module | Trace, units: Units | None) -> Wanted:
    """The units that are asked for; by default the signal of each layer that best shows what it keeps."""
    known, memory = _known(model)
    if units is None:
        found = [address for address in known if address.signal == memory.get(address.module, "h")] or known
    else:
        found = [address for name in listed(units) for address in _named(name, known)]
    if not found:
        raise AddressError(f"No unit is asked for. There are the signals {', '.join(map(str, known))}.")
    wanted: Wanted = {}
    for address in found:
        own = wanted.setdefault(address.whole, [])
        wanted[address.whole] = (
            None if address.unit is None or own is None else list(dict.fromkeys([*own, address.unit]))
        )
    return wanted


def existing(signal: Address, units: list[int] | None, size: int) -> list[int]:
    """The units of a signal of so many; all if None.

    Raises
    ------
    AddressError
        If one does not exist.
    """
    chosen = list(range(size)) if units is None else units
    for unit in chosen:
        check_unit(signal.of(unit), size)
    return chosen


def _named(name: str | Address, known: Sequence[Address]) -> list[Address]:
    """The signals of a name (``"c"``), or the signal or unit at an address."""
    return [address for address in known if address.signal == name] or [find(name, known)]


def _known(model: nn.Module | Trace) -> tuple[list[Address], dict[str, str]]:
    """All signals, and for each recurrent layer by its path the one that best shows what it keeps."""
    if isinstance(model, Trace):
        return list(model.addresses), model.tree.attrs["memory"]
    if not isinstance(model, nn.Module):
        raise ProbeError(f"A network or a trace was expected; got {type(model).__name__}. rnnscope.load opens a file.")
    with record(model) as recording:
        return list(recording), memories(model)


def read_values(
    model: nn.Module | Trace, source: Source, wanted: Wanted, spans: Sequence[Span], steps: np.ndarray
) -> Read:
    """Values at some steps of some spans: later from a trace, at once from a network.

    Raises
    ------
    AddressError
        If a unit does not exist.
    ProbeError
        If all layers take none of the steps, or the values are beyond the memory.
    """
    by_trace = isinstance(model, Trace)
    read = _from_trace(model, wanted, steps) if by_trace else _from_network(source, wanted, spans, steps)
    if not len(read.rows):
        raise ProbeError(
            f"None of the {len(steps):,} steps is taken by all of {', '.join(map(str, wanted))}, so there is nothing "
            "to train a probe on. Ask for the units of one layer."
        )
    return read


def _from_trace(trace: Trace, wanted: Wanted, steps: np.ndarray) -> Read:
    """Values that are read later."""
    columns: list[Columns] = []
    names: list[Address] = []
    first: dict[str, int] = {}
    for address, units in wanted.items():
        signal = trace[address]
        numbers = signal["unit"].values
        for unit in units or ():
            trace[address.of(unit)]  # it has the words for one that is not there
        places = np.arange(len(numbers)) if units is None else np.array([int((numbers == u).argmax()) for u in units])
        first.setdefault(address.node, len(names))
        names += [address.of(numbers[place]) for place in places]
        columns.append(Columns(signal.variable, places))
    values = Activations(columns, steps)
    layers = values.of_units(list(first.values()))
    read = [~np.isnan(batch).any(axis=1) for _, batch in layers.batches(_BLOCK)]
    return Read(values, names, np.flatnonzero(np.concatenate(read)))


def _from_network(source: Source, wanted: Wanted, spans: Sequence[Span], steps: np.ndarray) -> Read:
    """Values in memory."""
    held = {address: _Held(address, units, len(steps)) for address, units in wanted.items()}
    with progress_bar() as bar, interruption() as interrupted:
        task = bar.add_task("reading units", total=sum(stop - start for start, stop in spans))
        for passage in source.passages(spans):
            rows = np.searchsorted(steps, passage.steps)
            here = steps[np.minimum(rows, len(steps) - 1)] == passage.steps
            for address, values in passage.signals.items():
                held[address].fill(rows[here], values.numpy()[here], beside=held.values())
            if source.addresses[0] in passage.signals:
                bar.advance(task, len(passage.steps))
            if interrupted.is_set():
                raise KeyboardInterrupt
    read = np.logical_and.reduce([own.read for own in held.values()])
    columns = [Columns(own.values, np.arange(own.values.shape[1])) for own in held.values()]
    names = [name for own in held.values() for name in own.names]
    return Read(Activations(columns, np.arange(len(steps))), names, np.flatnonzero(read))


class _Held:
    """The values of units of one signal, in memory.

    Attributes
    ----------
    values : float32 array of shape (step, unit)
    read : bool array of shape (step,)
        At which steps the layer takes one.
    names : list of Address
    """

    def __init__(self, signal: Address, units: list[int] | None, steps: int) -> None:
        self._signal, self._units = signal, units
        self.values = np.empty((steps, 0), np.float32)
        self.read = np.zeros(steps, dtype=bool)
        self.names: list[Address] = []

    def fill(self, rows: np.ndarray, values: np.ndarray, beside: Iterable[_Held]) -> None:
        """Take in all units of the signal at some steps."""
        if not self.names:
            self._open(values.shape[1], beside)
        self.values[rows] = values if self._units is None else values[:, self._units]
        self.read[rows] = True

    def _open(self, size: int, beside: Iterable[_Held]) -> None:
        self.names = [self._signal.of(unit) for unit in existing(self._signal, self._units, size)]
        needed = len(self.read) * len(self.names) * 4 + sum(own.values.nbytes for own in beside)
        if needed > (most := _memory()):
            raise ProbeError(
                f"The values of {len(self.names):,} units at {len(self.read):,} steps take {decimal(needed)} with "
                f"those beside them; {decimal(most)} of memory are there for them. Ask for fewer units or a smaller "
                "limit, or write a trace (rnnscope trace), which is read piece by piece."
            )
        self.values = np.empty((len(self.read), len(self.names)), np.float32)


def _memory() -> int:
    """Bytes that values may take: half of the machine's memory."""
    if not hasattr(os, "sysconf"):  # nobody can tell
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2

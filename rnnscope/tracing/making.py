"""Making a trace: documents are read, and what the network did at each step is written as it comes."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain
from operator import index
from pathlib import Path
from threading import Event
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
import zarr.storage
from rich.filesize import decimal
from rich.progress import Progress
from torch import nn

from rnnscope.arguments import check_one_of
from rnnscope.card import Card, fingerprint
from rnnscope.errors import AddressError, OutputError, RecordingError, TextError
from rnnscope.models.network import Network, check_mode
from rnnscope.output import atomic_path, new_path
from rnnscope.progress import interruption, progress_bar, say
from rnnscope.recording.address import Address, Units
from rnnscope.recording.layers import memories, recurrent_layers, units_of
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import record
from rnnscope.text import codepoints

from .documents import Numbers, Texts
from .readers import READERS
from .readers.module import ModuleReader
from .readers.reader import Page, Reader, Stretch
from .trace import FORMAT, VERSION, Trace, open_trace, root_attributes
from .writing import Layout, Writer

_LARGE = 10**9
"""Bytes from which on the size of a trace is said before it is written."""


def trace(
    model: nn.Module,
    text: Texts | Numbers,
    path: str | Path | None = None,
    *,
    signals: Units | None = None,
    units: Sequence[int] | None = None,
    dtype: Literal["float32", "float16"] = "float32",
    characters: Sequence[str] | None = None,
    force: bool = False,
) -> Trace:
    """Read documents with a network and keep its signals at every step.

    Each document is read from a zero state; what a step, a cost and a guess are depends on the
    network, see `rnnscope.tracing.trace`. A language model reads a long document in stretches with
    the state carried over: memory is bounded whatever its length when the trace goes to disk. Other
    networks, and those of both directions, read a document in one pass.

    Parameters
    ----------
    model : nn.Module, in eval mode
        A network that rnnscope trains, or any module with recurrent layers that takes token ids of
        shape (time, batch), or (batch, time) if its layers are ``batch_first``. Where the first of what
        it returns are logits, one a step and token, the trace has nll and guesses.
    text : str, Document, Path, File, or a sequence of these
        A str and a Document are a document as they are; a file has one or more. A language model and a
        module also take token ids of shape (time,). A captioner takes CSV files with a header and an
        image a row, or an array of shape (image, pixel) or (image, row, column); a forecaster CSV files
        of a series, an array of shape (time,), or a list of such.
    path : path, optional
        The zarr folder to write; the trace is kept in memory if not given.
    signals : str, or sequence of str, optional
        Names (``"c"``) or addresses (``"l0.c"``); all if not given.
    units : sequence of int, optional
        The units to keep of every signal; all if not given.
    dtype : {"float32", "float16"}
        Of the signals in the trace; float16 keeps three digits.
    characters : sequence of str, optional
        For a module that has no vocabulary of its own: the character of each token id.
    force : bool
        Replace a trace that stands at ``path``.

    Returns
    -------
    Trace

    Raises
    ------
    TextError
        If there is no text, it cannot be read, or the network does not read what is given.
    ArgumentError
        If the dtype is another.
    AddressError
        If a signal or unit does not exist.
    ModelError
        If the network is in training mode.
    RecordingError
        If this is no network or none that can be recorded, or a document is beyond the machine's memory.
    OutputError
        If the folder cannot be written, or is there already.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, "She said, “I am late,” and ran.", signals=["c"])
    >>> trace
    <Trace of 31 steps, in memory: l0.c>
    >>> trace["l0.c.170"].shape
    (31,)
    """
    check_one_of(dtype, "dtype", ("float32", "float16"))
    reader = reader_of(model, characters)
    check_mode(model)
    pages = reader.pages(text)
    with record(model, signals) as recording, torch.no_grad():
        if reader.whole:
            demand_memory(model, recording, max(len(page.text) for page in pages))
        work = _Work(reader, pages, recording, units, dtype)
        attributes = _attributes(model, work)
        if path is None:
            store: Any = zarr.storage.MemoryStore()
            with progress_bar() as bar, interruption() as interrupted:
                _write(store, work, attributes, bar, interrupted)
            return Trace(xr.open_datatree(store, engine="zarr", chunks=None).load())
        path = _writable(path, work.layout, force)
        if work.layout.nbytes > _LARGE:
            size = decimal(work.layout.nbytes)
            say(f"The trace takes {size}; --signals, --units and --dtype float16 make it smaller.")
        with atomic_path(path) as partial, progress_bar() as bar, interruption() as interrupted:
            _write(str(partial), work, attributes, bar, interrupted)
    return open_trace(path)


def reader_of(model: nn.Module, characters: Sequence[str] | None = None) -> Reader:
    """The reader of a network.

    Raises
    ------
    TextError
        If characters are given for a network that knows its own, or they are not distinct and single.
    RecordingError
        If the network has no recurrent layer.
    """
    kind = next((READERS[kind] for kind in type(model).__mro__ if kind in READERS), None)
    if kind is None:
        return ModuleReader(model, characters)
    if characters is not None:
        raise TextError("This network has its own vocabulary; characters= is for a module that has none.")
    return kind(model)


def demand_memory(model: nn.Module, recording: Recording, steps: int) -> None:
    """Refuse a document whose signals, all of one pass, are beyond the machine's memory."""
    if not hasattr(os, "sysconf"):  # nobody can tell
        return
    layers = recurrent_layers(model)
    values = steps * sum(units_of(layers, address) or 0 for address in recording)
    size, memory = values * 4, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory:
        raise RecordingError(
            f"A document of {steps:,} characters has signals of {decimal(size)}, and this network has to read it at "
            f"once; the machine has {decimal(memory)}. Cut it with --documents line, or keep less with --signals."
        )


class _Work:
    """Documents on their way through a network: the layout of their trace, and stretch by stretch what goes into it."""

    def __init__(
        self, reader: Reader, pages: Sequence[Page], recording: Recording, units: Sequence[int] | None, dtype: str
    ) -> None:
        self.reader, self.pages, self.recording = reader, pages, recording
        lengths = np.array([len(page.text) for page in pages])
        self._ends = lengths.cumsum()
        self._starts = self._ends - lengths
        self._stretches = reader.read(pages)
        self._first = next(self._stretches)
        columns = self._first.columns | self._place(0, len(self._first))
        chosen = {address: _chosen(units, recording[address].shape[-1]) for address in recording}
        root = {name: (_type(values), values.shape[1:]) for name, values in columns.items()}
        self.layout = Layout(int(self._ends[-1]), root, chosen, dtype)

    def stretches(self) -> Iterator[tuple[Stretch, dict[str, np.ndarray]]]:
        """Each with its columns of the root; its signals are in the recording until the next is asked for."""
        start = 0
        for stretch in chain([self._first], self._stretches):
            yield stretch, stretch.columns | self._place(start, start + len(stretch))
            start += len(stretch)
            self.recording.clear()  # some readers run a part of the network, which begins none

    def signal(self, address: Address, stretch: Stretch) -> np.ndarray:
        """The units kept of a signal, of shape (time, unit); NaN where its layer has no step."""
        values, units = self.recording[address], self.layout.units[address]
        if len(units) < values.shape[-1]:
            values = values[..., list(units)]
        clock = stretch.clocks[address.module]
        rows = np.full((len(stretch), len(units)), np.nan, dtype="float32")
        rows[clock.places] = clock.pick(values.float().cpu().numpy())
        return rows

    def _place(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Character, document and step in the document, from one step of the trace to another."""
        steps = np.arange(start, stop)
        documents = np.searchsorted(self._ends, steps, side="right")
        first, last = documents[0], documents[-1]
        offset = start - self._starts[first]
        text = "".join(page.text for page in self.pages[first : last + 1])[offset : offset + stop - start]
        return {"codepoint": codepoints(text), "document": documents, "step": steps - self._starts[documents]}


def _type(values: np.ndarray) -> np.dtype:
    """What an array of the root is kept as."""
    kinds = {"i": "int32", "u": "int32", "M": "int64"}
    return np.dtype(kinds.get(values.dtype.kind, values.dtype))


def _chosen(units: Sequence[int] | None, size: int) -> tuple[int, ...]:
    if units is None:
        return tuple(range(size))
    try:
        chosen = tuple(dict.fromkeys(index(unit) for unit in units))
    except TypeError:
        chosen = ()
    if not chosen or not 0 <= min(chosen) <= max(chosen) < size:
        raise AddressError(f"Units are whole numbers from 0 to {size - 1}; got {units!r}.")
    return chosen


def _attributes(model: nn.Module, work: _Work) -> dict[str, Any]:
    card = getattr(model, "card", None)
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": card.name if isinstance(card, Card) else type(model).__name__,
        "task": model.task if isinstance(model, Network) else None,
        "model_sha256": fingerprint(model),
        "characters": list(work.reader.characters),
        "outcomes": list(work.reader.outcomes),
        "documents": [page.name for page in work.pages],
        "initial_state": work.reader.initial_state,
        "memory": memories(model),
        "signals": [str(address) for address in work.layout.units],
        "rnnscope": version("rnnscope"),
        "torch": str(torch.__version__),
    }


def _write(store: Any, work: _Work, attributes: dict[str, Any], bar: Progress, interrupted: Event) -> None:
    writer = Writer(store, work.layout, attributes)
    unknown: Counter[str] = Counter()
    cost, costed, error = 0.0, 0, 0.0
    task = bar.add_task("tracing", total=work.layout.steps)
    for stretch, columns in work.stretches():
        writer.append(columns, lambda address, stretch=stretch: work.signal(address, stretch))
        unknown.update(chr(code) for code in columns["codepoint"][~stretch.known])
        counted = stretch.known & ~np.isnan(columns["nll"])
        cost, costed = cost + float(columns["nll"].sum(dtype=np.float64, where=counted)), costed + int(counted.sum())
        error = max(error, work.recording.error)
        bar.advance(task, len(stretch))
        if interrupted.is_set():
            raise KeyboardInterrupt
    writer.close(
        {
            "mean_nll": cost / costed if costed else None,
            "recovery_error": error,
            "unknown": dict(unknown.most_common()),
        }
    )


def _writable(path: str | Path, layout: Layout, force: bool) -> Path:
    path = new_path(path, force)
    if path.exists() and root_attributes(path).get("format") != FORMAT:
        raise OutputError(f"{path} is not a trace; --force replaces only what rnnscope wrote. Name another output.")
    free = shutil.disk_usage(path.absolute().parent).free
    if layout.nbytes > free:
        raise OutputError(
            f"The trace needs {decimal(layout.nbytes)} and the disk of {path} has {decimal(free)} free. "
            "Keep less with --signals, --units or --dtype float16, or name an output elsewhere."
        )
    return path

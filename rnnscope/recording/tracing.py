"""Making a trace: a text is read chunk by chunk with the state carried over, and each chunk written as it comes."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any, Literal

import numpy as np
import torch
import zarr
import zarr.storage
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress
from torch import Tensor, nn

from rnnscope.card import Card, fingerprint
from rnnscope.errors import AddressError, OutputError, RecordingError
from rnnscope.output import atomic_path, new_path
from rnnscope.progress import interruption, progress_bar
from rnnscope.text import Vocabulary, read_text

from .address import Address
from .reading import Reader, Source, Tokens, reader_of
from .recorded import Recording, by_node, unit_axes
from .recorder import memories, record
from .trace import FORMAT, VERSION, Trace, open_trace, open_tree, root_attributes

GUESSES = 5
"""Tokens kept at each step."""

_CHUNK = 2**20
"""Values of the widest array a chunk: what is read, recorded and written at once."""

_LARGE = 10**9
"""Bytes from which on the size of a trace is said before it is written."""

_WHOLE: Any = {"write_empty_chunks": True}
"""Chunks of zeros are written too, so that one that is missing shows."""

DType = Literal["float32", "float16"]


@dataclass(frozen=True)
class Layout:
    """Which arrays a trace has, and how large they are."""

    steps: int
    units: dict[Address, tuple[int, ...]]
    """The units kept of each signal."""
    dtype: str
    guesses: int
    rows: int
    """Steps a chunk of the arrays."""
    stride: int
    """Steps that are read at once."""

    @property
    def nbytes(self) -> int:
        """Bytes when written uncompressed."""
        signals = sum(map(len, self.units.values())) * np.dtype(self.dtype).itemsize
        root = sum(np.dtype(t).itemsize * (self.guesses if many else 1) for t, many in _ROOT.values())
        return self.steps * (signals + root)


_ROOT: dict[str, tuple[str, bool]] = {
    "token": ("int32", False),
    "codepoint": ("int32", False),
    "document": ("int32", False),
    "step": ("int32", False),
    "nll": ("float32", False),
    "guess": ("int32", True),
    "guess_probability": ("float32", True),
}
"""Arrays at the root: type, and whether there is one value a rank."""


def trace(
    model: nn.Module,
    text: Path | Tokens,
    path: str | Path | None = None,
    *,
    signals: Sequence[str] | None = None,
    units: Sequence[int] | None = None,
    dtype: DType = "float32",
    characters: Sequence[str] | None = None,
    encoding: str = "utf-8",
    name: str | None = None,
    force: bool = False,
    console: Console | None = None,
) -> Trace:
    """Read a text with a network and keep its signals at every step.

    A network of ours reads the text in chunks with the state carried over, from a zero state:
    memory is bounded whatever its length when the trace goes to disk. A bidirectional network, and
    any module of somebody else's, reads it in one pass.

    Parameters
    ----------
    model : nn.Module, in eval mode
        A `CharLanguageModel`, or any module with recurrent layers that takes token ids of shape
        (time, batch), or (batch, time) if its layers are ``batch_first``. Where the first of what it
        returns are logits, one a step and token, the trace has nll and guesses.
    text : str, Path, or token ids of shape (time,)
        A str is the text itself, a Path is a file to read.
    path : path, optional
        The zarr folder to write; the trace is kept in memory if not given.
    signals : sequence of str, optional
        Names (``"c"``) or addresses (``"l0.c"``); all if not given.
    units : sequence of int, optional
        The units to keep of every signal; all if not given.
    dtype : {"float32", "float16"}
        Of the signals in the trace; float16 keeps three digits.
    characters : sequence of str, optional
        For a module that has no vocabulary of its own: the character of each token id.
    encoding : str
        Of the file.
    name : str, optional
        What to call the text.
    force : bool
        Replace a trace that stands at ``path``.
    console : rich Console, optional
        Where progress is shown.

    Returns
    -------
    Trace

    Raises
    ------
    TextError, AddressError, RecordingError, OutputError
    """
    if isinstance(text, Path):
        name, text = name or text.name, read_text(text, encoding)
    if model.training:
        raise RecordingError("The model is in training mode, where dropout is at work. Call model.eval() first.")
    reader = reader_of(model, characters)
    source = Source(text, reader)
    with record(model, signals) as recording, torch.no_grad():
        work = _Work(reader, source, recording, units, dtype)
        attributes = _attributes(model, reader, work.layout, name or "text")
        bar = progress_bar(console)
        if path is None:
            store = zarr.storage.MemoryStore()
            with bar, interruption() as interrupted:
                _write(store, work, attributes, bar, interrupted)
            return Trace(open_tree(store).load())
        path = _writable(path, work.layout, force)
        if console is not None and work.layout.nbytes > _LARGE:
            size = decimal(work.layout.nbytes)
            console.print(f"The trace takes {size}; --signals, --units and --dtype float16 make it smaller.")
        with atomic_path(path) as partial, bar, interruption() as interrupted:
            _write(str(partial), work, attributes, bar, interrupted)
    return open_trace(path)


class _Work:
    """A text on its way through a network: the layout, and chunk by chunk what goes into the root's arrays."""

    def __init__(
        self, reader: Reader, source: Source, recording: Recording, units: Sequence[int] | None, dtype: str
    ) -> None:
        self.reader, self.source, self.recording = reader, source, recording
        self._first = reader.read(source.chunk(0, len(source) if reader.whole else 1)[0])
        tokens = 0 if self._first is None else self._first.shape[-1]
        self.layout = _lay_out(reader, recording, len(source), units, dtype, tokens)

    def chunks(self) -> Iterator[tuple[int, int, dict[str, np.ndarray]]]:
        """Read; after each chunk the recording has its signals."""
        self.reader.restart()
        expected = None
        for start in range(0, self.layout.steps, self.layout.stride):
            stop = min(start + self.layout.stride, self.layout.steps)
            tokens, codes = self.source.chunk(start, stop)
            logits = self._first if self.reader.whole else self.reader.read(tokens)
            columns = {
                "token": tokens,
                "codepoint": codes,
                "document": np.zeros(stop - start, dtype="int32"),
                "step": np.arange(start, stop, dtype="int32"),
            }
            if logits is None:
                yield start, stop, {**columns, **_no_expectations(stop - start, self.layout.guesses)}
                continue
            log_p = logits.float().log_softmax(dim=-1)
            before = torch.full_like(log_p[:1], torch.nan) if expected is None else expected
            expected = log_p[-1:]
            log_p = torch.cat((before, log_p[:-1]))
            yield start, stop, {**columns, **_expectations(log_p, torch.from_numpy(tokens), self.layout.guesses)}


def _lay_out(
    reader: Reader, recording: Recording, steps: int, units: Sequence[int] | None, dtype: str, tokens: int
) -> Layout:
    """The layout that a first pass asks for."""
    sizes = {address: recording[address].shape[-1] for address in recording}
    chosen = {address: _chosen(units, size) for address, size in sizes.items()}
    widest = max(*sizes.values(), tokens)
    rows = min(max(_CHUNK // widest, 1024), 2**14)
    return Layout(steps, chosen, dtype, min(GUESSES, tokens), rows, steps if reader.whole else rows)


def _chosen(units: Sequence[int] | None, size: int) -> tuple[int, ...]:
    chosen = tuple(range(size)) if units is None else tuple(dict.fromkeys(int(unit) for unit in units))
    if not chosen or not 0 <= min(chosen) <= max(chosen) < size:
        raise AddressError(f"Units go from 0 to {size - 1}; got {', '.join(map(str, chosen)) or 'none'}.")
    return chosen


def _attributes(model: nn.Module, reader: Reader, layout: Layout, name: str) -> dict[str, Any]:
    card = getattr(model, "card", None)
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": card.name if isinstance(card, Card) else type(model).__name__,
        "model_sha256": fingerprint(model),
        "characters": list(reader.characters),
        "documents": [name],
        "initial_state": "zeros",
        "memory": memories(model),
        "signals": [str(address) for address in layout.units],
        "rnnscope": version("rnnscope"),
        "torch": str(torch.__version__),
    }


def _write(store: Any, work: _Work, attributes: dict[str, Any], bar: Progress, interrupted: Event) -> None:
    layout = work.layout
    root = zarr.create_group(store, attributes=attributes)
    arrays = _create_root_arrays(root, layout)
    signals = _create_nodes(root, layout)
    strangers = work.reader.characters[:1] == (Vocabulary.UNKNOWN,)
    unknown: Counter[str] = Counter()
    cost, costed = 0.0, 0
    task = bar.add_task("tracing", total=layout.steps)
    for start, stop, columns in work.chunks():
        for name, values in columns.items():
            arrays[name][start:stop] = values
        for address, array in signals.items():
            values = work.recording[address][:, 0]
            if len(layout.units[address]) < values.shape[-1]:
                values = values[:, list(layout.units[address])]
            array[start:stop] = _narrow(address, values.float().cpu().numpy(), layout.dtype)
        known = (columns["token"] != 0) | (not strangers)
        unknown.update(chr(code) for code in columns["codepoint"][~known])
        counted = known & ~np.isnan(columns["nll"])
        cost, costed = cost + float(columns["nll"].sum(dtype=np.float64, where=counted)), costed + int(counted.sum())
        bar.update(task, completed=stop)
        if interrupted.is_set():
            raise KeyboardInterrupt
    root.attrs.update(
        {
            "mean_nll": cost / costed if costed else None,
            "recovery_error": work.recording.error,
            "unknown": dict(unknown.most_common()),
        }
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        zarr.consolidate_metadata(store)


def _narrow(address: Address, values: np.ndarray, dtype: str) -> np.ndarray:
    """Values in the type of the trace, none of them lost to infinity."""
    largest = np.finfo(np.float16).max
    if dtype == "float16" and not np.abs(values).max() <= largest:
        raise RecordingError(f"{address} goes beyond {largest:,.0f}, the largest float16. Use --dtype float32.")
    return values.astype(dtype, copy=False)


def _create_root_arrays(root: zarr.Group, layout: Layout) -> dict[str, zarr.Array]:
    arrays = {}
    for name, (dtype, many) in _ROOT.items():
        tail = (layout.guesses,) if many else ()
        arrays[name] = root.create_array(
            name,
            shape=(layout.steps, *tail),
            chunks=(min(layout.rows, layout.steps), *tail),
            dtype=dtype,
            dimension_names=["time", "rank"][: 1 + many],
            config=_WHOLE,
        )
    return arrays


def _create_nodes(root: zarr.Group, layout: Layout) -> dict[Address, zarr.Array]:
    arrays: dict[Address, zarr.Array] = {}
    for node, here in by_node(layout.units).items():
        group = root.create_group(node.replace(".", "/"))
        axes = unit_axes({address: len(layout.units[address]) for address in here})
        for axis, address in {axis: address for address, axis in axes.items()}.items():
            units = np.asarray(layout.units[address], dtype="int32")
            index = group.create_array(axis, shape=units.shape, dtype="int32", dimension_names=[axis], config=_WHOLE)
            index[:] = units
        for address in here:
            width = len(layout.units[address])
            arrays[address] = group.create_array(
                address.signal,
                shape=(layout.steps, width),
                chunks=(min(layout.rows, layout.steps), width),
                dtype=layout.dtype,
                dimension_names=["time", axes[address]],
                config=_WHOLE,
                compressors=None,  # the low bits of a state are noise: packing gains little and costs most of the time
            )
    return arrays


def _expectations(log_p: Tensor, tokens: Tensor, guesses: int) -> dict[str, np.ndarray]:
    """What was expected before each token, from log-probabilities of shape (time, token)."""
    values, ranked = log_p.topk(guesses, dim=-1)
    ranked[values.isnan()] = -1
    return {
        "nll": -log_p.gather(1, tokens.to(log_p.device).unsqueeze(1))[:, 0].cpu().numpy(),
        "guess": ranked.cpu().numpy(),
        "guess_probability": values.exp().cpu().numpy(),
    }


def _no_expectations(steps: int, guesses: int) -> dict[str, np.ndarray]:
    nothing = np.full((steps, guesses), -1)
    return {"nll": np.full(steps, np.nan, "float32"), "guess": nothing, "guess_probability": nothing * np.nan}


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

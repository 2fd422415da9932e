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
from torch import Tensor

from rnnscope.card import fingerprint
from rnnscope.cells import cell_of
from rnnscope.errors import AddressError, OutputError, RecordingError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.output import atomic_path, new_path
from rnnscope.progress import interruption, progress_bar
from rnnscope.text import Vocabulary, codepoints, read_text

from .address import Address
from .recorded import Recording
from .recorder import record
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
    addresses: tuple[Address, ...]
    units: tuple[int, ...]
    dtype: str
    guesses: int
    rows: int
    """Steps a chunk."""

    @property
    def nbytes(self) -> int:
        """Bytes when written uncompressed."""
        signals = len(self.addresses) * len(self.units) * np.dtype(self.dtype).itemsize
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
    model: CharLanguageModel,
    text: str | Path | Sequence[int] | np.ndarray | Tensor,
    path: str | Path | None = None,
    *,
    signals: Sequence[str] | None = None,
    units: Sequence[int] | None = None,
    dtype: DType = "float32",
    encoding: str = "utf-8",
    name: str | None = None,
    force: bool = False,
    console: Console | None = None,
) -> Trace:
    """Read a text with a network and keep its signals at every step.

    The text is read in chunks with the state carried over, from a zero state: memory is bounded
    whatever its length when the trace goes to disk. A bidirectional network reads it in one pass.

    Parameters
    ----------
    model : CharLanguageModel, in eval mode
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
    source = _Source(text, model.vocabulary)
    with record(model, signals) as recording:
        layout = _lay_out(model, recording, len(source), units, dtype)
        attributes = {**_attributes(model, name or "text"), "signals": [str(address) for address in layout.addresses]}
        bar = progress_bar(console)
        if path is None:
            store = zarr.storage.MemoryStore()
            with bar, interruption() as interrupted:
                _write(store, layout, attributes, model, source, recording, bar, interrupted)
            return Trace(open_tree(store).load())
        path = _writable(path, layout, force)
        if console is not None and layout.nbytes > _LARGE:
            console.print(
                f"The trace takes {decimal(layout.nbytes)}; --signals, --units and --dtype float16 make it smaller."
            )
        with atomic_path(path) as partial, bar, interruption() as interrupted:
            _write(str(partial), layout, attributes, model, source, recording, bar, interrupted)
    return open_trace(path)


class _Source:
    """What is read: token ids and code points, a chunk at a time."""

    def __init__(self, text: str | Sequence[int] | np.ndarray | Tensor, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.text = text if isinstance(text, str) else None
        self.tokens = None if isinstance(text, str) else _token_array(text, len(vocabulary))
        if len(self) == 0:
            raise TextError("The text is empty; at least one character is needed.")

    def __len__(self) -> int:
        return len(self.text if self.tokens is None else self.tokens)  # pyright: ignore[reportArgumentType]

    def chunk(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids and code points, each of shape (time,)."""
        if self.text is not None:
            stretch = self.text[start:stop]
            return self.vocabulary.encode(stretch), codepoints(stretch)
        assert self.tokens is not None
        tokens = self.tokens[start:stop]
        return tokens, codepoints(self.vocabulary.decode(tokens))


def _token_array(tokens: Sequence[int] | np.ndarray | Tensor, size: int) -> np.ndarray:
    array = np.asarray(tokens.cpu() if isinstance(tokens, Tensor) else tokens)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise TextError(f"Token ids are whole numbers of shape (time,); got {array.dtype} of shape {array.shape}.")
    if array.size and not 0 <= array.min() <= array.max() < size:
        raise TextError(f"Token ids go from 0 to {size - 1}; got {array.min()} to {array.max()}.")
    return array.astype(np.int64)


def _lay_out(
    model: CharLanguageModel, recording: Recording, steps: int, units: Sequence[int] | None, dtype: str
) -> Layout:
    hidden = model.config.hidden_size
    chosen = tuple(range(hidden)) if units is None else tuple(dict.fromkeys(int(unit) for unit in units))
    if not chosen or not 0 <= min(chosen) <= max(chosen) < hidden:
        raise AddressError(f"Units go from 0 to {hidden - 1}; got {', '.join(map(str, chosen)) or 'none'}.")
    widest = max(hidden, len(model.vocabulary))
    return Layout(
        steps=steps,
        addresses=recording.addresses,
        units=chosen,
        dtype=dtype,
        guesses=min(GUESSES, len(model.vocabulary)),
        rows=min(max(_CHUNK // widest, 1024), 2**14),
    )


def _attributes(model: CharLanguageModel, name: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": model.card.name if model.card else type(model).__name__,
        "model_sha256": fingerprint(model),
        "vocabulary": list(model.vocabulary.characters[1:]),
        "documents": [name],
        "initial_state": "zeros",
        "cell": cell_of(model.rnn).name,
        "rnnscope": version("rnnscope"),
        "torch": str(torch.__version__),
    }


def _write(
    store: Any,
    layout: Layout,
    attributes: dict[str, Any],
    model: CharLanguageModel,
    source: _Source,
    recording: Recording,
    bar: Progress,
    interrupted: Event,
) -> None:
    root = zarr.create_group(store, attributes=attributes)
    arrays = _create_root_arrays(root, layout)
    signals = _create_nodes(root, layout)
    unknown: Counter[str] = Counter()
    cost = 0.0
    task = bar.add_task("tracing", total=layout.steps)
    for start, stop, columns in _read(model, source, layout):
        for name, values in columns.items():
            arrays[name][start:stop] = values
        for address, array in signals.items():
            values = recording[address][:, 0]
            if len(layout.units) < values.shape[-1]:
                values = values[:, list(layout.units)]
            array[start:stop] = _narrow(address, values.cpu().numpy(), layout.dtype)
        unknown.update(chr(code) for code in columns["codepoint"][columns["token"] == 0])
        cost += float(np.nansum(columns["nll"], dtype=np.float64))
        bar.update(task, completed=stop)
        if interrupted.is_set():
            raise KeyboardInterrupt
    root.attrs.update(
        {
            "mean_nll": cost / (layout.steps - 1) if layout.steps > 1 else None,
            "recovery_error": recording.error,
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
    units = len(layout.units)
    arrays: dict[Address, zarr.Array] = {}
    for node in dict.fromkeys(address.node for address in layout.addresses):
        here = [address for address in layout.addresses if address.node == node]
        group = root.create_group(node.replace(".", "/"))
        index = group.create_array("unit", shape=(units,), dtype="int32", dimension_names=["unit"], config=_WHOLE)
        index[:] = np.asarray(layout.units, dtype="int32")
        for address in here:
            arrays[address] = group.create_array(
                address.signal,
                shape=(layout.steps, units),
                chunks=(min(layout.rows, layout.steps), units),
                dtype=layout.dtype,
                dimension_names=["time", "unit"],
                config=_WHOLE,
                compressors=None,  # the low bits of a state are noise: packing gains little and costs most of the time
            )
    return arrays


@torch.no_grad()
def _read(
    model: CharLanguageModel, source: _Source, layout: Layout
) -> Iterator[tuple[int, int, dict[str, np.ndarray]]]:
    """Run the network chunk by chunk with the state carried over; the root's arrays for each chunk."""
    device = model.head.weight.device
    state, expected = None, None
    stretch = layout.steps if model.config.bidirectional else layout.rows  # what reads backward needs the end
    for start in range(0, layout.steps, stretch):
        stop = min(start + stretch, layout.steps)
        tokens, codes = source.chunk(start, stop)
        ids = torch.from_numpy(tokens).to(device).unsqueeze(1)
        logits, state = model(ids, state)
        log_p = logits[:, 0].float().log_softmax(dim=-1)
        before = torch.full_like(log_p[:1], torch.nan) if expected is None else expected
        yield (
            start,
            stop,
            {
                "token": tokens,
                "codepoint": codes,
                "document": np.zeros(stop - start, dtype="int32"),
                "step": np.arange(start, stop, dtype="int32"),
                **_expectations(torch.cat((before, log_p[:-1])), ids, layout.guesses),
            },
        )
        expected = log_p[-1:]


def _expectations(log_p: Tensor, ids: Tensor, guesses: int) -> dict[str, np.ndarray]:
    """What was expected before each token, from log-probabilities of shape (time, token)."""
    values, ranked = log_p.topk(guesses, dim=-1)
    ranked[values.isnan()] = -1
    return {
        "nll": -log_p.gather(1, ids)[:, 0].cpu().numpy(),
        "guess": ranked.cpu().numpy(),
        "guess_probability": values.exp().cpu().numpy(),
    }


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

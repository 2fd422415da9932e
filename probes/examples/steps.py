"""Examples from the steps of a text: what units hold there, and what a concept says of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.filesize import decimal
from torch import nn

from rnnscope.analysis.search.parts import labelled
from rnnscope.concept import Concept
from rnnscope.errors import AddressError, ProbeError
from rnnscope.probes.concepts.scanning import inside_words, shifted
from rnnscope.progress import interruption, progress_bar
from rnnscope.recording.address import Address, find
from rnnscope.recording.recorder import memories, record
from rnnscope.text import codepoints
from rnnscope.tracing.documents import Cut, Given, Texts
from rnnscope.tracing.passages import Source, Span, open_source
from rnnscope.tracing.trace import Trace

from .activations import Activations, Columns
from .examples import Examples

FEWEST_DOCUMENTS = 10
"""Documents from which on each of them is a group."""

STRETCHES = 20
"""Groups of a text that has fewer documents."""

GAP = 1_000
"""Steps left out between two stretches; less in a short text."""

_BLOCK = 2**13
"""Steps that are looked at at once, to see whether a layer takes them."""

_FACTOR = 0x9E3779B97F4A7C15
"""Of a hash; odd, so that it has an inverse."""

_INVERSE = pow(_FACTOR, -1, 2**64)

_Wanted = dict[Address, list[int] | None]
"""The units of each signal that are asked for; None for all of them."""


class _Read(NamedTuple):
    """Values at some steps, the units, and at which of the steps all layers take one."""

    values: Activations
    names: list[Address]
    rows: np.ndarray


def step_examples(
    model: nn.Module | Trace,
    text: Texts | Sequence[Texts] | None = None,
    concept: Concept | None = None,
    *,
    units: str | Sequence[str] | None = None,
    limit: int = 100_000,
    seed: int = 0,
    documents: Cut | None = None,
    encoding: str = "utf-8",
    characters: Sequence[str] | None = None,
    console: Console | None = None,
) -> Examples:
    """Examples from the steps of a text: what units hold after reading a character, and what a concept says of it.

    A flag has the classes no and yes, a category its own; of a number the classes are the quarters of its values.
    Steps where the concept does not apply, or a layer takes none, are left out. Each document is a group, if there
    are at least 10; else the groups are 20 stretches of all that is read, with up to 1,000 steps between neighbours
    left out. The type of an example is its word as far as it is read; what stands between words has types, too.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.find_units`. The values of a trace on a disk are read when they are asked for; those of a
        network are held in memory.
    text : str, Document, Path, open binary file, or a sequence of these
        As for `rnnscope.trace`; none for a trace.
    concept : Concept
        See `rnnscope.probes.concepts`.
    units : sequence of str, optional
        Addresses of signals (``"l0.c"``) or of units (``"l0.c.37"``), or names of signals (``"c"``); by default the
        signal of each layer that best shows what it keeps, c or h.
    limit : int
        Steps to read, at most. Of many documents so many are drawn at random; of a long text it is the beginning.
    seed : int
        Of the draw.
    documents, encoding, characters
        As for `rnnscope.trace`.
    console : rich Console, optional
        Where progress is shown.

    Returns
    -------
    Examples

    Raises
    ------
    ProbeError
        If the concept applies nowhere or says the same of all, or the values are beyond the memory.
    TextError, ConceptError, AddressError, RecordingError
    """
    if not isinstance(concept, Concept):
        raise ProbeError(
            "A Concept was expected, such as rnnscope.probes.concepts.named('quotes')[0] gives; "
            f"got {type(concept).__name__}."
        )
    if not isinstance(limit, int | np.integer) or limit < 2:
        raise ProbeError(f"The limit is a whole number of steps, at least 2; got {limit!r}.")
    given = None if text is None else Given(text, documents, encoding)
    wanted = _asked(model, units)
    source = open_source(model, given, list(map(str, wanted)), characters)
    concept.check_length(len(source))
    spans = _spans(source.starts, int(limit), seed)
    steps = np.concatenate([np.arange(*span) for span in spans])
    labels = _labels(source, concept, spans)
    groups, inside = _groups(source.starts, steps)
    kept = np.flatnonzero(inside & ~np.isnan(labels))
    if not len(kept):
        raise ProbeError(f"{concept.name} applies nowhere in what is read, so there is nothing to train a probe on.")
    read = (
        _from_trace(model, wanted, steps[kept])
        if isinstance(model, Trace)
        else _from_network(source, wanted, spans, steps[kept], console)
    )
    kept = kept[read.rows]
    codes, classes = _classes(concept, labels[kept])
    return Examples(
        values=read.values.take(read.rows),
        labels=codes,
        classes=classes,
        units=tuple(map(str, read.names)),
        groups=groups[kept],
        types=np.unique(_types(source, spans)[kept], return_inverse=True)[1],
        what=f"{concept.name} at {len(kept):,} steps of {_what(source, spans)}",
    )


def _asked(model: nn.Module | Trace, units: str | Sequence[str] | None) -> _Wanted:
    """The units that are asked for."""
    known, memory = _known(model)
    if units is None:
        found = [address for address in known if address.signal == memory.get(address.module, "h")] or known
    else:
        found = [address for name in ([units] if isinstance(units, str) else units) for address in _named(name, known)]
    if not found:
        raise AddressError(f"No unit is asked for. There are the signals {', '.join(map(str, known))}.")
    wanted: _Wanted = {}
    for address in found:
        own = wanted.setdefault(address.whole, [])
        wanted[address.whole] = (
            None if address.unit is None or own is None else list(dict.fromkeys([*own, address.unit]))
        )
    return wanted


def _named(name: str, known: Sequence[Address]) -> list[Address]:
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


def _spans(starts: np.ndarray, limit: int, seed: int) -> list[Span]:
    """What to read: all documents, or some of many at random, or the beginning; none beyond the limit."""
    order = np.arange(len(starts) - 1)
    if starts[-1] > limit and len(order) >= FEWEST_DOCUMENTS:
        order = np.random.default_rng(seed).permutation(order)
    spans, room = [], limit
    for start, stop in zip(starts[order].tolist(), starts[order + 1].tolist(), strict=True):
        if room and stop > start:
            spans.append(Span(start, min(stop, start + room)))
            room -= spans[-1].stop - start
    return sorted(spans)


def _labels(source: Source, concept: Concept, spans: Sequence[Span]) -> np.ndarray:
    """The labels of all steps of some spans, of shape (time,)."""
    return np.concatenate([part.labels[0] for span in spans for part in labelled(source, [concept], span)])


def _groups(starts: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The group of each step, and whether it lies in one and not in the gap after it."""
    documents = np.searchsorted(starts, steps, side="right") - 1
    if len(np.unique(documents)) >= FEWEST_DOCUMENTS:
        return documents, np.ones(len(steps), dtype=bool)
    ends = np.arange(1, STRETCHES + 1) * len(steps) // STRETCHES
    places = np.arange(len(steps))
    groups = np.searchsorted(ends, places, side="right")
    gap = min(GAP, len(steps) // (10 * STRETCHES))
    return groups, (ends[groups] - places > gap) | (groups == STRETCHES - 1)


def _types(source: Source, spans: Sequence[Span]) -> np.ndarray:
    """A number for each step, equal where the word as far as it is read is equal; of shape (time,), uint64."""
    found = []
    for span in spans:
        number = int(np.searchsorted(source.starts, span.start, side="right")) - 1
        begin = span.start - int(source.starts[number])
        found.append(_prefixes(source.documents[number].text[begin : begin + span.stop - span.start]))
    return np.concatenate(found)


def _prefixes(text: str) -> np.ndarray:
    """A hash of each character with those before it in its word, or in what stands between two words."""
    codes, places = codepoints(text), np.arange(len(text))
    word = inside_words(codes)
    first = np.maximum.accumulate(np.where(word != shifted(word, not word[0]), places, 0))
    powers = np.cumprod(np.full(len(text), _FACTOR, np.uint64))
    sums = np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * powers)
    inverses = np.cumprod(np.full(len(text), _INVERSE, np.uint64))
    return (sums - shifted(sums, 0)[first]) * inverses[first]


def _from_trace(trace: Trace, wanted: _Wanted, steps: np.ndarray) -> _Read:
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
    return _Read(values, names, np.flatnonzero(np.concatenate(read)))


def _from_network(
    source: Source, wanted: _Wanted, spans: Sequence[Span], steps: np.ndarray, console: Console | None
) -> _Read:
    """Values in memory."""
    held = {address: _Held(address, units, len(steps)) for address, units in wanted.items()}
    with progress_bar(console) as bar, interruption() as interrupted:
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
    return _Read(Activations(columns, np.arange(len(steps))), names, np.flatnonzero(read))


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
        units = range(size) if self._units is None else self._units
        if max(units) >= size:
            raise AddressError(f"There is no unit {max(units)} in {self._signal}. Units: 0 to {size - 1}.")
        self.names = [self._signal.of(unit) for unit in units]
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


def _classes(concept: Concept, labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as places in classes, and what the classes are called."""
    if not len(labels):
        raise ProbeError(
            f"No layer takes a step where {concept.name} applies, so there is nothing to train a probe on."
        )
    if concept.kind == "number":
        codes, classes = _quarters(labels)
    else:
        codes = labels.astype(np.int64)
        classes = ("no", "yes") if concept.kind == "flag" else concept.categories
    if len(present := np.unique(codes)) < 2:
        raise ProbeError(
            f"{concept.name} says {classes[present[0]]} of all {len(codes):,} steps where it applies; a probe needs at "
            "least two classes. Give another text, or a larger limit."
        )
    return codes, classes


def _quarters(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers by quarter; fewer than four where many are equal."""
    edges = np.unique(np.quantile(values, (0.25, 0.5, 0.75)))
    present, codes = np.unique(np.searchsorted(edges, values), return_inverse=True)
    quarters = [values[codes == code] for code in range(len(present))]
    ranges = [(f"{quarter.min():g}", f"{quarter.max():g}") for quarter in quarters]
    return codes, tuple(low if low == high else f"{low} to {high}" for low, high in ranges)


def _what(source: Source, spans: Sequence[Span]) -> str:
    numbers = np.unique(np.searchsorted(source.starts, [span.start for span in spans], side="right") - 1)
    return source.documents[int(numbers[0])].name if len(numbers) == 1 else f"{len(numbers):,} documents"

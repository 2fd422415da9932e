"""Signals passage by passage, for what one pass can gather: nothing is kept, and the order is of no matter.

A trace on disk is read in slices. A language model reads stretches of a text side by side, which is
many times faster than one after another. Before each it reads some paragraphs that do not count, so that
its state is nearly that of one long reading; what needs the true states reads from the beginning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from rnnscope.errors import RecordingError
from rnnscope.models.network import check_mode
from rnnscope.recording.address import Address, Units, whole_signals
from rnnscope.recording.recorder import record
from rnnscope.text import Document

from .documents import Numbers, Texts
from .making import demand_memory, reader_of
from .readers.language_model import LanguageModelReader
from .readers.reader import Page, Stretch, side_by_side
from .trace import Trace

STREAMS = 32
"""Stretches of a text that a language model reads side by side."""

WARM_UP = 512
"""Characters that are read before a stretch and do not count; up to four times as many, to begin a paragraph."""

_SHORTEST = 1024
"""Characters of a stretch that are worth a warm-up."""

_GLIMPSES, _GLIMPSE = 64, 256
"""Glimpses of a trace, and the steps of each."""

_VALUES = 2**24
"""Values of all signals that a passage has at most."""


class Span(NamedTuple):
    """Steps of all that is read, from one to another, within one document."""

    start: int
    stop: int


@dataclass(frozen=True)
class Passage:
    """Steps that were read together.

    Attributes
    ----------
    steps : int array of shape (time,)
        Their places in all that is read, documents one after another; in any order.
    signals : mapping of Address to float32 tensor of shape (time, unit)
    """

    steps: np.ndarray
    signals: Mapping[Address, Tensor]


class Source(ABC):
    """Documents, and the signals of a network over them.

    Parameters
    ----------
    documents : sequence of Document
    starts : int array of shape (document + 1,)
        The first step of each document in all that is read, and the number of steps.
    addresses : sequence of Address
        The signals.

    Attributes
    ----------
    whole : bool
        Whether a document is read in one pass, however little of it is asked for.
    """

    whole = False

    def __init__(self, documents: Sequence[Document], starts: np.ndarray, addresses: Sequence[Address]) -> None:
        self.documents, self.starts, self.addresses = documents, starts, tuple(addresses)

    def __len__(self) -> int:
        """Steps of all documents."""
        return int(self.starts[-1])

    def spans(self, limit: int | None = None) -> list[Span]:
        """All documents, as far as they lie within so many steps."""
        ends = np.minimum(self.starts, len(self) if limit is None else limit).tolist()
        return [Span(start, stop) for start, stop in pairwise(ends) if stop > start]

    def unit(self, address: Address, place: int) -> Address:
        """The unit at a place of a signal; a trace may have kept some alone."""
        return address.of(place)

    @abstractmethod
    def passages(self, spans: Sequence[Span]) -> Iterator[Passage]:
        """The signals at the steps of some spans, given in their order; none at a step that a layer does not take."""

    def glimpses(self, part: Span) -> Iterator[Passage]:
        """Some passages from all over a part, if these can be had without reading all of it; else none."""
        return iter(())


def open_source(
    model: nn.Module | Trace,
    text: Texts | Numbers | None,
    signals: Units | None,
    characters: Sequence[str] | None = None,
) -> Source:
    """A source from a network and what it is to read, or from a trace.

    Raises
    ------
    TextError, AddressError, RecordingError
    """
    if isinstance(model, Trace):
        if text is not None:
            raise RecordingError("A trace has a text of its own; give a network to read another.")
        return _TraceSource(model, signals)
    if not isinstance(model, nn.Module):
        raise RecordingError(
            f"A network or a trace is searched; got {type(model).__name__}. rnnscope.load opens a file."
        )
    if text is None:
        raise RecordingError("A network needs a text to read; a trace has its own.")
    return _ModelSource(model, text, signals, characters)


class _TraceSource(Source):
    def __init__(self, trace: Trace, signals: Units | None) -> None:
        numbers = trace.tree.dataset["document"].values
        starts = np.searchsorted(numbers, np.arange(len(trace.documents) + 1))
        super().__init__(_Texts(trace, starts), starts, whole_signals(signals, trace.addresses))
        self._trace = trace
        self._units = {address: trace[address]["unit"].values for address in self.addresses}

    def unit(self, address: Address, place: int) -> Address:
        return address.of(self._units[address][place])

    def passages(self, spans: Sequence[Span]) -> Iterator[Passage]:
        layers: dict[str, dict[Address, xr.DataArray]] = {}
        for address in self.addresses:
            layers.setdefault(address.node, {})[address] = self._trace[address]
        room = max(1, _VALUES // sum(map(len, self._units.values())))
        for span in _joined(spans):
            for start in range(span.start, span.stop, room):
                for arrays in layers.values():
                    passage = _slice(arrays, start, min(start + room, span.stop))
                    if len(passage.steps):
                        yield passage

    def glimpses(self, part: Span) -> Iterator[Passage]:
        starts = np.linspace(part.start, max(part.start, part.stop - _GLIMPSE), _GLIMPSES).astype(int)
        return self.passages([Span(start, min(start + _GLIMPSE, part.stop)) for start in np.unique(starts).tolist()])


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in their order, those that follow each other or overlap made one."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].stop:
            joined[-1] = Span(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def _slice(arrays: Mapping[Address, xr.DataArray], start: int, stop: int) -> Passage:
    values = {address: np.asarray(array[start:stop], np.float32) for address, array in arrays.items()}
    taken = ~np.isnan(next(iter(values.values()))).all(axis=1)
    steps = np.arange(start, stop)
    if not taken.all():
        steps, values = steps[taken], {address: array[taken] for address, array in values.items()}
    return Passage(steps, {address: torch.from_numpy(array) for address, array in values.items()})


class _Texts(Sequence[Document]):
    """The documents of a trace, each read when it is asked for."""

    def __init__(self, trace: Trace, starts: np.ndarray) -> None:
        self._trace, self._starts = trace, starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Document:  # pyright: ignore[reportIncompatibleMethodOverride]
        start, stop = (int(step) for step in self._starts[index : index + 2])
        return Document(self._trace.documents[index], self._trace.text_between(start, stop))


class _ModelSource(Source):
    def __init__(
        self, model: nn.Module, text: Texts | Numbers, signals: Units | None, characters: Sequence[str] | None
    ) -> None:
        check_mode(model)
        self._reader = reader_of(model, characters)
        self._pages = self._reader.pages(text)
        self._model, self._signals = model, signals
        self.whole = self._reader.whole
        starts = np.cumsum([0, *(len(page.text) for page in self._pages)])
        with record(model, signals) as recording:
            super().__init__(self._pages, starts, list(recording))
            if self.whole:
                demand_memory(model, recording, int(np.diff(starts).max()))

    def passages(self, spans: Sequence[Span]) -> Iterator[Passage]:
        with record(self._model, self._signals) as recording, torch.no_grad():
            if isinstance(self._reader, LanguageModelReader) and not self.whole:
                for steps, kept in self._streams(self._reader, spans):
                    yield Passage(steps, {a: _rows(recording[a], kept) for a in recording})
                return
            for stretch, steps in self._stretches(spans):
                yield from self._by_layer(stretch, steps, {a: recording[a] for a in recording})
                recording.clear()

    def _streams(self, reader: LanguageModelReader, spans: Sequence[Span]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read spans side by side: the steps of each run, and which of (time, stream) they are."""
        segments = sorted(self._cut(spans), key=lambda span: span.start - span.stop)
        units = reader.model.config.hidden_size * len(self.addresses)
        for first in range(0, len(segments), STREAMS):
            group = segments[first : first + STREAMS]
            warm = np.array([self._warm_up(span) for span in group])
            tokens = side_by_side([self._tokens(reader, span, int(w)) for span, w in zip(group, warm, strict=True)])
            begins = np.array([span.start for span in group]) - warm
            ends = np.array([span.stop for span in group])
            room, state = max(64, _VALUES // (units * len(group))), None
            for start in range(0, len(tokens), room):
                _, state = reader.run(tokens[start : start + room], state)
                steps = begins + np.arange(start, min(start + room, len(tokens)))[:, None]
                kept = (steps >= begins + warm) & (steps < ends)
                if kept.any():
                    yield steps[kept], kept

    def _cut(self, spans: Sequence[Span]) -> Iterator[Span]:
        """Spans cut into stretches of about equal length, so that about `STREAMS` of them are read side by side."""
        length = max(_SHORTEST, -(-sum(span.stop - span.start for span in spans) // STREAMS))
        for span in spans:
            page, place = self._locate(span.start)
            begun = span.start
            while span.stop - begun > length * 3 // 2:
                latest = place + begun + length - span.start
                paragraph = page.text.rfind("\n\n", latest - length // 4, latest) + 2
                cut = begun + length if paragraph < 2 else span.start + paragraph - place
                yield Span(begun, cut)
                begun = cut
            yield Span(begun, span.stop)

    def _warm_up(self, span: Span) -> int:
        """How many characters to read before a stretch: from its document's start, or after a blank line."""
        page, place = self._locate(span.start)
        if place <= WARM_UP:
            return place
        latest, earliest = place - WARM_UP, max(0, place - 4 * WARM_UP)
        found = ((page.text.rfind(end, earliest, latest), len(end)) for end in ("\n\n", "\n"))
        return place - next((begins + size for begins, size in found if begins >= 0), latest)

    def _tokens(self, reader: LanguageModelReader, span: Span, warm: int) -> np.ndarray:
        page, place = self._locate(span.start)
        return reader.tokens(page, place - warm, place + span.stop - span.start)

    def _locate(self, step: int) -> tuple[Page, int]:
        """The page of a step, and its place there."""
        number = np.searchsorted(self.starts, step, side="right") - 1
        return self._pages[number], int(step - self.starts[number])

    def _stretches(self, spans: Sequence[Span]) -> Iterator[tuple[Stretch, np.ndarray]]:
        """Read the documents of spans whole: each stretch with its steps, -1 for those outside of the spans."""
        first, last = (np.searchsorted(self.starts, step, side="right") - 1 for step in (spans[0][0], spans[-1][1] - 1))
        begin, end = int(self.starts[first]), int(self.starts[last + 1])
        steps = np.full(end - begin, -1)
        for start, stop in spans:
            steps[start - begin : stop - begin] = np.arange(start, stop)
        done = 0
        for stretch in self._reader.read(self._pages[first : last + 1]):
            yield stretch, steps[done : done + len(stretch)]
            done += len(stretch)

    def _by_layer(self, stretch: Stretch, steps: np.ndarray, signals: Mapping[Address, Tensor]) -> Iterator[Passage]:
        for module, clock in stretch.clocks.items():
            places = steps[clock.places]
            kept = places >= 0
            own = {a: clock.pick(values)[kept].float().cpu() for a, values in signals.items() if a.module == module}
            if own and kept.any():
                yield Passage(places[kept], own)


def _rows(values: Tensor, kept: np.ndarray) -> Tensor:
    """The values kept of a signal of shape (time, stream, unit), as (time, unit)."""
    if kept.all():
        return values.flatten(0, 1).float().cpu()
    return values[torch.from_numpy(kept).to(values.device)].float().cpu()

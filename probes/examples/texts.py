"""Examples from whole texts: what units hold when a network has read to the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.arguments import check_one_of
from rnnscope.corpora.labelled import LabelledText, key_of
from rnnscope.errors import ProbeError, RecordingError
from rnnscope.models.network import check_mode
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address, Units
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import record
from rnnscope.text import Document, counted
from rnnscope.tracing.making import reader_of
from rnnscope.tracing.readers.reader import Clock, Page, Reader

from .examples import Examples
from .reading import Wanted, asked, existing

Pooling = Literal["last", "mean", "max"]

_WORDS = {
    "last": "after the last character",
    "mean": "on average over the characters",
    "max": "at its largest over the characters",
}


def text_examples(
    model: nn.Module,
    texts: Sequence[LabelledText],
    *,
    units: Units | None = None,
    pooling: Pooling = "last",
    characters: Sequence[str] | None = None,
) -> Examples:
    """One example a text: what units hold after its last character, as Radford et al. (2017) take the cell state.

    Each text is read from a zero state, many of like length side by side. A layer of the reverse direction ends at
    the text's first character. Texts that differ in case or white space alone are one group, so that none is both
    trained and tested on; the type of an example is the text's last word.

    Parameters
    ----------
    model : nn.Module in eval mode
        One that reads texts: a language model from `rnnscope`, a classifier, or any module with recurrent layers that
        takes token ids of shape (time, batch).
    texts : sequence of LabelledText
        Of two classes or more; see `rnnscope.corpora.labelled`.
    units
        As for `step_examples`.
    pooling : {"last", "mean", "max"}
        What is taken of a unit: its value at the end, or the mean or the largest of all steps. The head of a
        classifier with such pooling reads that of h.
    characters : sequence of str, optional
        For a module that has no vocabulary of its own: the character of each token id.

    Returns
    -------
    Examples

    Raises
    ------
    ProbeError
        If these are no labelled texts of two classes, or one has no character.
    ArgumentError
        If the pooling is another.
    ModelError
        If the network is in training mode.
    RecordingError
        If no layer of it reads each text.
    AddressError
        If a unit does not exist.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.labelled import LabelledText
    >>> from rnnscope.probes import text_examples
    >>> texts = [LabelledText("a good film", "positive"), LabelledText("a dull film", "negative")]
    >>> text_examples(rnnscope.load(rnnscope.trained.path("sentiment-classifier")), texts, pooling="max")
    l0.h at its largest over the characters of 2 texts
    2 examples of 96 units in 2 groups: negative 1, positive 1.
    """
    texts = check_texts(texts)
    classes = sorted({text.label for text in texts})
    if len(classes) < 2:
        raise ProbeError(f"Texts of two classes or more are needed; got {', '.join(classes)}.")
    check_one_of(pooling, "pooling", tuple(_WORDS))
    if not isinstance(model, nn.Module):
        raise ProbeError(f"A network was expected; got {type(model).__name__}. rnnscope.load opens a file.")
    check_mode(model)
    wanted = asked(model, units)
    values, names = _values(model, texts, wanted, pooling, reader_of(model, characters))
    keys = [key_of(text.text) for text in texts]
    return Examples(
        values=values,
        labels=np.array([classes.index(text.label) for text in texts]),
        classes=tuple(classes),
        units=tuple(map(str, names)),
        groups=_codes(keys),
        types=_codes([key.rpartition(" ")[2] for key in keys]),
        what=f"{', '.join(map(str, wanted))} {_WORDS[pooling]} of {counted(len(texts), 'text')}",
    )


def check_texts(texts: Sequence[LabelledText]) -> list[LabelledText]:
    """Labelled texts, one or more, of at least one character each.

    Raises
    ------
    ProbeError
    """
    given = list(texts) if isinstance(texts, Iterable) else []
    if not given or not all(isinstance(text, LabelledText) for text in given):
        raise ProbeError("Labelled texts were expected, such as rnnscope.corpora.labelled.open_labelled(...).examples.")
    if empty := sum(not text.text for text in given):
        raise ProbeError(f"Each text has one character or more; {empty:,} of {len(given):,} are empty.")
    return given


def _codes(keys: Sequence[str]) -> np.ndarray:
    return np.unique(np.array(keys), return_inverse=True)[1]


@torch.no_grad()
def _values(
    model: nn.Module,
    texts: Sequence[LabelledText],
    wanted: Wanted,
    pooling: Pooling,
    reader: Reader,
) -> tuple[np.ndarray, list[Address]]:
    """The values of shape (text, unit), and the addresses of the units."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number].text))
    pages = reader.pages([Document(f"text {number}", texts[number].text) for number in order])
    stops = np.cumsum([len(page.text) for page in pages])
    pools = {address: _Pool(pooling, address.reverse, len(texts)) for address in wanted}
    with record(model, list(map(str, wanted))) as recording, progress_bar() as bar:
        task = bar.add_task("reading texts", total=int(stops[-1]))
        for start, clocks, steps in _stretches(reader, pages, recording):
            for address, pool in pools.items():
                clock = clocks[address.module]
                pool.take(np.searchsorted(stops, start + clock.places, side="right"), clock, recording[address])
            bar.advance(task, steps)
    parts, names = [], []
    for address, units in wanted.items():
        pooled = pools[address].values
        chosen = existing(address, units, pooled.shape[1])
        parts.append(pooled[:, chosen])
        names += [address.of(unit) for unit in chosen]
    values = np.empty((len(texts), len(names)), np.float32)
    values[order] = np.concatenate(parts, axis=1)
    if not np.isfinite(values).all():
        raise RecordingError("Some texts have no step in a layer that is asked for, or its values are not finite.")
    return values, names


class _Pool:
    """One value of each unit for each text, from stretches of them."""

    def __init__(self, pooling: Pooling, reverse: bool, texts: int) -> None:
        self._pooling, self._reverse = pooling, reverse
        self._held, self._steps = np.empty((texts, 0), np.float32), np.zeros(texts)

    @property
    def values(self) -> np.ndarray:
        """Of shape (text, unit)."""
        return self._held / self._steps[:, None] if self._pooling == "mean" else self._held

    def take(self, texts: np.ndarray, clock: Clock, signal: Tensor) -> None:
        """Take in a signal of shape (time, batch, unit), and the text of each entry of its clock."""
        order = np.lexsort((clock.steps, texts))
        rows, first, counts = np.unique(texts[order], return_index=True, return_counts=True)
        if not self._held.shape[1]:
            start = 0.0 if self._pooling == "mean" else -np.inf if self._pooling == "max" else np.nan
            self._held = np.full((len(self._held), signal.shape[-1]), start, np.float32)
        self._steps[rows] += counts
        if self._pooling == "last":
            ends = order[first if self._reverse else first + counts - 1]
            self._held[rows] = signal[clock.steps[ends], clock.columns[ends]].float().cpu().numpy()
            return
        values = clock.pick(signal)[order].float().cpu().numpy()
        if self._pooling == "mean":
            self._held[rows] += np.add.reduceat(values, first)
        else:
            self._held[rows] = np.maximum(self._held[rows], np.maximum.reduceat(values, first))


def _stretches(
    reader: Reader, pages: Sequence[Page], recording: Recording
) -> Iterator[tuple[int, Mapping[str, Clock], int]]:
    """Each stretch that is read: its first step in all that is read, its clocks, its steps."""
    start = 0
    for stretch in reader.read(pages):
        yield start, stretch.clocks, len(stretch)
        start += len(stretch)
        recording.clear()

"""A text cut into streams that can be read side by side, and what one plain pass over it tells of the units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnscope.analysis.language_models import States, run, zeros
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import record

STREAM = 4_000
"""Characters of a document that are counted in a stream; a shorter document is one stream."""

WARM_UP = 500
"""Characters that a stream in the midst of a document reads before those that are counted."""

_PLACES = 4_096
"""Random places of a text at which values are kept."""


@dataclass(frozen=True)
class Stream:
    """A part of a document.

    Attributes
    ----------
    tokens : int64 tensor of shape (step + 1,)
        What is read, and the character after it.
    states : tuple of tensors of shape (layer, 1, unit)
        The network's before the first step.
    warm : int
        The first steps, which are not counted.
    first : int
        The number of the first counted step among the counted steps of all streams.
    """

    tokens: Tensor
    states: States
    warm: int
    first: int

    @property
    def steps(self) -> int:
        return len(self.tokens) - 1


class Streams:
    """What a plain pass over documents leaves: the streams, and how units behave.

    Attributes
    ----------
    parts : list of Stream
    steps : int
        Counted steps in all: one less than characters in each document.
    """

    def __init__(self, signals: Sequence[Address], steps: int, seed: int) -> None:
        self.parts: list[Stream] = []
        self.steps = steps
        rng = np.random.default_rng(seed)
        self._places = np.sort(rng.choice(steps, min(steps, _PLACES), replace=False))
        self._sums: dict[Address, np.ndarray] = {signal: np.zeros((2, 1)) for signal in signals}
        self._kept: dict[Address, list[np.ndarray]] = {signal: [] for signal in signals}
        self._read = 0

    def take(self, recording: Recording) -> None:
        """Take in the values of the steps that follow."""
        read = self._read
        for signal, sums in self._sums.items():
            values = recording[signal][:, 0].cpu().double().numpy()
            self._read = read + len(values)
            self._sums[signal] = sums + np.stack((values.sum(axis=0), (values**2).sum(axis=0)))
            first, last = np.searchsorted(self._places, (read, self._read))
            self._kept[signal].append(values[self._places[first:last] - read].astype(np.float32))

    def mean(self, signal: Address) -> np.ndarray:
        """The mean of each unit, of shape (unit,)."""
        return self._sums[signal][0] / self.steps

    def std(self, signal: Address) -> np.ndarray:
        """The standard deviation of each unit, of shape (unit,)."""
        return np.sqrt(np.maximum(0.0, self._sums[signal][1] / self.steps - self.mean(signal) ** 2))

    def spread(self, units: Sequence[Address]) -> list[float]:
        """The standard deviation of each of some units."""
        return [float(self.std(unit.whole)[unit.unit]) for unit in units]

    def values(self, signal: Address) -> np.ndarray:
        """The values at random places of the text, the same ones for all signals, of shape (place, unit)."""
        return np.concatenate(self._kept[signal])


@torch.no_grad()
def cut_streams(model: CharLanguageModel, documents: Sequence[Tensor], units: Sequence[Address], seed: int) -> Streams:
    """Read documents once, each from a zero state, and cut them into streams.

    Parameters
    ----------
    model : CharLanguageModel that reads forward
    documents : sequence of int64 tensors of shape (time,), each of at least two characters
    units : sequence of Address
        All units of their signals are looked at.
    seed : int
        For the random places.
    """
    signals = list(dict.fromkeys(unit.whole for unit in units))
    found, counted = Streams(signals, sum(len(tokens) - 1 for tokens in documents), seed), 0
    with record(model, [str(signal) for signal in signals]) as recording:
        for tokens in documents:
            states, steps = zeros(model), len(tokens) - 1
            starts = [max(0, first - WARM_UP) for first in range(0, steps, STREAM)]
            for number, (start, following) in enumerate(zip(starts, [*starts[1:], steps], strict=True)):
                first = number * STREAM
                part = tokens[start : min(first + STREAM, steps) + 1]
                found.parts.append(Stream(part, states, first - start, counted + first))
                if start < following:
                    _, states = run(model, tokens[start:following, None], states)
                    found.take(recording)
            counted += steps
    return found

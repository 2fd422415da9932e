"""The states of one true reading by a language model at single places of a text, and how much each unit varies in it.

`rnnscope.analysis.gradients.stretches` reads any module, in float64, and keeps what its layer reads instead;
`rnnscope.analysis.gradients.windows` keeps all signals of many steps that follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnscope.analysis.language_models import States, run, zeros
from rnnscope.errors import ModelError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.layers import recurrent_layers, states_of
from rnnscope.recording.recorder import record
from rnnscope.text import Document

_CHUNK = 2_000
"""Steps that are read at once."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Documents as token ids, one after another.

    Attributes
    ----------
    ids : int64 tensor of shape (time,)
    starts : int array of shape (document + 1,)
        Where each document begins, and the number of characters.
    """

    ids: Tensor
    starts: np.ndarray

    @classmethod
    def of(cls, model: CharLanguageModel, documents: Sequence[Document]) -> Tokens:
        """The documents in the network's vocabulary.

        Raises
        ------
        TextError
            If the network does not know most of the characters.
        """
        ids = torch.cat([torch.from_numpy(model.vocabulary.encode(document.text)) for document in documents])
        if 2 * int((ids == 0).sum()) > len(ids):
            raise TextError("The network does not know most characters of this text: it was trained on other ones.")
        return cls(ids, np.concatenate(([0], np.cumsum([len(document.text) for document in documents]))))

    @property
    def longest(self) -> int:
        """Characters of the longest document."""
        return int(np.diff(self.starts).max())

    def words(self, more: int) -> str:
        """How many characters there are, out of a text that has some more."""
        count = len(self.ids)
        return f"the first {count:,} of {count + more:,}" if more else f"{count:,}"

    def between(self, before: int, after: int) -> np.ndarray:
        """The places that have so many characters of their document before them, and so many after."""
        lengths = np.diff(self.starts)
        starts, stops = np.repeat(self.starts[:-1], lengths), np.repeat(self.starts[1:], lengths)
        places = np.arange(len(self.ids))
        return np.flatnonzero((places - starts >= before) & (stops - places > after))


@dataclass(frozen=True, eq=False)
class TrueStates:
    """The states after some characters, all of a document having been read up to there.

    Attributes
    ----------
    places : int array of shape (place,)
        The characters, ascending.
    values : dict of Address to float tensor of shape (place, unit)
        One entry a state signal of each layer.
    std : dict of Address to float array of shape (unit,)
        How much each unit varies over the whole text.
    """

    places: np.ndarray
    values: dict[Address, Tensor]
    std: dict[Address, np.ndarray]

    def after(self, places: np.ndarray) -> States:
        """The states after characters that are among the places, in any order."""
        rows = torch.from_numpy(np.searchsorted(self.places, places))
        names = list(dict.fromkeys(address.signal for address in self.values))
        return tuple(
            torch.stack([values[rows] for address, values in self.values.items() if address.signal == name])
            for name in names
        )


@torch.no_grad()
def true_states(model: CharLanguageModel, tokens: Tokens, places: np.ndarray) -> TrueStates:
    """Read documents once, each from a zero state, and keep the states after some characters.

    Parameters
    ----------
    model : CharLanguageModel that reads forward
    tokens : Tokens
    places : int array of shape (place,)
        Characters, in any order; some may be named twice.

    Raises
    ------
    ModelError
        If a state is not finite.
    """
    places, signals = np.unique(places), states_of(recurrent_layers(model))
    kept: dict[Address, list[Tensor]] = {signal: [] for signal in signals}
    moments: dict[Address, np.ndarray] = {signal: np.zeros((2, 1)) for signal in signals}
    with progress_bar() as bar, record(model, [str(signal) for signal in signals]) as recording:
        task = bar.add_task("true states", total=len(tokens.ids))
        for start, stop in zip(tokens.starts[:-1].tolist(), tokens.starts[1:].tolist(), strict=True):
            states = zeros(model)
            for first in range(start, stop, _CHUNK):
                part = tokens.ids[first : min(first + _CHUNK, stop)]
                _, states = run(model, part[:, None], states)
                low, high = np.searchsorted(places, (first, first + len(part)))
                rows = torch.from_numpy(places[low:high] - first)
                for signal in signals:
                    values = recording[signal][:, 0]
                    kept[signal].append(values[rows])
                    moments[signal] = moments[signal] + _moments(values)
                bar.advance(task, len(part))
    std = {signal: _std(moments[signal], len(tokens.ids)) for signal in signals}
    if lost := next((signal for signal in signals if not np.isfinite(std[signal]).all()), None):
        raise ModelError(f"{lost} is not finite somewhere in this text: the network is broken. Train it anew.")
    return TrueStates(places, {signal: torch.cat(parts) for signal, parts in kept.items()}, std)


def _moments(values: Tensor) -> np.ndarray:
    exact = values.cpu().double().numpy()
    return np.stack((exact.sum(axis=0), (exact**2).sum(axis=0)))


def _std(moments: np.ndarray, steps: int) -> np.ndarray:
    mean, square = moments / steps
    return np.sqrt(np.maximum(0.0, square - mean**2))

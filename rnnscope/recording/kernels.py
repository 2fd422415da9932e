"""PyTorch's fused kernels: a call in one form for all of them, and the ways to run it.

`Call.parse` reads what nn.RNN, nn.GRU and nn.LSTM hand to their kernels once they have checked and
sorted their input: batched, packed or not, states given. `run` computes it with the same kernels,
a layer at a time, and recovers what they hide.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnnscope.cells import CELLS, Cell
from rnnscope.errors import RecordingError

from . import workspace
from .adapter import States
from .memory import empty
from .recovery import Pass, recover
from .steps import LayerWeights

KERNELS: dict[Any, Cell] = {
    torch.lstm: CELLS["lstm"],
    torch.gru: CELLS["gru"],
    torch.rnn_tanh: CELLS["rnn"],
    torch.rnn_relu: CELLS["rnn"],
}

_LONG = 2**28
"""Gate values from which on a kernel is given a long sequence in pieces: it holds them all at once."""


class Place(NamedTuple):
    """A layer and direction of a module."""

    layer: int
    reverse: bool


class Found(NamedTuple):
    """The signals of one layer and direction in one call.

    Attributes
    ----------
    place : Place
    signals : dict of name to tensor of shape (time, batch, unit)
        In the order of the text, zero beyond a sequence's end.
    lengths : tensor of shape (batch,), or None
    error : float
        See `rnnscope.recording.recovery.recover`.
    steps : dict of name to list of tensors of shape (batch, unit)
        Where the layer ran step by step: the same before they were stacked, in the order of reading.
    """

    place: Place
    signals: dict[str, Tensor]
    lengths: Tensor | None
    error: float
    steps: dict[str, list[Tensor]]


class Observer(Protocol):
    """Takes in the signals of a call, layer by layer."""

    def wanted(self, place: Place) -> set[str]:
        """The names of the signals to be kept."""
        ...

    def receive(self, found: Found) -> None: ...


@dataclass(frozen=True)
class Call:
    """A call of a fused kernel.

    Attributes
    ----------
    kernel : callable
        torch.lstm, torch.gru, torch.rnn_tanh or torch.rnn_relu.
    x : tensor of shape (time, batch, input), or (row, input) if packed
    batch_sizes : tensor of shape (time,), or None
        Sequences at each step, if packed.
    states : tuple of tensors of shape (layer x direction, batch, unit)
    weights : list of lists of tensors
        In PyTorch's order, by layer x direction.
    """

    kernel: Callable[..., Any]
    x: Tensor
    batch_sizes: Tensor | None
    states: States
    weights: list[list[Tensor]]
    bias: bool
    layers: int
    dropout: float
    train: bool
    bidirectional: bool
    turned: bool
    """Whether the kernel was given the batch first; here time always is."""

    @classmethod
    def parse(cls, kernel: Callable[..., Any], args: Sequence[Any]) -> Call:
        """Read a kernel's arguments; input that has the batch first is turned."""
        packed = isinstance(args[1], Tensor) and not args[1].is_floating_point()
        x, batch_sizes, states, flat, bias, layers, dropout, train, bidirectional = (
            args[:9] if packed else (args[0], None, *args[1:8])
        )
        turned = not packed and args[8]
        x = x.transpose(0, 1) if turned else x
        each = len(flat) // (layers * (1 + bidirectional))
        weights = [[*flat[i : i + each]] for i in range(0, len(flat), each)]
        states = tuple(states) if isinstance(states, tuple | list) else (states,)
        return cls(kernel, x, batch_sizes, states, weights, bias, layers, dropout, train, bidirectional, turned)

    @property
    def cell(self) -> Cell:
        return KERNELS[self.kernel]

    def dense(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """A sequence of shape (time, batch, ...) and its true lengths, where they differ."""
        if self.batch_sizes is None:
            return x, None
        return pad_packed_sequence(PackedSequence(x, self.batch_sizes))

    def rows(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """The opposite of `dense`."""
        return x if lengths is None else pack_padded_sequence(x, lengths).data

    @property
    def dropped(self) -> bool:
        """Whether values are dropped between the layers."""
        return self.train and self.dropout > 0 and self.layers > 1

    def places(self, layer: int) -> list[Place]:
        return [Place(layer, reverse) for reverse in (False, True)[: 1 + self.bidirectional]]

    def row(self, place: Place) -> int:
        """The place in ``states`` and ``weights``."""
        return place.layer * (1 + self.bidirectional) + place.reverse

    def initial(self, place: Place) -> States:
        """The states before the first step, each of shape (batch, unit)."""
        return tuple(s[self.row(place)] for s in self.states)

    def layer_weights(self, place: Place) -> LayerWeights:
        raw = self.weights[self.row(place)]
        b_ih, b_hh = raw[2:4] if self.bias else (None, None)
        projection = raw[-1] if len(raw) > 2 + 2 * self.bias else None
        nonlinearity = "relu" if self.kernel is torch.rnn_relu else "tanh"
        return LayerWeights(raw[0], raw[1], b_ih, b_hh, projection, nonlinearity)

    def whole(self) -> tuple[Tensor, ...]:
        """The module's own run of its kernel."""
        flat = [weight for weights in self.weights for weight in weights]
        return self._kernel(self.x, self.states, flat, self.layers, self.dropout)

    def one_layer(self, layer: int, x: Tensor) -> tuple[Tensor, ...]:
        """One layer, both directions, by the same kernel: output, last states."""
        rows = slice(self.row(Place(layer, False)), self.row(Place(layer + 1, False)))
        weights = [weight for direction in self.weights[rows] for weight in direction]
        states = tuple(s[rows].contiguous() for s in self.states)
        if self.batch_sizes is None and not self.bidirectional and (pieces := self._pieces(x)) > 1:
            return self._by_pieces(x.tensor_split(pieces), states, weights)
        return self._kernel(x, states, weights, 1, 0.0)

    def _pieces(self, x: Tensor) -> int:
        if torch.is_grad_enabled():
            return 1
        return -(-x.shape[0] * x.shape[1] * len(self.weights[0][0]) // _LONG)

    def _by_pieces(self, pieces: Sequence[Tensor], states: States, weights: list[Tensor]) -> tuple[Tensor, ...]:
        outputs = []
        for piece in pieces:
            output, *last = self._kernel(piece, states, weights, 1, 0.0)
            outputs.append(output)
            states = tuple(last)
        return torch.cat(outputs), *states

    def _kernel(
        self, x: Tensor, states: States, weights: list[Tensor], layers: int, dropout: float
    ) -> tuple[Tensor, ...]:
        given = states if self.cell is CELLS["lstm"] else states[0]
        options = (weights, self.bias, layers, dropout, self.train, self.bidirectional)
        if self.batch_sizes is None:
            return self.kernel(x, given, *options, False)
        return self.kernel(x, self.batch_sizes, given, *options)


def run(call: Call, observer: Observer) -> tuple[Tensor, ...]:
    """Run a call with the kernels that the module itself would use, and show its signals.

    On a CPU the layers run one at a time, which is what PyTorch does there, too, to the last bit. On
    other devices the call runs as it is, and the lower layers run a second time.

    Returns
    -------
    tuple of tensors
        What the kernel returns.
    """
    if call.x.device.type == "cpu":
        return _run_layers(call, observer)
    top = call.layers - 1
    below = any(observer.wanted(place) for layer in range(top) for place in call.places(layer))
    hidden = any(observer.wanted(place) - {"h"} for place in call.places(top))
    again = top > 0 and (below or hidden)
    if again and call.dropped:
        raise RecordingError(
            f"On {call.x.device.type}, dropout between layers hides what the upper layers read. "
            "Call eval() first, record on the CPU, or use rnnscope.unroll."
        )
    done = call.whole()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        x = _run_again(call, observer) if again else call.x
    _observe(call, top, x, (done[0], *(states[-1 - call.bidirectional :] for states in done[1:])), observer)
    return done


def _run_layers(call: Call, observer: Observer) -> tuple[Tensor, ...]:
    x, lasts = call.x, []
    for layer in range(call.layers):
        output, last = _run_layer(call, layer, x, observer)
        lasts.append(last)
        x = torch.dropout(output, call.dropout, True) if call.dropped and layer < call.layers - 1 else output
    return x, *(torch.cat(states) for states in zip(*lasts, strict=True))


def _run_layer(call: Call, layer: int, x: Tensor, observer: Observer) -> tuple[Tensor, States]:
    places = call.places(layer)
    hidden = call.cell is CELLS["lstm"] and any(observer.wanted(place) - {"h"} for place in places)
    if hidden and call.batch_sizes is None:
        weights, initial = call.layer_weights(places[0]), call.initial(places[0])
        if workspace.serves(weights, x, initial):
            with suppress(RecordingError):  # its memory is not as the trial found it
                return _run_kept(call, places, x, observer)
    output, *last = call.one_layer(layer, x)
    _observe(call, layer, x, (output, *last), observer)
    return output, tuple(last)


def _run_kept(call: Call, places: list[Place], x: Tensor, observer: Observer) -> tuple[Tensor, States]:
    """A layer of LSTM whose signals are read from the kernel's workspace."""
    outputs, lasts, shown = [], [], []
    for place in places:
        weights = call.layer_weights(place)
        signals = _empty_signals(observer.wanted(place), x.shape[:2], weights, x)
        h, last, error = workspace.run(weights, x, call.initial(place), signals, place.reverse)
        outputs.append(h)
        lasts.append(last)
        shown.append((place, signals, None, error))
    for one in shown:
        show(observer, *one)
    return torch.cat(outputs, dim=-1), tuple(map(torch.stack, zip(*lasts, strict=True)))


@torch.no_grad()
def _run_again(call: Call, observer: Observer) -> Tensor:
    """Run the layers below the top one once more, and show their signals; what the top one reads."""
    x = call.x
    for layer in range(call.layers - 1):
        ran = call.one_layer(layer, x)
        _observe(call, layer, x, ran, observer)
        x = ran[0]
    return x


@torch.no_grad()
def _observe(call: Call, layer: int, x: Tensor, ran: tuple[Tensor, ...], observer: Observer) -> None:
    """Recover and show the signals of a layer that has run."""
    if not any(observer.wanted(place) for place in call.places(layer)):
        return
    (x, lengths), (output, _) = call.dense(x), call.dense(ran[0])
    for place, h in zip(call.places(layer), output.chunk(1 + call.bidirectional, dim=-1), strict=True):
        weights, names = call.layer_weights(place), observer.wanted(place)
        inputs, h = flip(x, place, lengths), flip(h, place, lengths)
        signals = _empty_signals(names, h.shape[:2], weights, h)
        if "h" in names:
            signals["h"].copy_(h)
        last = tuple(states[int(place.reverse)] for states in ran[1:])
        done = Pass(inputs, h, call.initial(place), last, lengths)
        show(observer, place, signals, lengths, recover(call.cell, weights, done, signals))


def show(
    observer: Observer,
    place: Place,
    signals: dict[str, Tensor],
    lengths: Tensor | None,
    error: float = 0.0,
    steps: dict[str, list[Tensor]] | None = None,
) -> None:
    """Hand over the signals of a layer and direction, given in the order of reading."""
    if lengths is not None:
        signals = {name: cut(values, lengths) for name, values in signals.items()}
    signals = {name: flip(values, place, lengths) for name, values in signals.items()}
    observer.receive(Found(place, signals, lengths, error, steps or {}))


def cut(signal: Tensor, lengths: Tensor) -> Tensor:
    """A signal of shape (time, batch, unit), zero beyond the ends of its sequences."""
    beyond = (torch.arange(len(signal), device="cpu")[:, None] >= lengths.cpu())[..., None]
    return signal.masked_fill(beyond.to(signal.device), 0)


def flip(sequence: Tensor, place: Place, lengths: Tensor | None = None) -> Tensor:
    """Between the order of the text and that of reading, of shape (time, batch, ...).

    What a reverse layer reads is turned sequence by sequence; what lies beyond an end stays there.
    """
    if not place.reverse:
        return sequence
    if lengths is None:
        return sequence.flip(0)
    steps = torch.arange(len(sequence), device=lengths.device)[:, None]
    index = torch.where(steps < lengths, lengths - 1 - steps, steps).to(sequence.device)
    return sequence.gather(0, index[..., None].expand_as(sequence))


def _empty_signals(names: set[str], shape: torch.Size, weights: LayerWeights, like: Tensor) -> dict[str, Tensor]:
    outputs, units = weights.hh.shape[1], (weights.hh.shape[1] if weights.hr is None else weights.hr.shape[1])
    return {name: empty((*shape, outputs if name == "h" else units), like) for name in names}

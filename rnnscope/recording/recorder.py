"""Recording the signals of any network that holds recurrent layers, while it runs as usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rnnscope.cells import CELLS, Cell, cell_of
from rnnscope.errors import AddressError, RecordingError

from .address import Address, find
from .recovery import LayerWeights, recover


class Recording:
    """The signals of a network's last pass, by address.

    ``recording["l0.c"]`` is a tensor of shape (time, batch, unit), ``recording["l0.c.37"]`` one of
    shape (time, batch). Values are detached from the graph.

    Attributes
    ----------
    error : float
        The largest difference found by the self-check, see `rnnscope.recording.recovery.recover`.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self.addresses = tuple(addresses)
        self.error = 0.0
        self._signals: dict[Address, Tensor] = {}

    def __getitem__(self, address: str | Address) -> Tensor:
        address = find(address, self.addresses)
        if address.whole not in self._signals:
            raise RecordingError(
                f"Nothing is recorded at {address}: the network has not run inside the with block yet."
            )
        signal = self._signals[address.whole]
        if address.unit is None:
            return signal
        if address.unit >= signal.shape[-1]:
            raise AddressError(
                f"There is no unit {address.unit} in {address.whole}. Units: 0 to {signal.shape[-1] - 1}."
            )
        return signal[..., address.unit]

    def __iter__(self) -> Iterator[Address]:
        return iter(self.addresses)

    def __repr__(self) -> str:
        return f"Recording({', '.join(map(str, self.addresses))})"

    def keep(self, signals: dict[Address, Tensor], error: float) -> None:
        """Take in the signals of one layer."""
        self._signals.update(signals)
        self.error = max(self.error, error)


@contextmanager
def record(module: nn.Module, signals: Sequence[str] | None = None) -> Iterator[Recording]:
    """Record the recurrent layers of a network while it runs.

    The network's outputs are untouched: h of the top layer is read from them, the layers below run
    a second time, and cell states and gates are recovered (see `rnnscope.recording.recovery`).
    Packed sequences, ``proj_size``, dropout between layers in training mode, and cells called in a
    loop of one's own are not recorded.

    Parameters
    ----------
    module : nn.Module
        With one or more nn.RNN, nn.GRU or nn.LSTM anywhere inside.
    signals : sequence of str, optional
        Names (``"c"``) or addresses (``"l0.c"``) of the signals to keep; all if not given.

    Yields
    ------
    Recording
        Filled when the network runs; a later pass replaces an earlier one.

    Raises
    ------
    RecordingError
        If there is no recurrent layer, or it runs in a way that cannot be recorded.
    AddressError
        If a signal does not exist.

    Examples
    --------
    >>> with rnnscope.record(model) as recording:
    ...     logits, state = model(tokens)
    >>> recording["l0.c"].shape
    torch.Size([100, 1, 256])
    """
    layers = {name: m for name, m in module.named_modules() if isinstance(m, nn.RNNBase)}
    if not layers:
        raise RecordingError(f"{type(module).__name__} holds no recurrent layer: no nn.RNN, nn.GRU or nn.LSTM inside.")
    if any(layer.proj_size for layer in layers.values()):
        raise RecordingError("An LSTM with proj_size cannot be recorded.")
    if len(layers) == 1:
        layers = {"": next(iter(layers.values()))}
    recording = Recording(_wanted([a for name, m in layers.items() for a in addresses_of(m, name)], signals))
    hooks = [m.register_forward_hook(partial(_hook, recording, name), with_kwargs=True) for name, m in layers.items()]
    try:
        yield recording
    finally:
        for hook in hooks:
            hook.remove()


def addresses_of(module: nn.RNNBase, path: str = "") -> list[Address]:
    """The addresses of all signals of a fused module."""
    return [
        Address(path, layer, reverse, signal)
        for layer in range(module.num_layers)
        for reverse in ((False, True) if module.bidirectional else (False,))
        for signal in cell_of(module).signal_names
    ]


def _wanted(known: list[Address], signals: Sequence[str] | None) -> list[Address]:
    if signals is None:
        return known
    if not signals:
        raise AddressError(f"No signal is asked for. This network has: {', '.join(map(str, known))}.")
    chosen: set[Address] = set()
    for signal in signals:
        if "." in signal:
            address = find(signal, known)
            if address.unit is not None:
                raise AddressError(f"{address} is one unit; signals are recorded whole. Ask for {address.whole}.")
            chosen.add(address)
        elif matches := [address for address in known if address.signal == signal]:
            chosen.update(matches)
        else:
            names = ", ".join(dict.fromkeys(address.signal for address in known))
            raise AddressError(f"There is no signal {signal!r} in this network. It has: {names}.")
    return [address for address in known if address in chosen]


@torch.no_grad()
def _hook(
    recording: Recording,
    path: str,
    module: nn.RNNBase,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    outputs: tuple[Any, Any],
) -> None:
    x = args[0] if args else kwargs["input"]
    state = args[1] if len(args) > 1 else kwargs.get("hx")
    _refuse_unrecordable(module, x)
    top = outputs[0]
    if x.dim() == 2:  # one sequence without a batch axis
        x, top = x.unsqueeze(1), top.unsqueeze(1)
        if state is not None:
            state = tuple(s.unsqueeze(1) for s in state) if isinstance(state, tuple) else state.unsqueeze(1)
    elif module.batch_first:
        x, top = x.transpose(0, 1), top.transpose(0, 1)

    cell = cell_of(module)
    initial = _initial_states(module, cell, state, x)
    last = outputs[1] if isinstance(outputs[1], tuple) else (outputs[1],)
    if last[0].dim() == 2:
        last = tuple(s.unsqueeze(1) for s in last)
    deepest = max((a.layer for a in recording if a.module == path), default=-1)
    for layer in range(deepest + 1):
        output = top if layer == module.num_layers - 1 else _run_layer(module, cell, layer, x, initial)
        for reverse in (False, True)[: 1 + module.bidirectional]:
            _record_direction(recording, Address(path, layer, reverse, "h"), module, cell, x, output, initial, last)
        x = output


def _record_direction(
    recording: Recording,
    place: Address,
    module: nn.RNNBase,
    cell: Cell,
    x: Tensor,
    output: Tensor,
    initial: tuple[Tensor, ...],
    last: tuple[Tensor, ...],
) -> None:
    """Keep what is wanted of one layer and direction, given its input and output over all time."""
    wanted = [address for address in recording if address.node == place.node]
    if not wanted:
        return
    size, row = module.hidden_size, place.layer * (1 + module.bidirectional) + place.reverse
    h = (output[..., size:] if place.reverse else output[..., :size]).detach()
    if place.reverse:
        x, h = x.flip(0), h.flip(0)
    signals = {address.signal: torch.empty_like(h, memory_format=torch.contiguous_format) for address in wanted}
    if "h" in signals:
        signals["h"].copy_(h)
    weights = LayerWeights.of(module, place.layer, place.reverse)
    error = recover(cell, weights, x, h, tuple(s[row] for s in initial), tuple(s[row] for s in last), signals)
    kept = {address: signals[address.signal] for address in wanted}
    recording.keep({a: s.flip(0) for a, s in kept.items()} if place.reverse else kept, error)


def _run_layer(module: nn.RNNBase, cell: Cell, layer: int, x: Tensor, initial: tuple[Tensor, ...]) -> Tensor:
    """One layer of a stack through PyTorch's fused kernel."""
    directions = 1 + module.bidirectional
    rows = slice(layer * directions, (layer + 1) * directions)
    states = tuple(s[rows].contiguous() for s in initial)
    weights: list[Tensor] = [w for direction in module.all_weights[rows] for w in direction]
    options = (weights, module.bias, 1, 0.0, False, module.bidirectional, False)
    if cell is CELLS["lstm"]:
        return torch.lstm(x, states, *options)[0]
    if cell is CELLS["gru"]:
        return torch.gru(x, states[0], *options)[0]
    kernel = torch.rnn_relu if getattr(module, "nonlinearity", "tanh") == "relu" else torch.rnn_tanh
    return kernel(x, states[0], *options)[0]


def _initial_states(module: nn.RNNBase, cell: Cell, state: Any, x: Tensor) -> tuple[Tensor, ...]:
    """The states before the first step, each of shape (layer x direction, batch, unit)."""
    if state is None:
        rows = module.num_layers * (1 + module.bidirectional)
        return tuple(x.new_zeros(rows, x.shape[1], module.hidden_size) for _ in cell.states)
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else (state.detach(),)


def _refuse_unrecordable(module: nn.RNNBase, x: Any) -> None:
    if isinstance(x, PackedSequence):
        raise RecordingError("Packed sequences cannot be recorded. Pass the padded tensor.")
    if module.training and module.dropout and module.num_layers > 1:
        raise RecordingError("Dropout between layers would differ when the lower layers run again. Call eval() first.")

"""Recording the signals of any network that holds recurrent layers, while it runs as usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from rnnscope.cells import cell_of
from rnnscope.errors import AddressError, RecordingError

from . import adapters  # noqa: F401  those that are shipped register themselves
from .adapter import adapter_of
from .address import Address, find
from .directions import directions_of
from .fused import FusedTap
from .kernels import Place
from .recorded import Recording
from .stepped import CellTap
from .tap import Listener, Tap, running_backward


@contextmanager
def record(
    module: nn.Module, signals: Sequence[str] | None = None, lengths: Sequence[int] | Tensor | None = None
) -> Iterator[Recording]:
    """Record the recurrent layers of a network while it runs.

    The network's outputs are untouched, to the last bit, and so is its graph. Recurrent layers are
    nn.RNN, nn.GRU and nn.LSTM in all their forms, nn.RNNCell, nn.GRUCell and nn.LSTMCell called in
    anybody's loop (their steps are put together), and every class that has an adapter (see
    `rnnscope.register`). Cell states and gates are recovered (see `rnnscope.recording.recovery`).

    Parameters
    ----------
    module : nn.Module
        With one or more recurrent layers anywhere inside.
    signals : sequence of str, optional
        Names (``"c"``) or addresses (``"l0.c"``) of the signals to keep; all if not given.
    lengths : ints or int64 tensor of shape (batch,), optional
        The true lengths of the sequences of a padded batch. Packed sequences say theirs themselves.

    Yields
    ------
    Recording
        Filled when the network runs; values are detached from the graph, of the network's type and
        on its device. At t is what follows from the t-th input; initial states are not recorded. A
        later call of the network replaces what an earlier one left, also where it goes on with its
        state; a module that is called several times within one is recorded call by call. One that is
        shared appears under its first path.

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
    with _listening(module, signals, lengths, attached=False) as recording:
        yield recording


@contextmanager
def unroll(module: nn.Module, signals: Sequence[str] | None = None) -> Iterator[Recording]:
    """Run the recurrent layers of a network step by step, and record them as part of the graph.

    By the equations instead of the fused kernels: the same values within rounding, differentiable
    in any mode on any device (cuDNN has no gradients in eval mode), with dropout between layers as
    the mode says.

    Parameters
    ----------
    module : nn.Module
        As for `record`.
    signals : sequence of str, optional
        As for `record`.

    Yields
    ------
    Recording
        ``recording["l0.c"]`` hangs off the graph: a loss made of it has gradients. What other losses
        owe to a signal are the gradients with respect to ``recording.steps("l0.c")``, its nodes.

    Raises
    ------
    RecordingError, AddressError

    Examples
    --------
    >>> with rnnscope.unroll(model) as recording:
    ...     logits, state = model(tokens)
    >>> gradients = torch.autograd.grad(logits[-1].max(), recording.steps("l0.c"))
    """
    with _listening(module, signals, None, attached=True) as recording:
        yield recording


@contextmanager
def _listening(
    module: nn.Module, signals: Sequence[str] | None, lengths: Sequence[int] | Tensor | None, attached: bool
) -> Iterator[Recording]:
    layers = recurrent_layers(module)
    known = [address for path, layer in layers.items() for address in addresses_of(layer, path)]
    recording = Recording(_wanted(known, signals), _lengths(lengths))
    with tapped(module, layers) as taps:
        listeners = {path: Listener(recording, path, attached) for path in layers}
        for path, listener in listeners.items():
            taps[path].listeners.append(listener)
        recording.flush = [tap.flush for tap in taps.values()]
        with ExitStack() as stack:
            for path, listener in listeners.items():
                stack.callback(taps[path].listeners.remove, listener)
                stack.push(partial(_end, taps[path]))
            stack.callback(recording.flush.clear)
            if not _in_a_loop(module, taps):
                stack.callback(module.register_forward_pre_hook(partial(_begin_pass, recording)).remove)
                stack.callback(module.register_forward_hook(lambda *_: recording.catch_up()).remove)
            yield recording


def _begin_pass(recording: Recording, *_: Any) -> None:
    if not running_backward():
        recording.begin_pass()


def _end(tap: Tap, failure: type[BaseException] | None, *_: Any) -> None:
    """Take in what is held back, unless the block has failed: then its own exception counts."""
    tap.flush() if failure is None else tap.forget()


def _in_a_loop(module: nn.Module, taps: dict[str, Tap]) -> bool:
    """Whether the network is itself a cell that somebody's loop calls, so that a call of it is no pass."""
    tap = taps.get("")
    return isinstance(tap, CellTap) and tap.module is module and not tap.adapter.whole


@contextmanager
def tapped(module: nn.Module, layers: dict[str, nn.Module]) -> Iterator[dict[str, Tap]]:
    """A tap at each recurrent layer; those that are there are shared."""
    with ExitStack() as stack:
        taps = {path: stack.enter_context(_tap(layer)) for path, layer in layers.items()}

        def begin_pass(*_: Any) -> None:
            for tap in taps.values():
                tap.chains.begin_pass()

        if module not in layers.values():
            stack.callback(module.register_forward_pre_hook(begin_pass).remove)
        yield taps


@contextmanager
def _tap(layer: nn.Module) -> Iterator[Tap]:
    tap = layer.__dict__.get("forward")
    if not isinstance(tap, Tap):
        adapter = adapter_of(layer)
        tap = FusedTap(layer) if adapter is None else CellTap(layer, adapter)
        layer.__dict__["forward"] = tap
    tap.users += 1
    try:
        yield tap
    finally:
        tap.users -= 1
        if not tap.users:
            tap.close()


def recurrent_layers(module: nn.Module) -> dict[str, nn.Module]:
    """The recurrent layers of a network by their paths; the path is empty if there is only one.

    Raises
    ------
    RecordingError
        If there is none, or they cannot be reached.
    """
    for name, part in module.named_modules():
        if hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None:
            where = f"{name} " if name else ""
            raise RecordingError(
                f"{where}{type(part).__name__} is compiled, which leaves no place to look into it. "
                "Record the network that was given to torch.compile instead."
            )
    if isinstance(module, nn.DataParallel):
        raise RecordingError("DataParallel runs copies of its network. Record the network itself, its .module.")
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise RecordingError("A TorchScript network cannot be looked into. Save it and open it with: rnnscope import")
    layers: dict[str, nn.Module] = {}
    for name, part in module.named_modules():
        inner = any(name.startswith(f"{path}." if path else "") for path in layers)  # it is the layer's own affair
        if not inner and (isinstance(part, nn.RNNBase) or adapter_of(part) is not None):
            layers[name] = part
    if not layers:
        raise RecordingError(
            f"{type(module).__name__} holds no recurrent layer: no nn.RNN, nn.GRU, nn.LSTM or their cells inside, "
            "and no class with an adapter (see rnnscope.register)."
        )
    return layers if len(layers) > 1 else {"": next(iter(layers.values()))}


def addresses_of(layer: Any, path: str = "") -> list[Address]:
    """The addresses of all signals of a recurrent layer, with those that `rnnscope.along` gives it."""
    shown = directions_of(layer)
    if (adapter := adapter_of(layer)) is not None:
        return [Address(path, 0, False, name) for name in (*adapter.signals, *shown.get(Place(0, False), ()))]
    return [
        Address(path, number, reverse, signal)
        for number in range(layer.num_layers)
        for reverse in ((False, True) if layer.bidirectional else (False,))
        for signal in (*cell_of(layer).signal_names, *shown.get(Place(number, reverse), ()))
    ]


def units_of(layer: Any, signal: str, place: Place | None = None) -> int | None:
    """How many units a signal of a recurrent layer has, at a place or at all; None if only a pass can tell."""
    shown = directions_of(layer)
    places = shown.values() if place is None else (shown.get(place, {}),)
    if widths := {len(here[signal]) for here in places if signal in here}:
        return widths.pop() if len(widths) == 1 else None
    if not isinstance(layer, nn.RNNBase):
        return None
    return layer.proj_size if signal == "h" and layer.proj_size else layer.hidden_size


def memories(module: nn.Module) -> dict[str, str]:
    """For each recurrent layer, by its path, the signal that best shows what it keeps."""
    found = {}
    for path, layer in recurrent_layers(module).items():
        adapter = adapter_of(layer)
        fused: Any = layer
        found[path] = cell_of(fused).memory if adapter is None else adapter.memory or adapter.states[-1]
    return found


def _lengths(lengths: Sequence[int] | Tensor | None) -> Tensor | None:
    if lengths is None:
        return None
    try:
        found = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError):
        found = torch.empty(0)
    if found.is_floating_point() or found.dtype == torch.bool or found.dim() != 1:
        raise RecordingError(f"lengths= has a whole number for each sequence of the batch; got {lengths!r}.")
    return found


def _wanted(known: list[Address], signals: Sequence[str] | None) -> list[Address]:
    if signals is None:
        return known
    signals = [signals] if isinstance(signals, str) else signals
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

"""Recording the signals of any network that holds recurrent layers, while it runs as usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from rnnscope.errors import RecordingError

from .adapter import adapter_of
from .address import Units, whole_signals
from .fused import FusedTap
from .layers import recurrent_layers, signals_of
from .recorded import Recording
from .stepped import CellTap
from .tap import Listener, Tap, running_backward
from .tape import Tape


@contextmanager
def record(
    module: nn.Module, signals: Units | None = None, lengths: Sequence[int] | Tensor | None = None
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
    signals : str, or sequence of str, optional
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
    >>> import torch
    >>> import rnnscope
    >>> lstm = torch.nn.LSTM(input_size=3, hidden_size=5)
    >>> with rnnscope.record(lstm) as recording:
    ...     output, (h, c) = lstm(torch.zeros(7, 1, 3))
    >>> recording
    Recording(l0.h, l0.c, l0.i, l0.f, l0.g, l0.o)
    >>> recording["l0.c"].shape, torch.equal(recording["l0.h"], output)
    (torch.Size([7, 1, 5]), True)
    """
    with _listening(module, signals, lengths, attached=False) as recording:
        yield recording


@contextmanager
def unroll(module: nn.Module, signals: Units | None = None) -> Iterator[Recording]:
    """Run the recurrent layers of a network step by step, and record them as part of the graph.

    By the equations instead of the fused kernels: the same values within rounding, differentiable
    in any mode on any device (cuDNN has no gradients in eval mode), with dropout between layers as
    the mode says.

    Parameters
    ----------
    module : nn.Module
        As for `record`.
    signals
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
    >>> import torch
    >>> import rnnscope
    >>> lstm = torch.nn.LSTM(input_size=3, hidden_size=5)
    >>> with rnnscope.unroll(lstm) as recording:
    ...     output, _ = lstm(torch.zeros(7, 1, 3))
    >>> gradients = torch.autograd.grad(output[-1].sum(), recording.steps("l0.c"))
    >>> len(gradients), gradients[0].shape
    (7, torch.Size([1, 5]))
    """
    with _listening(module, signals, None, attached=True) as recording:
        yield recording


@contextmanager
def _listening(
    module: nn.Module, signals: Units | None, lengths: Sequence[int] | Tensor | None, attached: bool
) -> Iterator[Recording]:
    layers = recurrent_layers(module)
    tape = Tape(whole_signals(signals, signals_of(layers)), _lengths(lengths))
    with tapped(module, layers) as taps:
        listeners = {path: Listener(tape, path, attached) for path in layers}
        for path, listener in listeners.items():
            taps[path].listeners.append(listener)
        tape.flush = [tap.flush for tap in taps.values()]
        with ExitStack() as stack:
            for path, listener in listeners.items():
                stack.callback(taps[path].listeners.remove, listener)
                stack.push(partial(_end, taps[path]))
            stack.callback(tape.flush.clear)
            if not _in_a_loop(module, taps):
                stack.callback(module.register_forward_pre_hook(partial(_begin_pass, tape)).remove)
                stack.callback(module.register_forward_hook(lambda *_: tape.catch_up()).remove)
            yield Recording(tape)


def _begin_pass(tape: Tape, *_: Any) -> None:
    if not running_backward():
        tape.begin_pass()


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

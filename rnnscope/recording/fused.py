"""The tap of nn.RNN, nn.GRU and nn.LSTM: their kernel is caught on its way, all the rest stays PyTorch's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from . import kernels
from .adapter import States
from .chains import Chains
from .kernels import KERNELS, Call, Place, flip
from .steps import STEPS
from .tap import Observers, Tap
from .unroll import Edit, Edits, unroll_layer


class FusedTap(Tap):
    """The module's own ``forward`` checks, sorts and packs; only its kernel is replaced."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.chains = Chains(loop=False)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs.get("input")
        unsorted = given.unsorted_indices if isinstance(given, PackedSequence) else None
        fresh = (args[1] if len(args) > 1 else kwargs.get("hx")) is None
        with _Caught(self, unsorted, fresh):
            return self.forward(*args, **kwargs)

    def kernel(self, function: Any, args: tuple[Any, ...], unsorted: Tensor | None, fresh: bool) -> tuple[Tensor, ...]:
        """What the kernel returns for its arguments, seen by all who listen."""
        call, observer = Call.parse(function, args), Observers(self, unsorted)
        output, *states = self._by_steps(call, observer, fresh) if self.stepwise else kernels.run(call, observer)
        return (output.transpose(0, 1) if call.turned else output), *states

    def _by_steps(self, call: Call, observer: Observers, fresh: bool) -> tuple[Tensor, ...]:
        chain = self.chains.find(call.states, fresh)
        x = call.x
        lasts: list[States] = []
        for layer in range(call.layers):
            (inputs, lengths), outputs = call.dense(x), []
            for place in call.places(layer):
                output, last = self._layer_by_steps(call, place, inputs, lengths, chain.steps, observer)
                outputs.append(output)
                lasts.append(last)
            x = call.rows(torch.cat(outputs, dim=-1), lengths)
            if call.dropped and layer < call.layers - 1:
                x = torch.dropout(x, call.dropout, True)
        states = tuple(torch.stack(s) for s in zip(*lasts, strict=True))
        self.chains.go_on(chain, states, len(call.x) if call.batch_sizes is None else len(call.batch_sizes))
        return x, *states

    def _layer_by_steps(
        self, call: Call, place: Place, x: Tensor, lengths: Tensor | None, start: int, observer: Observers
    ) -> tuple[Tensor, States]:
        directions = self.nodes(place)
        adapter = STEPS[call.cell.name](call.layer_weights(place))
        output, last, steps = unroll_layer(
            adapter,
            flip(x, place, lengths),
            call.initial(place),
            _in_order_given(self.edits_at(place), observer.unsorted),
            start=start,
            reverse=place.reverse,
            lengths=None if lengths is None else lengths.to(x.device),
            directions=directions,
        )
        signals = {name: torch.stack(steps[name]) for name in (*observer.wanted(place), *directions)}
        kernels.show(observer, place, signals, lengths, steps={} if call.batch_sizes is not None else steps)
        return flip(output, place, lengths), last


def _in_order_given(edits: Edits, unsorted: Tensor | None) -> Edits:
    """Edits that see the sequences of a batch as the user gave them, whatever the order in which they were packed."""
    if unsorted is None:
        return edits
    order = unsorted.argsort()

    def wrapped(edit: Edit) -> Edit:
        return lambda value, step: edit(value.index_select(0, unsorted), step).index_select(0, order)

    return {signal: [(where, wrapped(edit)) for where, edit in changes] for signal, changes in edits.items()}


class _Caught(TorchFunctionMode):
    """Takes the call of a kernel to its tap, and lets everything else pass."""

    def __init__(self, tap: FusedTap, unsorted: Tensor | None, fresh: bool) -> None:
        super().__init__()
        self._tap = tap
        self._known = (unsorted, fresh)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in KERNELS or kwargs:
            return func(*args, **(kwargs or {}))
        return self._tap.kernel(func, args, *self._known)

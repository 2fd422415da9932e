"""The cells of the package torchrecurrent, by what its base classes say of their states.

Each step is the cell's own, called as a whole: there are its states and its output, and no gates. A
change to a state therefore acts from the next step on. The package's layers call these cells in a
loop, so that they are recorded, too: ``cells.0.l0.h`` is the h of the first layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rnnscope.recording.adapter import Adapter, Keep, States, register


class SingleState(Adapter):
    """A cell whose output is its state."""

    states = ("h",)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        _, states = self.unpack(self.call(x, states))
        states = tuple(map(keep, self.states, states))
        return states[0], states

    def call(self, x: Tensor, states: States) -> Any:
        """The cell's own step, without the hooks of its module: these see the call that the user makes."""
        return self.module.forward(x, states[0] if len(states) == 1 else states)


class DoubleState(SingleState):
    """A cell with two states, of which the first is its output."""

    states = ("h", "c")


class Decoupled(SingleState):
    """A cell whose output is not its state: the +RNN of Collins et al. 2017 keeps h and puts out y."""

    gates = ("y",)
    puts_out = "y"

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        output, states = self.unpack(self.call(x, states))
        states = tuple(map(keep, self.states, states))
        return keep(self.output, output), states


class DecoupledDouble(Decoupled):
    """A cell with two states besides its output: MCLSTMCell keeps v, which controls its gates, and c; it puts out h."""

    states = ("v", "c")
    gates = ("h",)
    puts_out = "h"


class _KeepsInput(SingleState):
    """The second state, x, is the last input (Balduzzi and Ghifary 2016, strongly-typed RNNs)."""

    def initial(self, x: Tensor) -> States:
        return x.new_zeros(len(x), self.module.hidden_size), x.new_zeros(len(x), self.module.input_size)


class TGRU(_KeepsInput):
    states = ("h", "x")
    memory = "h"


class TLSTM(_KeepsInput, DecoupledDouble):
    states = ("c", "x")
    memory = "c"


class TauGRU(SingleState):
    """A GRU that is also given its state of some steps ago, as a part of its input."""

    def arguments(self, x: Tensor, state: Any = None, delayed: Tensor | None = None) -> tuple[Tensor, States | None]:
        if delayed is None:
            delayed = x.new_zeros(*x.shape[:-1], self.module.hidden_size)
        return super().arguments(torch.cat((x, delayed), dim=-1), state)

    def call(self, x: Tensor, states: States) -> Any:
        now, delayed = x.split((self.module.input_size, self.module.hidden_size), dim=-1)
        return self.module.forward(now, states[0], delayed)


for _name, _adapter in {
    "base.SingleStateCellBase": SingleState,
    "base.DoubleStateCellBase": DoubleState,
    "base.DecoupledSingleStateCellBase": Decoupled,
    "base.DecoupledDoubleStateCellBase": DecoupledDouble,
    "cells.taugru_cell.tauGRUCell": TauGRU,
    "cells.trnn_cell.TGRUCell": TGRU,
    "cells.trnn_cell.TLSTMCell": TLSTM,
}.items():
    register(f"torchrecurrent.{_name}", _adapter)

"""The equations of PyTorch's cells, one step at a time: differentiable, in any mode, on any device.

`rnnscope.cells` says them in symbols. Whatever else computes these cells (the fused kernels, the
recovery of what they hide) is tested against the steps here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from rnnscope.cells import CELLS

from .adapter import Adapter, Keep, States, register


@dataclass(frozen=True)
class LayerWeights:
    """One layer and direction in PyTorch's form: gates stacked along the first axis.

    Attributes
    ----------
    ih : tensor of shape (gates x unit, input)
    hh : tensor of shape (gates x unit, output)
    bias_ih, bias_hh : tensors of shape (gates x unit,), or None
    hr : tensor of shape (output, unit), or None
        The projection of an LSTM with ``proj_size``.
    nonlinearity : str
        Of the vanilla RNN: tanh or relu.
    """

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    hr: Tensor | None = None
    nonlinearity: str = "tanh"

    @classmethod
    def of(cls, cell: nn.RNNCellBase) -> LayerWeights:
        """The weights of a single cell."""
        nonlinearity = getattr(cell, "nonlinearity", "tanh")
        return cls(cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh, nonlinearity=nonlinearity)

    @classmethod
    def of_layer(cls, module: nn.RNNBase, number: int, reverse: bool = False) -> LayerWeights:
        """The weights of one layer and direction of a fused module."""
        place = f"_l{number}{'_reverse' if reverse else ''}"
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        weights: list[Any] = [getattr(module, name + place, None) for name in names]
        return cls(*weights, nonlinearity=getattr(module, "nonlinearity", "tanh"))

    @property
    def bias(self) -> Tensor | None:
        """Both biases in one."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh

    def detach(self) -> LayerWeights:
        """The same as values, cut from any graph."""
        return self._each(Tensor.detach)

    def to(self, dtype: torch.dtype) -> LayerWeights:
        return self._each(lambda weight: weight.to(dtype))

    def _each(self, change: Callable[[Tensor], Tensor]) -> LayerWeights:
        b_ih, b_hh, hr = (None if w is None else change(w) for w in (self.bias_ih, self.bias_hh, self.hr))
        return LayerWeights(change(self.ih), change(self.hh), b_ih, b_hh, hr, self.nonlinearity)


class _Layer(Adapter):
    """A layer that is given by its weights, or the module of a single cell."""

    def __init__(self, module: nn.RNNCellBase | LayerWeights) -> None:
        self.module = module

    @property
    def weights(self) -> LayerWeights:
        """As they are now: a cell's may change from step to step, or be computed anew."""
        return self.module if isinstance(self.module, LayerWeights) else LayerWeights.of(self.module)

    def prepare(self, x: Tensor) -> Tensor:
        return linear(x, self.weights.ih, self.weights.bias_ih)

    def recurrent(self, h: Tensor) -> Tensor:
        return linear(h, self.weights.hh, self.weights.bias_hh)


def _names(cell: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """States and gates of the table."""
    return tuple(s.name for s in CELLS[cell].states), tuple(g.name for g in CELLS[cell].gates)


class RNN(_Layer):
    states, gates = _names("rnn")

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        total = x + self.recurrent(states[0])
        h = keep("h", total.relu() if self.weights.nonlinearity == "relu" else total.tanh())
        return h, (h,)


class GRU(_Layer):
    states, gates = _names("gru")

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        (h,) = states
        x_r, x_z, x_n = x.chunk(3, dim=-1)
        h_r, h_z, h_n = self.recurrent(h).chunk(3, dim=-1)
        r = keep("r", (x_r + h_r).sigmoid())
        z = keep("z", (x_z + h_z).sigmoid())
        n = keep("n", (x_n + r * h_n).tanh())
        h = keep("h", (1 - z) * n + z * h)
        return h, (h,)


class LSTM(_Layer):
    states, gates = _names("lstm")

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h, c = states
        i, f, g, o = (x + self.recurrent(h)).chunk(4, dim=-1)
        i = keep("i", i.sigmoid())
        f = keep("f", f.sigmoid())
        g = keep("g", g.tanh())
        o = keep("o", o.sigmoid())
        c = keep("c", f * c + i * g)
        h = o * c.tanh()
        h = keep("h", h if self.weights.hr is None else linear(h, self.weights.hr))
        return h, (h, c)


STEPS: dict[str, Any] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""By the names of `rnnscope.cells.CELLS`."""

for _cell, _steps in ((nn.RNNCell, RNN), (nn.GRUCell, GRU), (nn.LSTMCell, LSTM)):
    register(_cell, _steps)

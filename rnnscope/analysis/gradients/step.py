"""One step of a recurrent layer in float64: where it leads, and what becomes of small differences on the way.

The state is all that is carried from step to step: h of all layers of a stack, and c with it for an LSTM. For PyTorch's
cells the slopes of a step are known in closed form: each row of the Jacobian is a mixture of rows of the recurrent
weights. Any other cell is differentiated forward through the step of its adapter.
"""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import jvp, vmap

from rnnscope.cells import cell_of
from rnnscope.errors import ModelError
from rnnscope.recording.adapter import Adapter, States, adapter_of
from rnnscope.recording.steps import GRU, LSTM, RNN, STEPS, LayerWeights


class Step(ABC):
    """One step of all states of a recurrent module."""

    @abstractmethod
    def __call__(self, x: Tensor, states: States) -> tuple[States, Any]:
        """The states after an input, and the slopes there, for `push`.

        Parameters
        ----------
        x : float64 tensor of shape (batch, input)
        states : tuple of float64 tensors of shape (batch, unit)
            In the order of the layers, and in each in that of its cell.
        """

    @abstractmethod
    def push(self, slopes: Any, differences: Tensor) -> Tensor:
        """What a step makes of small differences: the Jacobian times ``differences``, of shape (batch, state, column).

        The rows are those of all states, one after another.
        """


def step_of(layer: nn.Module) -> Step:
    """The step of a recurrent module, by weights of its own: later changes to the module do not reach it."""
    device = next((p.device for p in layer.parameters()), torch.device("cpu"))
    layer = copy.deepcopy(layer).to("cpu" if device.type == "mps" else device, torch.float64).requires_grad_(False)
    if isinstance(layer, nn.RNNBase):
        return StackStep(
            [_Layer(STEPS[cell_of(layer).name](LayerWeights.of_layer(layer, n))) for n in range(layer.num_layers)]
        )
    adapter = adapter_of(layer)
    assert adapter is not None
    if isinstance(adapter, RNN | GRU | LSTM):
        return StackStep([_Layer(adapter)])
    with warnings.catch_warnings():  # of its own doing: at its first call torch.func.jvp scripts what it needs
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        jvp(torch.tanh, (torch.zeros(1),), (torch.zeros(1),))
    return AdapterStep(adapter)


@dataclass(frozen=True)
class Slopes:
    """The slopes of one layer at one step.

    Attributes
    ----------
    own : tensor of shape (batch, state, unit), or None
        Of each new state in the same unit of the last state before: what does not pass through a matrix.
    recurrent, inputs : tensors of shape (batch, state, unit, gate)
        Of each new state in the gates' sums, as they come from h before, and from the layer's input.
    """

    own: Tensor | None
    recurrent: Tensor
    inputs: Tensor


class _Layer:
    """One layer of PyTorch's equations."""

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        weights: LayerWeights = adapter.weights
        self.hr, self.states = weights.hr, len(adapter.states)
        gates = max(1, len(adapter.gates))
        self.hh, self.ih = (w.unflatten(0, (gates, -1)).transpose(0, 1).contiguous() for w in (weights.hh, weights.ih))
        self._slopes = {"RNN": self._rnn, "GRU": self._gru, "LSTM": self._lstm}[type(adapter).__name__]

    def __call__(self, x: Tensor, states: States) -> tuple[States, Slopes]:
        seen: dict[str, Tensor] = {}
        prepared = self.adapter.prepare(x)
        _, after = self.adapter.step(prepared, states, lambda name, value: seen.setdefault(name, value))
        return after, self._slopes(seen, states)

    def _rnn(self, seen: dict[str, Tensor], before: States) -> Slopes:
        h = seen["h"]
        slope = (h > 0).to(h) if self.adapter.weights.nonlinearity == "relu" else 1 - h * h
        return Slopes(None, slope[:, None, :, None], slope[:, None, :, None])

    def _gru(self, seen: dict[str, Tensor], before: States) -> Slopes:
        r, z, n = seen["r"], seen["z"], seen["n"]
        (h,) = before
        d_n, d_z = (1 - z) * (1 - n * n), (h - n) * z * (1 - z)
        d_r = d_n * self.adapter.recurrent(h).chunk(3, dim=-1)[2] * r * (1 - r)
        recurrent, inputs = torch.stack((d_r, d_z, d_n * r), dim=-1), torch.stack((d_r, d_z, d_n), dim=-1)
        return Slopes(z[:, None], recurrent[:, None], inputs[:, None])

    def _lstm(self, seen: dict[str, Tensor], before: States) -> Slopes:
        i, f, g, o, c = (seen[name] for name in "ifgoc")
        shown = c.tanh()
        d_c = torch.stack((g * i * (1 - i), before[1] * f * (1 - f), i * (1 - g * g), torch.zeros_like(o)), dim=-1)
        through_c = o * (1 - shown * shown)
        d_h = through_c[..., None] * d_c
        d_h[..., 3] = shown * o * (1 - o)
        mixed = torch.stack((d_h, d_c), dim=1)
        return Slopes(torch.stack((through_c * f, f), dim=1), mixed, mixed)

    def push(self, slopes: Slopes, states: list[Tensor], below: Tensor | None) -> list[Tensor]:
        """Differences of the new states from those of the states before, and of the input; (batch, unit, column)."""
        new = _mix(slopes.recurrent, self.hh, states[0])
        if below is not None:
            new += _mix(slopes.inputs, self.ih, below)
        if slopes.own is not None:
            new += slopes.own[..., None] * states[-1][:, None]
        first, *others = new.unbind(1)
        return [first if self.hr is None else self.hr @ first, *others]


def _mix(slopes: Tensor, weights: Tensor, differences: Tensor) -> Tensor:
    """Slopes (batch, state, unit, gate) times weights (unit, gate, input) times differences (batch, input, column).

    Many columns are multiplied by the mixed weights, few by each gate's: what takes less work.
    """
    batch, states, units, gates = slopes.shape
    if gates == 1 or differences.shape[-1] * (gates - states) < gates * states * 16:
        side_by_side = differences.transpose(0, 1).flatten(1)  # one product for all of the batch
        sums = (weights.flatten(0, 1) @ side_by_side).unflatten(1, (batch, -1)).unflatten(0, (units, gates))
        return torch.einsum("bsug,ugbc->bsuc", slopes, sums)
    mixed = torch.einsum("bsug,ugi->bsui", slopes, weights)
    return (mixed.reshape(batch, states * units, -1) @ differences).unflatten(1, (states, units))


class StackStep(Step):
    """Layers of PyTorch's equations, each of which reads the one below."""

    def __init__(self, layers: list[_Layer]) -> None:
        self._layers = layers

    def __call__(self, x: Tensor, states: States) -> tuple[States, list[tuple[Slopes, list[int]]]]:
        after: States = ()
        found = []
        for layer in self._layers:
            own, states = states[: layer.states], states[layer.states :]
            own_after, slopes = layer(x, own)
            after, x = (*after, *own_after), own_after[0]
            found.append((slopes, [state.shape[-1] for state in own]))
        return after, found

    def push(self, slopes: list[tuple[Slopes, list[int]]], differences: Tensor) -> Tensor:
        new: list[Tensor] = []
        below, start = None, 0
        for layer, (own, sizes) in zip(self._layers, slopes, strict=True):
            rows = differences[:, start : start + sum(sizes)]
            states = layer.push(own, list(rows.split(sizes, dim=1)), below)
            new, below, start = new + states, states[0], start + sum(sizes)
        return new[0] if len(new) == 1 else torch.cat(new, dim=1)


class AdapterStep(Step):
    """Any cell, by the step of its adapter."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __call__(self, x: Tensor, states: States) -> tuple[States, tuple[Tensor, States]]:
        prepared = self._adapter.prepare(x)
        return self._after(prepared, states), (prepared, states)

    def _after(self, prepared: Tensor, states: States) -> States:
        return self._adapter.step(prepared, states, lambda name, value: value)[1]

    def push(self, slopes: tuple[Tensor, States], differences: Tensor) -> Tensor:
        prepared, states = slopes
        sizes = [state.shape[-1] for state in states]

        def push_one(column: Tensor) -> Tensor:
            pushed = jvp(lambda *s: self._after(prepared, s), states, column.split(sizes, dim=-1))[1]
            return torch.cat(pushed, dim=-1)

        try:
            return vmap(push_one, in_dims=-1, out_dims=-1)(differences)
        except (RuntimeError, NotImplementedError) as error:
            raise ModelError(
                f"The step of {type(self._adapter).__name__} cannot be differentiated forward (torch.func.jvp): {error}"
            ) from error

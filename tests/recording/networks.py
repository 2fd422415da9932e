"""Recurrent modules over the whole mix of their options, with an input and a state to run them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import rnnscope
from tests import equations

KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CELLS: dict[str, Any] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
FORMS = ("time first", "batch first", "unbatched", "packed", "packed unsorted")

INPUTS, UNITS, PROJECTED = 3, 4, 2

CLOSE: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-12}
"""Equal but for rounding in float64."""

PROJECTION_WARNING = "ignore:LSTM with projections is not supported with oneDNN"
"""PyTorch says it once in float32, with or without rnnscope."""


class First(nn.Module):
    """The first of the values that a recurrent module returns."""

    def forward(self, values: tuple[Tensor, Any]) -> Tensor:
        return values[0]


class Two(nn.Module):
    """Two recurrent modules, the second of which reads the first one's h."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.GRU(3, 4), nn.LSTM(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x)[0])[0]


class Loop(nn.Module):
    """A cell in somebody's own loop: all h of shape (time, batch, unit), and the last state."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        outputs = []
        for x_t in x:
            state = self.cell(x_t, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs), state


def fused_and_loop(kind: str) -> tuple[Any, Loop]:
    """A fused module in float64, and its cell in somebody's loop."""
    torch.manual_seed(0)
    fused, cell = KINDS[kind](INPUTS, UNITS).double(), CELLS[kind](INPUTS, UNITS).double()
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in fused.state_dict().items()})
    return fused, Loop(cell)


def states_of(network: Any) -> tuple[str, ...]:
    """The addresses of what two layers carry from step to step."""
    return tuple(f"l{layer}.{state}" for layer in range(2) for state in ("hc" if isinstance(network, nn.LSTM) else "h"))


def text(batch: int = 2, time: int = 9) -> Tensor:
    """Something to read, of shape (time, batch, input)."""
    return torch.randn(time, batch, INPUTS, dtype=torch.float64)


ONES = torch.ones(5, 1, 1)
"""What a `counter` counts."""


def counts(counter: nn.RNN, interventions: Any, x: Tensor = ONES) -> list[float]:
    """What the first unit of a counter puts out at each step, and its last state."""
    with torch.no_grad(), rnnscope.intervene(counter, interventions):
        output, last = counter(x)
    return [*output[:, 0, 0].tolist(), last[0, 0, 0].item()]


def stumble(*_: object) -> Any:
    raise ZeroDivisionError


@dataclass(frozen=True)
class Case:
    """A module and what it reads.

    Attributes
    ----------
    form : str
        One of `FORMS`: how the module is given x.
    x : tensor of shape (time, batch, input)
    states : tuple of tensors of shape (layer x direction, batch, unit)
    given : bool
        Whether the module is given the states (which are zero if not).
    lengths : list of int
        True lengths, if packed.
    seed : int
        Of dropout.
    """

    module: Any
    form: str
    x: Tensor
    states: tuple[Tensor, ...]
    given: bool
    lengths: list[int]
    seed: int

    def run(self, x: Tensor | None = None) -> tuple[Any, Any]:
        """What the module returns."""
        torch.manual_seed(self.seed)
        return self.module(self._arranged(self.x if x is None else x), self._state())

    def flat(self, x: Tensor | None = None) -> list[Tensor]:
        """All tensors of what it returns."""
        output, state = self.run(x)
        output = output.data if isinstance(output, PackedSequence) else output
        return [output, *(state if isinstance(state, tuple) else (state,))]

    def gradients(self) -> list[Tensor]:
        """Gradients of the input and of the parameters, of a loss that all outputs take part in."""
        x = self.x.clone().requires_grad_()
        loss = sum((values * torch.linspace(-1, 2, values.numel()).view_as(values)).sum() for values in self.flat(x))
        assert isinstance(loss, Tensor)
        return list(torch.autograd.grad(loss, [x, *self.module.parameters()]))

    def expected(self) -> equations.Signals:
        """All signals by the equations."""
        states = [state.double().numpy() for state in self.states]
        torch.manual_seed(self.seed)
        return equations.network(self.module, self.x.double().numpy(), states, self.lengths, self._dropped)

    def _dropped(self, outputs: np.ndarray) -> np.ndarray:
        """What PyTorch makes of a layer's outputs by dropout: it draws by steps, and only where sequences are."""
        mask = np.zeros_like(outputs)
        alive = [(t, b) for t in range(len(outputs)) for b in self._sorted() if t < self.lengths[b]]
        rows = torch.ones(len(alive), outputs.shape[-1], dtype=self.x.dtype)
        for place, row in zip(alive, torch.dropout(rows, self.module.dropout, self.module.training), strict=True):
            mask[place] = row
        return outputs * mask

    def _sorted(self) -> list[int]:
        if self.form != "packed unsorted":
            return list(range(len(self.lengths)))
        order = self._arranged(self.x).sorted_indices
        assert order is not None
        return order.tolist()

    def _arranged(self, x: Tensor) -> Any:
        if self.form.startswith("packed"):
            return pack_padded_sequence(x, torch.tensor(self.lengths), enforce_sorted=self.form == "packed")
        return {"time first": x, "batch first": x.transpose(0, 1), "unbatched": x[:, 0]}[self.form]

    def _state(self) -> Any:
        if not self.given:
            return None
        states = [state[:, 0] if self.form == "unbatched" else state for state in self.states]
        return tuple(states) if len(states) > 1 else states[0]


@st.composite
def cases(draw: st.DrawFn, dtype: torch.dtype = torch.float64) -> Case:
    """A fused module over the whole mix of options, forms of input and states."""
    kind, form = draw(st.sampled_from(sorted(KINDS))), draw(st.sampled_from(FORMS))
    options: dict[str, Any] = {
        "num_layers": draw(st.integers(1, 3)),
        "bidirectional": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "batch_first": form == "batch first" or (form != "time first" and draw(st.booleans())),
    }
    if options["num_layers"] > 1:
        options["dropout"] = draw(st.sampled_from([0.0, 0.5]))
    if kind == "rnn":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "lstm":
        options["proj_size"] = draw(st.sampled_from([0, PROJECTED]))
    seed = draw(st.integers(0, 99))
    torch.manual_seed(seed)
    module = KINDS[kind](INPUTS, UNITS, **options).to(dtype).train(draw(st.booleans()))
    time, batch = draw(st.integers(1, 9)), 1 if form == "unbatched" else draw(st.integers(1, 4))
    lengths = [time] * batch
    if form.startswith("packed"):
        lengths = [time, *draw(st.lists(st.integers(1, time), min_size=batch - 1, max_size=batch - 1))]
        lengths = sorted(lengths, reverse=True) if form == "packed" else draw(st.permutations(lengths))
    x = torch.randn(time, batch, INPUTS, dtype=dtype)
    for b, n in enumerate(lengths):
        x[n:, b] = 0
    given, rows = draw(st.booleans()), module.num_layers * (1 + module.bidirectional)
    sizes = (module.proj_size or UNITS, UNITS)[: 1 + (kind == "lstm")]
    states = tuple((torch.randn if given else torch.zeros)(rows, batch, size, dtype=dtype) for size in sizes)
    return Case(module, form, x, states, given, lengths, seed)

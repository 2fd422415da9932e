"""A stack of recurrent layers: its configuration, and its first weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_type_hints

from torch import Tensor, nn

from rnnscope.cells import CELLS
from rnnscope.errors import RecipeError
from rnnscope.text import counted

State = Tensor | tuple[Tensor, ...] | None
"""What the fused modules carry: h for rnn and gru, (h, c) for lstm, each of shape (layer, batch, unit)."""


@dataclass(frozen=True)
class StackConfig:
    """The shape of a stack of recurrent layers.

    Attributes
    ----------
    cell : {"rnn", "gru", "lstm"}
    nonlinearity : {"tanh", "relu"}
        Of the vanilla RNN; the other cells have their own.
    hidden_size : int
        Units a layer.
    layers : int
    dropout : float
        Share of h set to zero between layers and before the head, in training.
    bidirectional : bool
        Whether each layer also reads backward.
    bias : bool
        Whether the recurrent layers have biases.
    """

    cell: str = "lstm"
    nonlinearity: str = "tanh"
    hidden_size: int = 256
    layers: int = 1
    dropout: float = 0.0
    bidirectional: bool = False
    bias: bool = True

    @property
    def output_size(self) -> int:
        """What the top layer gives at a step: h of each direction."""
        return self.hidden_size * (1 + self.bidirectional)

    @property
    def words(self) -> str:
        """The stack in one line, such as ``lstm, 1 layer of 256 units``."""
        cell = f"rnn ({self.nonlinearity})" if self.cell == "rnn" else self.cell
        ways = " in both directions" if self.bidirectional else ""
        biases = "" if self.bias else ", without biases"
        return f"{cell}, {counted(self.layers, 'layer')} of {counted(self.hidden_size, 'unit')}{ways}{biases}"

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            fits = type(value) is kind or (kind is float and type(value) is int)
            demand(fits, f"{name} to be of type {kind.__name__}", value)
        demand(self.cell in CELLS, f"a cell out of {', '.join(CELLS)}", self.cell)
        demand(self.nonlinearity in ("tanh", "relu"), "the nonlinearity tanh or relu", self.nonlinearity)
        demand(self.hidden_size > 0, "a hidden_size of at least 1", self.hidden_size)
        demand(self.layers > 0, "layers of at least 1", self.layers)
        demand(self.layers <= 1000, "layers of at most 1000", self.layers)
        demand(0 <= self.dropout < 1, "a dropout from 0 up to, but not including, 1", self.dropout)


def demand(holds: bool, expected: str, got: object) -> None:
    """Refuse a configuration.

    Raises
    ------
    RecipeError
    """
    if not holds:
        raise RecipeError(f"A model needs {expected}; got {got!r}.")


def recurrent_stack(config: StackConfig, input_size: int, **options: Any) -> nn.RNNBase:
    """PyTorch's fused module of a configuration, with first weights.

    The recurrent weights are orthogonal gate by gate, the biases zero, the forget gates open by one.
    """
    if config.cell == "rnn":
        options["nonlinearity"] = config.nonlinearity
    cell = CELLS[config.cell]
    fused: Any = cell.module  # each takes its own options beside the common ones
    module: nn.RNNBase = fused(
        input_size,
        config.hidden_size,
        num_layers=config.layers,
        dropout=config.dropout if config.layers > 1 else 0.0,
        bidirectional=config.bidirectional,
        bias=config.bias,
        **options,
    )
    for name, parameter in module.named_parameters():
        if name.startswith("weight_hh"):
            for block in parameter.detach().split(config.hidden_size):
                nn.init.orthogonal_(block)
        elif name.startswith("bias"):
            nn.init.zeros_(parameter)
            if name.startswith("bias_hh") and "f" in cell.signal_names:
                nn.init.ones_(parameter.detach()[cell.gate_rows("f", config.hidden_size)])
    return module


def detach(state: State) -> State:
    """The state as a value, cut from the graph that made it."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return None if state is None else state.detach()

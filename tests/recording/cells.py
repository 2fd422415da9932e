"""Cells in somebody's own loop, and that loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn

from .networks import UNITS

KINDS: dict[str, Callable[..., Any]] = {
    "rnn tanh": nn.RNNCell,
    "rnn relu": lambda *args, **kwargs: nn.RNNCell(*args, **kwargs, nonlinearity="relu"),
    "gru": nn.GRUCell,
    "lstm": nn.LSTMCell,
}

parametrize_cells = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def state_of(cell: Any, value: Callable[..., Tensor], *shape: int) -> Any:
    """A state as PyTorch takes it, of two tensors for the LSTM."""
    h, c = (value(*shape, UNITS, dtype=cell.weight_ih.dtype) for _ in range(2))
    return (h, c) if isinstance(cell, nn.LSTMCell) else h


def parts(state: Any) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


def run(cell: Any, x: Tensor, state: Any = None, start: str = "given", by_name: bool = False) -> list[Tensor]:
    """All states, step by step; ``start`` says how the first call is given its state."""
    states = []
    for t, x_t in enumerate(x):
        if t == 0 and start == "missing":
            state = cell(x_t)
        elif t == 0 and start == "none":
            state = cell(x_t, None)
        else:
            state = cell(hx=state, input=x_t) if by_name else cell(x_t, state)
        states += parts(state)
    return states

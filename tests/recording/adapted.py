"""Cells and layers of somebody's own, and adapters for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import rnnscope
from rnnscope.recording.adapter import Keep, States

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"


def page() -> dict[str, Any]:
    """What docs/adapters.md defines."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if ">>>" not in block:
            exec(block, names)
    return names


def loop(cell: Any, x: Tensor) -> Tensor:
    h, states = x.new_zeros(*x.shape[1:-1], 4), []
    for x_t in x:
        h = cell(x_t, h)
        states.append(h)
    return torch.stack(states)


class Plus(rnnscope.Adapter):
    """Not what any cell does."""

    states = ("h",)
    gates = ("a",)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", states[0] + keep("a", x.sum(-1, keepdim=True)))
        return h, (h,)


class Squared(nn.Module):
    """A layer whose output is not its state, and whose values are large."""

    hidden_size = 4

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(x.shape[1:]) if state is None else state
        states = torch.stack([h := 0.9 * h + 1e5 * x_t for x_t in x])
        return states.square() / 1e5, states[-1]


class SquaredAdapter(rnnscope.Adapter):
    states = ("h",)
    gates = ("y",)
    puts_out = "y"
    whole = True

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", 1e5 * x + 0.9 * states[0])
        return keep("y", h / 1e5 * h), (h,)

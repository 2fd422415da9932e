"""A block of recording disturbs nothing and leaves nothing behind, also where something breaks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope.errors import RecordingError
from rnnscope.recording.intervention import Intervention

from .networks import First, Loop, stumble


def taps(module: nn.Module) -> list[object]:
    """All that a recording may have left at a network."""
    found: list[object] = [m for m in module.modules() if "forward" in m.__dict__]
    for m in module.modules():
        found += [*m._forward_pre_hooks, *m._forward_hooks, *m._backward_hooks]
    return found


@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
@pytest.mark.parametrize("make", [lambda: nn.Sequential(nn.LSTM(3, 4), First()), lambda: Loop(nn.GRUCell(3, 4))])
@pytest.mark.parametrize("where", ["nowhere", "block", "model", "hook", "input"])
def test_no_hook_is_left_also_after_an_exception(where: str, make: Any, door: Any) -> None:
    module, x = make(), torch.randn(5, 2, 2 if where == "input" else 3)
    if where == "model":
        module.register_forward_hook(stumble)
    if where == "hook":
        next(module.children()).register_forward_pre_hook(stumble)
    left = taps(module)
    expected = pytest.raises(RuntimeError if where == "input" else ZeroDivisionError)
    with nullcontext() if where == "nowhere" else expected, door(module):
        assert taps(module) != left
        module(x)
        if where == "block":
            raise ZeroDivisionError
    assert taps(module) == left


def test_a_forward_of_the_users_own_is_called_and_given_back() -> None:
    module: Any = nn.GRU(3, 4)
    x = torch.randn(5, 2, 3)
    before = module(x)[0].detach()

    def twice(x: Tensor) -> tuple[Tensor, Tensor]:
        output, state = nn.GRU.forward(module, x)
        return 2 * output, state

    module.forward = twice
    with rnnscope.record(module) as recording:
        assert torch.equal(module(x)[0], 2 * before)
    assert torch.equal(recording["l0.h"], before)
    assert module.forward is twice


def test_two_recordings_of_one_network_hear_the_same_and_do_not_disturb_each_other() -> None:
    module, x = nn.Sequential(nn.LSTM(3, 4)), torch.randn(5, 2, 3)
    with rnnscope.record(module, ["c"]) as outer:
        module(x)
        with rnnscope.record(module, ["h", "i"]) as inner, rnnscope.record(module[0]) as part:
            module(2 * x)
        assert torch.equal(outer["l0.c"], part["l0.c"])
        assert torch.equal(inner["l0.i"], part["l0.i"])
        module(3 * x)
    assert not torch.equal(outer["l0.c"], part["l0.c"])
    assert not taps(module)


def test_a_recording_that_fails_at_its_end_leaves_another_alone() -> None:
    cell = nn.LSTMCell(3, 4)
    tamper(cell)
    with rnnscope.record(cell, ["h"]) as outer:
        with pytest.raises(RecordingError), rnnscope.record(cell, ["i"]):
            cell(torch.randn(2, 3))
        cell(torch.randn(2, 3))
        assert outer.calls("l0.h")
    assert not [m for m in taps(cell) if m is not cell]


def tamper(cell: nn.LSTMCell) -> None:
    def forward(*args: Any) -> tuple[Tensor, Tensor]:
        h, c = nn.LSTMCell.forward(cell, *args)
        return h + 1, c

    cell.forward = forward  # pyright: ignore[reportAttributeAccessIssue]


def test_a_call_that_failed_has_nothing_recorded() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module) as recording:
        with rnnscope.intervene(module, {"l0.c": Intervention(stumble)}), pytest.raises(ZeroDivisionError):
            module(torch.zeros(2, 1, 3))
        with pytest.raises(RecordingError):
            recording["l0.h"]

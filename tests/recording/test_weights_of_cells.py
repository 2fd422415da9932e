"""A cell in a loop has at each step the weights of that step, however they came about."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.func import functional_call
from torch.nn.utils.parametrizations import weight_norm

import rnnscope

from .cells import parametrize_cells, run, state_of
from .networks import INPUTS, UNITS, Loop


@parametrize_cells
def test_weights_may_change_between_the_pass_and_the_reading(make: Any) -> None:
    loop = Loop(make(INPUTS, UNITS).double())
    optimizer = torch.optim.SGD(loop.parameters(), lr=0.5)
    x = torch.randn(70, 2, INPUTS, dtype=torch.float64)
    with rnnscope.record(loop) as expected:
        loop(x)
    with rnnscope.record(loop) as recording:
        loop(x)[0].square().sum().backward()
        optimizer.step()
    for address in expected:
        assert torch.equal(recording[address], expected[address])


@parametrize_cells
def test_weights_may_change_between_a_loop_outside_and_the_reading(make: Any) -> None:
    cell = make(INPUTS, UNITS).double()
    optimizer = torch.optim.SGD(cell.parameters(), lr=0.5)
    x = torch.randn(70, 2, INPUTS, dtype=torch.float64)
    with rnnscope.record(cell) as expected:
        run(cell, x, start="missing")
    with rnnscope.record(cell) as recording:
        torch.stack(run(cell, x, start="missing")).square().sum().backward()
        optimizer.step()
    for address in expected:
        assert torch.equal(recording[address], expected[address])


def normed_cell(make: Any) -> Any:
    """A cell whose weights are computed anew from others whenever they are used."""
    return weight_norm(make(INPUTS, UNITS).double(), "weight_hh")


@parametrize_cells
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_weights_that_follow_from_others_are_those_of_the_call(make: Any, door: Any) -> None:
    cell, x = normed_cell(make), torch.randn(6, 2, INPUTS, dtype=torch.float64)
    with door(cell):
        cell.parametrizations.weight_hh.original0.detach().mul_(0.5)
        seen = run(cell, x, start="missing")
    torch.testing.assert_close(seen, run(cell, x, start="missing"))


@parametrize_cells
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_weights_may_be_lent_to_a_cell_for_one_call(make: Any, door: Any) -> None:
    cell, x = make(INPUTS, UNITS).double(), torch.randn(2, INPUTS, dtype=torch.float64)
    state = state_of(cell, torch.randn, 2)
    lent = {name: 0.5 * weight.detach() for name, weight in cell.named_parameters()}
    plain = functional_call(cell, lent, (x, state))
    with door(cell):
        seen = functional_call(cell, lent, (x, state))
    torch.testing.assert_close(seen, plain)


@parametrize_cells
def test_a_cell_whose_weights_follow_from_others_can_be_trained_while_it_is_changed(make: Any) -> None:
    cell, x = normed_cell(make), torch.randn(6, 2, INPUTS, dtype=torch.float64)
    optimizer = torch.optim.SGD(cell.parameters(), lr=0.01)
    losses = []
    with rnnscope.intervene(cell, {"l0.h.0": rnnscope.ablate()}):
        for _ in range(3):
            optimizer.zero_grad()
            loss = torch.stack(run(cell, x, start="missing")).square().sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[0] > losses[1] > losses[2]

"""Cells that somebody's own loop calls: their steps are put together, and the loop does not notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rnnscope
from rnnscope.recording.recorded import Recording
from tests import equations

from .cells import KINDS, parametrize_cells, parts, run, state_of
from .networks import CELLS, INPUTS, UNITS


def alive(cell: Any) -> Any:
    """The same with a positive drive, so that no relu is zero for good."""
    cell.bias_ih.detach().add_(1)
    return cell


def assert_recorded(recording: Recording, cell: Any, x: Tensor, states: Sequence[Tensor], tolerance: float) -> None:
    """That all signals are those of the equations, for input and states of shape (..., batch, unit)."""
    expected = equations.cell(cell, x.double().numpy(), [state.double().numpy() for state in states])
    assert sorted(address.signal for address in recording) == sorted(expected)
    for address in recording:
        assert recording[address].dtype == x.dtype
        np.testing.assert_allclose(recording[address], expected[address.signal], rtol=tolerance, atol=tolerance)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)], ids=str)
def test_every_signal_equals_the_equations_and_the_loop_gets_what_it_got(
    dtype: torch.dtype, tolerance: float, data: st.DataObject
) -> None:
    kind, bias, batched, by_name = data.draw(st.tuples(st.sampled_from(sorted(KINDS)), *[st.booleans()] * 3))
    start, seed = data.draw(st.sampled_from(["given", "missing", "none"])), data.draw(st.integers(0, 99))
    time, batch = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 3)) if batched else 1
    torch.manual_seed(seed)
    cell = KINDS[kind](INPUTS, UNITS, bias=bias).to(dtype)
    x = torch.randn(time, *[batch] * batched, INPUTS, dtype=dtype)
    state = state_of(cell, torch.randn if start == "given" else torch.zeros, *[batch] * batched)
    plain = run(cell, x, state, start, by_name)
    with rnnscope.record(cell) as recording:
        seen = run(cell, x, state, start, by_name)
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))
    assert recording.error < tolerance
    states = [part.view(batch, UNITS) for part in parts(state)]
    assert_recorded(recording, cell, x.view(time, batch, INPUTS), states, tolerance)
    assert recording.lengths("l0.h").tolist() == [time] * batch


def gradients(cell: Any, x: Tensor, state: Any) -> list[Tensor]:
    x, states = x.clone().requires_grad_(), [part.clone().requires_grad_() for part in parts(state)]
    values = torch.stack(run(cell, x, tuple(states) if len(states) > 1 else states[0]))
    loss = (values * torch.linspace(-1, 2, values.numel(), dtype=x.dtype).view_as(values)).sum()
    return list(torch.autograd.grad(loss, [x, *states, *cell.parameters()]))


@parametrize_cells
def test_gradients_are_the_same_to_the_last_bit(make: Any) -> None:
    cell = make(INPUTS, UNITS)
    x, state = torch.randn(70, 2, INPUTS), state_of(cell, torch.randn, 2)
    plain = gradients(cell, x, state)
    with rnnscope.record(cell) as recording:
        seen = gradients(cell, x, state)
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))
    assert not recording["l0.h"].requires_grad


@parametrize_cells
@pytest.mark.parametrize("batch", [[2], []], ids=["batched", "unbatched"])
@pytest.mark.parametrize("bias", [True, False])
def test_unrolled_it_has_the_same_values_and_gradients(make: Any, batch: list[int], bias: bool) -> None:
    cell = make(INPUTS, UNITS, bias=bias).double()
    x, state = torch.randn(9, *batch, INPUTS, dtype=torch.float64), state_of(cell, torch.randn, *batch)
    plain, expected = run(cell, x, state), gradients(cell, x, state)
    with rnnscope.record(cell) as recording:
        run(cell, x, state)
    with rnnscope.unroll(cell) as unrolled:
        seen = run(cell, x, state)
    with rnnscope.unroll(cell):
        found = gradients(cell, x, state)
    torch.testing.assert_close(seen, plain, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    for address in recording:
        torch.testing.assert_close(unrolled[address].detach(), recording[address], rtol=1e-12, atol=1e-12)


@parametrize_cells
def test_the_gradient_of_an_unrolled_step_is_that_of_the_rest_of_the_loop(make: Any) -> None:
    cell, x = alive(make(INPUTS, UNITS)).double(), torch.randn(6, 2, INPUTS, dtype=torch.float64)
    with rnnscope.unroll(cell) as recording:
        last = run(cell, x, start="missing")[-1].square().sum()
    name = "l0.c" if isinstance(cell, nn.LSTMCell) else "l0.h"
    (found,) = torch.autograd.grad(last, [recording.steps(name)[2]])
    state = recording[name][2].detach().requires_grad_()
    given = (recording["l0.o"][2].detach() * state.tanh(), state) if name == "l0.c" else state
    (expected,) = torch.autograd.grad(run(cell, x[3:], given)[-1].square().sum(), [state])
    torch.testing.assert_close(found, expected)
    assert expected.any()


class Stacked(nn.Module):
    """Two cells, the upper one reading the lower one's h."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList([nn.LSTMCell(INPUTS, UNITS), nn.GRUCell(UNITS, UNITS)])

    def forward(self, x: Tensor) -> Tensor:
        lower, upper, outputs = None, None, []
        for x_t in x:
            lower = self.cells[0](x_t, lower)
            upper = self.cells[1](lower[0], upper)
            outputs.append(upper)
        return torch.stack(outputs)


def test_two_stacked_cells_are_recorded_each_by_its_path() -> None:
    network, x = Stacked().double(), torch.randn(70, 2, INPUTS, dtype=torch.float64)
    plain = network(x)
    with rnnscope.record(network) as recording:
        assert torch.equal(network(x), plain)
    zeros = np.zeros((2, UNITS))
    lower = equations.cell(network.cells[0], x.numpy(), [zeros, zeros])  # pyright: ignore[reportArgumentType]
    upper = equations.cell(network.cells[1], lower["h"], [zeros])  # pyright: ignore[reportArgumentType]
    found = {f"cells.{n}.l0.{name}": values for n, one in enumerate((lower, upper)) for name, values in one.items()}
    assert sorted(map(str, recording)) == sorted(found)
    for address, values in found.items():
        np.testing.assert_allclose(recording[address], values, rtol=0, atol=1e-12)


@parametrize_cells
@pytest.mark.parametrize("start", ["given", "missing"])
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_sequences_that_are_read_in_turns_are_kept_apart(make: Any, start: str, door: Any) -> None:
    cell = alive(make(INPUTS, UNITS)).double()
    x = torch.randn(10, 70, 2, INPUTS, dtype=torch.float64)
    states = [state_of(cell, torch.zeros, 2) for _ in x]
    with torch.no_grad(), door(cell) as recording:
        for t in range(70):
            for n in range(10):
                given = () if t == 0 and start == "missing" else (states[n],)
                states[n] = cell(x[n, t], *given)
    zeros = [np.zeros((2, UNITS))] * 2
    for address in recording:
        calls = recording.calls(address)
        assert len(calls) == 10
        for n, found in enumerate(calls):
            expected = equations.cell(cell, x[n].numpy(), zeros)[address.signal]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_sequences_that_are_read_in_turns_are_kept_apart_also_where_their_states_are_zero() -> None:
    cell = nn.RNNCell(1, 1, nonlinearity="relu", bias=False).double()
    cell.weight_ih.detach().fill_(1)
    cell.weight_hh.detach().fill_(1)
    texts = torch.tensor([[[1.0], [1], [-5], [7]], [[2.0], [2], [-5], [9]]]).double().unsqueeze(-1)
    states: list[Any] = [None, None]
    with torch.no_grad(), rnnscope.record(cell) as recording:
        for t in range(4):
            for n in range(2):
                states[n] = cell(texts[n, t], states[n])
    assert [call.flatten().tolist() for call in recording.calls("l0.h")] == [[1, 2, 0, 7], [2, 4, 0, 9]]


def still_reading(t: int) -> Tensor:
    """Sequences of 3, 9 and 6 steps."""
    return (t < torch.tensor([3, 9, 6]))[:, None]


@parametrize_cells
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_states_that_are_masked_between_the_steps_do_not_part_a_sequence(make: Any, door: Any) -> None:
    cell, x = make(INPUTS, UNITS).double(), torch.randn(9, 3, INPUTS, dtype=torch.float64)
    with torch.no_grad(), door(cell) as recording:
        state = state_of(cell, torch.zeros, 3)
        before, after = [], []
        for t, x_t in enumerate(x):
            before.append(state)
            new = cell(x_t, state)
            after.append(new)
            kept = zip(parts(new), parts(state), strict=True)
            state = tuple(torch.where(still_reading(t), one, other) for one, other in kept)
            state = state if isinstance(new, tuple) else state[0]
    for t in range(9):
        given = [part.numpy() for part in parts(before[t])]
        for name, values in equations.cell(cell, x[t : t + 1].numpy(), given).items():
            np.testing.assert_allclose(recording[f"l0.{name}"][t], values[0], rtol=0, atol=1e-12)
    assert torch.equal(recording["l0.h"], torch.stack([parts(new)[0] for new in after]))


@parametrize_cells
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_states_that_the_loop_changes_in_place_are_recorded_as_the_cell_made_them(make: Any, door: Any) -> None:
    cell, x = make(INPUTS, UNITS).double(), torch.randn(70, 2, INPUTS, dtype=torch.float64)
    made, state = [], None
    with torch.no_grad(), door(cell) as recording:
        for x_t in x:
            x_t = x_t.clone()
            state = cell(x_t, state)
            made.append([part.clone() for part in parts(state)])
            for part in parts(state):
                part[0].mul_(0.5)
            x_t.zero_()
    for t in (0, 1, 37, 69):
        given = np.zeros((2, 2, UNITS)) if t == 0 else np.stack([part.numpy() for part in made[t - 1]])
        given[:, 0] *= 0.5
        for name, values in equations.cell(cell, x[t : t + 1].numpy(), list(given)).items():
            np.testing.assert_allclose(recording[f"l0.{name}"][t], values[0], rtol=0, atol=1e-12)


@parametrize_cells
def test_more_steps_than_are_held_are_put_together(make: Any) -> None:
    cell, x = make(INPUTS, UNITS).double(), torch.randn(200, 2, INPUTS, dtype=torch.float64)
    with rnnscope.record(cell) as recording:
        state = None
        for t, x_t in enumerate(x):
            state = cell(x_t, state)
            if t in (10, 63, 64, 150):
                assert len(recording["l0.h"]) == t + 1
                assert torch.equal(recording["l0.h"][t], parts(state)[0])
    assert_recorded(recording, cell, x, [torch.zeros(2, UNITS)] * 2, 1e-12)


def test_a_state_that_is_carried_to_another_loop_goes_on_with_its_sequence_and_a_new_one_does_not() -> None:
    cell, x = nn.GRUCell(INPUTS, UNITS), torch.randn(9, 2, INPUTS)
    with rnnscope.record(cell) as recording:
        h = run(cell, x[:4], start="missing")[-1]
        run(cell, x[4:], h)
        run(cell, x[:3], torch.zeros(2, UNITS))
        run(cell, x[:2], start="missing")
        run(cell, x[:5, :1], start="missing")
    assert [tuple(call.shape) for call in recording.calls("l0.z")] == [(9, 2, 4), (3, 2, 4), (2, 2, 4), (5, 1, 4)]


@parametrize_cells
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll])
def test_a_loop_outside_may_have_left_autocast_when_it_is_read(make: Any, door: Any) -> None:
    cell, x = make(INPUTS, UNITS), torch.randn(20, 2, INPUTS)
    with rnnscope.record(cell) as exact:
        run(cell, x, start="missing")
    with door(cell) as recording:
        with torch.autocast("cpu", torch.bfloat16):
            run(cell, x, start="missing")
        found = {address: recording[address].detach().float() for address in recording}
    for address, values in found.items():
        torch.testing.assert_close(values, exact[address], rtol=0.05, atol=0.05)


@parametrize_cells
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_recorded_to_its_own_precision(make: Any, dtype: torch.dtype) -> None:
    cell, x = make(INPUTS, UNITS).to(dtype), torch.randn(70, 2, INPUTS).to(dtype)
    with torch.no_grad():
        plain = run(cell, x, start="missing")
        with rnnscope.record(cell) as recording:
            assert all(torch.equal(a, b) for a, b in zip(plain, run(cell, x, start="missing"), strict=True))
    expected = equations.cell(cell, x.double().numpy(), [np.zeros((2, UNITS))] * 2)
    for address in recording:
        assert recording[address].dtype == dtype
        np.testing.assert_allclose(recording[address].double(), expected[address.signal], rtol=0.05, atol=0.05)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@parametrize_cells
def test_without_gradients_it_is_recorded_too_and_read_outside(make: Any, mode: Any) -> None:
    cell, x = make(INPUTS, UNITS).double(), torch.randn(20, 2, INPUTS, dtype=torch.float64)
    with rnnscope.record(cell) as recording:
        with mode():
            run(cell, x, start="missing")
    assert_recorded(recording, cell, x, [torch.zeros(2, UNITS)] * 2, 1e-12)


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_wrong_input_fails_as_it_would_without_a_recording(kind: str) -> None:
    cell = CELLS[kind](INPUTS, UNITS)
    for x in (torch.randn(2, INPUTS + 1), torch.randn(2, 2, 2, INPUTS)):
        with pytest.raises((RuntimeError, ValueError)) as plain:
            cell(x)
        with pytest.raises(type(plain.value)) as seen, rnnscope.record(cell):
            cell(x)
        assert str(seen.value) == str(plain.value)

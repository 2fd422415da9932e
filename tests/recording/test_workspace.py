"""Signals read from oneDNN's own memory: the module's bits in every shape, and another way where it does not serve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import rnnscope
from rnnscope.recording import workspace
from tests import equations

from .networks import PROJECTION_WARNING

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

CASE: dict[str, Any] = {"batch": 16, "inputs": 64, "units": 128, "time": 40, "options": {}}


@dataclass
class Spy:
    """Layers and directions that were read from a workspace, and those where that failed."""

    read: int = 0
    failed: int = 0


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    counted, run = Spy(), workspace.run

    def seen(*args: Any) -> Any:
        counted.failed += 1
        found = run(*args)
        counted.failed -= 1
        counted.read += 1
        return found

    monkeypatch.setattr(workspace, "run", seen)
    monkeypatch.setattr(workspace, "_TRIED", {})
    yield counted


def make(batch: int, inputs: int, units: int, time: int, options: dict[str, Any]) -> tuple[nn.LSTM, Tensor, Any]:
    torch.manual_seed(0)
    module = nn.LSTM(inputs, units, **options)
    x = torch.randn(batch, time, inputs) if module.batch_first else torch.randn(time, batch, inputs)
    rows = module.num_layers * (1 + module.bidirectional)
    return module, x, (torch.randn(rows, batch, units), torch.randn(rows, batch, units))


def assert_untouched(module: nn.LSTM, x: Tensor, state: Any) -> rnnscope.Recording:
    output, last = module(x, state)
    with rnnscope.record(module) as recording:
        seen, seen_last = module(x, state)
    assert torch.equal(output, seen)
    assert all(torch.equal(a, b) for a, b in zip(last, seen_last, strict=True))
    return recording


def assert_right(recording: rnnscope.Recording, module: nn.LSTM, x: Tensor, state: Any) -> None:
    x = x.transpose(0, 1) if module.batch_first else x
    expected = equations.network(module, x.double().numpy(), [s.double().numpy() for s in state])
    for address, values in expected.items():
        np.testing.assert_allclose(recording[address], values, rtol=0, atol=2e-6, err_msg=address)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"options": {"bias": False}},
        {"options": {"bidirectional": True, "num_layers": 2}},
        {"options": {"batch_first": True}},
        {"batch": 3, "inputs": 7, "units": 5},
        {"units": 16},
        {"units": 64},
    ],
    ids=str,
)
def test_signals_are_read_and_the_output_is_untouched(change: dict[str, Any], grad: bool, spy: Spy) -> None:
    module, x, state = make(**{**CASE, **change})
    with torch.set_grad_enabled(grad):
        recording = assert_untouched(module, x, state)
    if grad or not change:
        assert spy.read == module.num_layers * (1 + module.bidirectional)
    assert not spy.failed
    assert_right(recording, module, x, state)
    assert recording.error < 2e-6


@pytest.mark.parametrize(("units", "inputs", "batch"), [(512, 64, 16), (64, 64, 16), (256, 256, 4), (1024, 32, 2)])
def test_where_the_kernels_of_the_two_modes_differ_the_modules_own_runs(
    units: int, inputs: int, batch: int, spy: Spy
) -> None:
    module, x, state = make(batch, inputs, units, 33, {})
    with torch.no_grad():
        recording = assert_untouched(module, x, state)
    assert not spy.failed
    assert_right(recording, module, x, state)


@given(
    batch=st.integers(1, 20),
    inputs=st.integers(1, 70),
    units=st.integers(1, 70),
    time=st.integers(32, 70),
    grad=st.booleans(),
    bias=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_shape_changes_the_output(
    spy: Spy, batch: int, inputs: int, units: int, time: int, grad: bool, bias: bool
) -> None:
    module, x, state = make(batch, inputs, units, time, {"bias": bias})
    read = spy.read
    with torch.set_grad_enabled(grad):
        assert_untouched(module, x, state)
    assert spy.read > read or not grad


def test_gradients_are_the_same_to_the_last_bit(spy: Spy) -> None:
    module, x, state = make(**{**CASE, "options": {"bidirectional": True, "num_layers": 2}})

    def gradients() -> tuple[Tensor, ...]:
        given = [value.clone().requires_grad_() for value in (x, *state)]
        output, (h, c) = module(given[0], (given[1], given[2]))
        loss = (output * torch.linspace(-1, 1, output.shape[-1])).sum() + h.square().sum() + c.sum()
        return torch.autograd.grad(loss, [*given, *module.parameters()])

    plain = gradients()
    with rnnscope.record(module):
        seen = gradients()
    assert spy.read == 4
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("strided", ["input", "states", "weights"])
def test_what_lies_in_memory_otherwise_than_at_the_trial_is_read_rightly(strided: str, grad: bool, spy: Spy) -> None:
    module, x, (h, c) = make(**CASE)
    with torch.set_grad_enabled(grad):
        assert_untouched(module, x, (h, c))
        if strided == "input":
            x = x.transpose(0, 1).contiguous().transpose(0, 1)
        if strided == "states":
            h, c = h.mT.contiguous().mT, c.mT.contiguous().mT
        if strided == "weights":
            for weight in (module.get_parameter("weight_ih_l0"), module.get_parameter("weight_hh_l0")):
                weight.data = weight.detach().mT.contiguous().mT
        recording = assert_untouched(module, x, (h, c))
    assert_right(recording, module, x, (h, c))


@pytest.mark.parametrize("steps", [1, 2, 13, 39])
def test_pieces_of_any_length_fit_together(steps: int, spy: Spy, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, state = make(**CASE)
    monkeypatch.setattr(workspace, "_BLOCK", steps * CASE["batch"] * CASE["units"])
    with torch.no_grad():
        recording = assert_untouched(module, x, state)
    assert spy.read == 1
    assert_right(recording, module, x, state)


def test_a_cell_state_that_a_closed_gate_or_a_saturated_tanh_hides_is_read_rightly(spy: Spy) -> None:
    module, x, (h, c) = make(**CASE)
    gates = module.get_parameter("bias_ih_l0").detach().unflatten(0, (4, -1))
    gates[3, :64] -= 200
    state = (h, c + 50 * torch.arange(128).remainder(2))
    recording = assert_untouched(module, x, state)
    assert spy.read == 1
    assert recording["l0.o"][..., :64].max() == 0
    expected = equations.network(module, x.double().numpy(), [s.double().numpy() for s in state])["l0.c"]
    np.testing.assert_allclose(recording["l0.c"], expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}], ids=str)
@pytest.mark.parametrize("when", ["from the first", "after the trial"])
def test_a_memory_that_is_laid_out_otherwise_is_not_trusted(
    when: str, options: dict[str, Any], grad: bool, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, x, state = make(**{**CASE, "options": options})
    with torch.set_grad_enabled(grad):
        if when == "after the trial":
            assert_untouched(module, x, state)
        read = spy.read
        monkeypatch.setattr(workspace, "_padded", lambda width: width)
        recording = assert_untouched(module, x, state)
    assert spy.read == read
    assert spy.failed == (when == "after the trial" and read > 0)
    assert_right(recording, module, x, state)


def test_what_an_earlier_run_has_left_in_memory_is_not_taken_for_the_cell_states() -> None:
    time, forget, added = 5, torch.rand(16, 128), torch.randn(16, 128)
    states = torch.randn(time - 1, 16, 128)
    ends = workspace.Ends(states[0], forget, added, added + forget * states[-1])
    room, size = torch.zeros(40 * 2048), states[0].numel()
    stale, true = 10 * size, 20 * size
    room[stale : stale + size] = states[0].flatten()  # what followed was written over
    room[true : true + states.numel()] = states.flatten()
    assert torch.equal(workspace._cell_states(room, time, ends), states)
    room[true:] = 0
    assert workspace._cell_states(room, time, ends).isnan().all()


def test_cell_states_that_are_nowhere_to_be_found_are_not_trusted(spy: Spy, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, state = make(**CASE)
    monkeypatch.setattr(workspace, "_PAGE", 2**40)
    recording = assert_untouched(module, x, state)
    assert not spy.read
    assert_right(recording, module, x, state)


@pytest.mark.parametrize("what", ["float64", "packed", "projected", "short", "hidden only", "without oneDNN"])
def test_what_it_does_not_fit_goes_the_other_way(what: str, spy: Spy, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, _ = make(**{**CASE, "options": {"proj_size": 5} if what == "projected" else {}})
    given: Any = {"packed": pack_sequence([x[:, 0], x[:35, 1]]), "short": x[:20]}.get(what, x)
    if what == "float64":
        module, given = module.double(), x.double()
    if what == "without oneDNN":
        monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    plain, _ = module(given)
    with rnnscope.record(module, ["h"] if what == "hidden only" else None):
        output, _ = module(given)
    assert torch.equal(plain.data, output.data)
    assert not spy.read

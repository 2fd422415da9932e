"""What cannot be recorded or read is said, and the self-check finds signals that are not those of the network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import rnnscope
from rnnscope.errors import AddressError, RecordingError, RnnscopeError
from rnnscope.recording import kernels

from .networks import KINDS, PROJECTION_WARNING

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("l0.q", "It has: h, c, i, f, g, o"),
        ("l4.c", "Layers: l0"),
        ("l0.c.99", "Units: 0 to 3"),
        ("nonsense", "not an address"),
    ],
)
def test_an_unknown_address_says_what_exists(address: str, said: str) -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module) as recording:
        module(torch.randn(2, 1, 3))
        with pytest.raises(AddressError, match=said):
            recording[address]


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (["c"], "It has: h, r, z, n"),
        (["l1.h"], "Layers: l0"),
        (["l0.h.2"], "Ask for l0.h"),
        (["l0.h.99"], "Ask for l0.h"),
        ([], "No signal is asked for"),
    ],
)
def test_unknown_signals_are_refused_before_anything_runs(signals: list[str], said: str) -> None:
    for door in (rnnscope.record, rnnscope.unroll):
        with pytest.raises(AddressError, match=said), door(nn.GRU(3, 4), signals):
            raise AssertionError


def test_reading_before_the_network_ran_is_an_error() -> None:
    with rnnscope.record(nn.GRU(3, 4)) as recording, pytest.raises(RecordingError, match="has not run"):
        recording["l0.h"]


def test_a_layer_that_is_never_called_is_said() -> None:
    module = nn.ModuleDict({"used": nn.GRU(3, 4), "idle": nn.GRU(3, 4)})
    with rnnscope.record(module) as recording:
        module["used"](torch.zeros(2, 1, 3))
    with pytest.raises(RecordingError, match="without calling idle"):
        recording["idle.l0.h"]


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning", "ignore:.*torch.jit.*:FutureWarning")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Linear(3, 4), "no recurrent layer"),
        (lambda: torch.jit.script(nn.GRU(3, 4)), "TorchScript"),
        (lambda: nn.ModuleList([torch.jit.script(nn.GRU(3, 4))]), "TorchScript"),
        (lambda: torch.compile(nn.GRU(3, 4), backend="eager"), "compiled"),
        (lambda: nn.ModuleList([compiled_in_place(nn.GRU(3, 4))]), "0 .* is compiled"),
        (lambda: compiled_in_place(nn.GRU(3, 4)), "compiled"),
    ],
    ids=["no layer", "script", "script inside", "compile", "compile inside", "compile in place"],
)
@pytest.mark.parametrize("door", [rnnscope.record, rnnscope.unroll, lambda module: rnnscope.intervene(module, {})])
def test_what_cannot_be_recorded_is_said(make: Any, said: str, door: Any) -> None:
    with pytest.raises(RecordingError, match=said), door(make()):
        raise AssertionError


def compiled_in_place(module: nn.Module) -> nn.Module:
    module.compile(backend="eager")
    return module


@pytest.mark.parametrize("before", [False, True], ids=["compiled inside the block", "compiled before"])
def test_a_compiled_function_around_a_network_is_recorded_rightly_or_refused(before: bool) -> None:
    module, x = nn.GRU(3, 4), torch.randn(5, 2, 3)
    function = torch.compile(lambda x: 2 * module(x)[0], backend="eager")
    plain = function(x) if before else None
    with rnnscope.record(module) as expected:
        output = 2 * module(x)[0]
    with rnnscope.record(module) as recording:
        try:
            seen = function(x)
        except RnnscopeError:
            return
    torch.testing.assert_close(seen, output)
    torch.testing.assert_close(recording["l0.n"], expected["l0.n"])
    torch.testing.assert_close(function(x), output if plain is None else plain)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_the_self_check_catches_a_kernel_that_does_not_use_its_weights(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper_with_kernels(monkeypatch, lambda output, *states: (output + 1e-3, *states))
    module = KINDS[kind](3, 4)
    with pytest.raises(RecordingError, match="give h back only to within"), rnnscope.record(module):
        module(torch.randn(5, 1, 3))


def test_the_self_check_sees_a_cell_state_that_a_saturated_tanh_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    module, state = nn.LSTM(3, 4), (torch.zeros(1, 1, 4), torch.full((1, 1, 4), 100.0))
    tamper_with_kernels(monkeypatch, lambda output, h, c: (output, h, c + 1))
    with pytest.raises(RecordingError, match="give h back only to within"), rnnscope.record(module):
        module(torch.randn(5, 1, 3), state)


def test_the_self_check_allows_for_the_rounding_of_large_values() -> None:
    torch.manual_seed(0)
    module, cell, large = nn.LSTM(3, 40, proj_size=5), nn.LSTMCell(3, 40), torch.full((2, 40), 12345.0)
    module.get_parameter("weight_hr_l0").detach().mul_(1e4)
    with rnnscope.record(module) as recording:
        module(torch.randn(50, 2, 3))
    assert recording["l0.h"].abs().max() > 1000
    with rnnscope.record(cell) as recording:
        cell(torch.randn(2, 3), (torch.zeros(2, 40), large))
    assert recording["l0.c"].max() > 1000


def tamper_with_kernels(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Have a layer's kernel return something else."""
    one_layer = kernels.Call.one_layer
    monkeypatch.setattr(kernels.Call, "one_layer", lambda call, *args: change(*one_layer(call, *args)))

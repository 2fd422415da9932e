"""Recorded signals against a float64 loop of the equations, and a network that stays as it was."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

import rnnscope
from rnnscope.errors import AddressError, RecordingError, RnnscopeError
from rnnscope.recording import kernels, recovery
from rnnscope.recording.intervention import Intervention
from tests import equations

from .networks import CELLS, KINDS, PROJECTION_WARNING, Case, First, Loop, cases

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)


def assert_recorded(case: Case, tolerance: float) -> None:
    plain = case.flat()
    with rnnscope.record(case.module) as recording:
        seen = case.flat()
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))
    expected = case.expected()
    assert sorted(map(str, recording)) == sorted(expected)
    for address, values in expected.items():
        assert recording[address].dtype == case.x.dtype
        np.testing.assert_allclose(recording[address], values, rtol=0, atol=tolerance, err_msg=address)
        assert recording.lengths(address).tolist() == case.lengths
    assert recording.error < tolerance


@pytest.mark.parametrize("narrow", [0, 10**9], ids=["scan by steps", "scan by doubling"])
@given(case=cases(torch.float64))
@settings(max_examples=60, deadline=None)
def test_in_float64_every_signal_equals_the_loop_and_the_output_is_untouched(narrow: int, case: Case) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "_NARROW", narrow)
        assert_recorded(case, 1e-12)


@given(case=cases(torch.float32))
@settings(max_examples=60, deadline=None)
def test_in_float32_every_signal_equals_the_loop_and_the_output_is_untouched(case: Case) -> None:
    assert_recorded(case, 2e-6)


@pytest.mark.parametrize("grad", [torch.no_grad, torch.inference_mode])
@given(case=cases(torch.float32))
@settings(max_examples=30, deadline=None)
def test_without_gradients_the_output_is_untouched_too(grad: Any, case: Case) -> None:
    with grad():
        assert_recorded(case, 2e-6)


@given(case=cases(torch.float32))
@settings(max_examples=40, deadline=None)
def test_gradients_are_the_same_to_the_last_bit(case: Case) -> None:
    plain = case.gradients()
    with rnnscope.record(case.module):
        seen = case.gradients()
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))


@pytest.mark.parametrize("narrow", [0, 10**9], ids=["scan by steps", "scan by doubling"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_float32_keeps_within_rounding_over_many_blocks(
    kind: str, narrow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_NARROW", narrow)
    monkeypatch.setattr(recovery, "_BLOCK", 2000)
    torch.manual_seed(0)
    module = KINDS[kind](3, 4)
    x = torch.randn(500, 2, 3)
    with rnnscope.record(module) as recording, torch.no_grad():
        module(x)
    zeros = np.zeros((1, 2, 4))
    for address, values in equations.network(module, x.double().numpy(), [zeros, zeros]).items():
        np.testing.assert_allclose(recording[address], values, rtol=0, atol=2e-6, err_msg=address)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_half_precision_is_recorded_to_its_own_precision(kind: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module, x = KINDS[kind](3, 4, 2).to(dtype), torch.randn(50, 2, 3).to(dtype)
    with torch.no_grad():
        plain, _ = module(x)
        with rnnscope.record(module) as recording:
            output, _ = module(x)
    assert torch.equal(plain, output)
    zeros = np.zeros((2, 2, 4))
    for address, values in equations.network(module, x.double().numpy(), [zeros, zeros]).items():
        assert recording[address].dtype == dtype
        np.testing.assert_allclose(recording[address].double(), values, atol=8 * torch.finfo(dtype).eps, rtol=0.02)
    assert recording.error <= 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("make", [*KINDS.values(), *(lambda *a, c=c: Loop(c(*a)) for c in CELLS.values())])
def test_under_autocast_a_network_is_recorded_and_does_what_it_did(make: Any) -> None:
    torch.manual_seed(0)
    module, x = make(3, 4), torch.randn(70, 2, 3)
    with rnnscope.record(module) as exact:
        module(x)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain, _ = module(x)
        with rnnscope.record(module) as recording:
            output, _ = module(x)
    assert torch.equal(plain, output)
    for address in exact:
        torch.testing.assert_close(recording[address].float(), exact[address], rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("grad", [True, False])
def test_a_long_sequence_in_pieces_gives_what_it_gives_whole(
    kind: str, grad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module, x = KINDS[kind](3, 4, 2), torch.randn(1001, 2, 3)
    state = torch.randn(2, 2, 4)
    given = (state, -state) if kind == "lstm" else state
    with torch.set_grad_enabled(grad):
        with rnnscope.record(module) as whole:
            plain = module(x, given)[0]
        monkeypatch.setattr(kernels, "_LONG", 1000)
        with rnnscope.record(module) as recording:
            output = module(x, given)[0]
    torch.testing.assert_close(output, plain, rtol=0, atol=0 if grad else 1e-6)
    for address in whole:
        torch.testing.assert_close(recording[address], whole[address], rtol=0, atol=0 if grad else 1e-6)


def test_a_million_steps_are_recorded() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(1, 2), torch.randn(1_000_000, 1, 1)
    with torch.no_grad():
        with rnnscope.record(module) as recording:
            _, (_, c) = module(x)
        state = tuple(recording[f"l0.{name}"][499_999].unsqueeze(0) for name in "hc")
        again, _ = module(x[500_000:500_100], state)
    assert recording["l0.c"].shape == (1_000_000, 1, 2)
    torch.testing.assert_close(recording["l0.c"][-1], c[0])
    torch.testing.assert_close(recording["l0.h"][500_000:500_100], again)


def test_addresses_name_the_module_where_there_are_several() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.GRU(3, 4), nn.LSTM(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.decoder(self.encoder(x)[0])[0]

    network, x = Two(), torch.randn(5, 1, 3)
    with rnnscope.record(network, ["h", "decoder.l0.c"]) as recording:
        network(x)
    assert [str(a) for a in recording] == ["encoder.l0.h", "decoder.l0.h", "decoder.l0.c"]
    torch.testing.assert_close(recording["encoder.l0.h"], network.encoder(x)[0].detach())
    with rnnscope.record(network.decoder) as alone:
        network.decoder(network.encoder(x)[0])
    torch.testing.assert_close(recording["decoder.l0.c"], alone["l0.c"])


@pytest.mark.parametrize("rnn", [nn.GRU(3, 4), nn.LSTM(3, 4)], ids=["gru", "lstm"])
def test_a_recording_does_not_change_with_the_output(rnn: nn.Module) -> None:
    module = nn.Sequential(rnn, First(), nn.ReLU(inplace=True))
    with rnnscope.record(module) as recording, torch.no_grad():
        module(torch.randn(40, 2, 3))
    assert recording["l0.h"].min() < 0


def test_a_unit_and_a_signal_have_their_shapes() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module, ["c"]) as recording:
        module(torch.randn(7, 2, 3))
    assert recording["l0.c"].shape == (7, 2, 4)
    assert torch.equal(recording["l0.c.3"], recording["l0.c"][..., 3])
    assert not recording["l0.c"].requires_grad


def test_no_sequence_at_all_is_recorded_as_none() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module) as recording:
        output, _ = module(torch.randn(5, 0, 3))
    assert output.shape == recording["l0.c"].shape == (5, 0, 4)


def test_what_is_not_finite_comes_back_as_from_the_module_itself() -> None:
    module, x = nn.LSTM(3, 4), torch.full((40, 2, 3), torch.nan)
    with rnnscope.record(module) as recording:
        output, _ = module(x)
    assert output.isnan().all()
    assert recording["l0.c"].isnan().all()


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


def taps(module: nn.Module) -> list[object]:
    """All that a recording may have left at a network."""
    found: list[object] = [m for m in module.modules() if "forward" in m.__dict__]
    for m in module.modules():
        found += [*m._forward_pre_hooks, *m._forward_hooks, *m._backward_hooks]
    return found


def stumble(*_: object) -> Any:
    raise ZeroDivisionError


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


def test_reading_before_the_network_ran_is_an_error() -> None:
    with rnnscope.record(nn.GRU(3, 4)) as recording, pytest.raises(RecordingError, match="has not run"):
        recording["l0.h"]


def test_a_layer_that_is_never_called_is_said() -> None:
    module = nn.ModuleDict({"used": nn.GRU(3, 4), "idle": nn.GRU(3, 4)})
    with rnnscope.record(module) as recording:
        module["used"](torch.zeros(2, 1, 3))
    with pytest.raises(RecordingError, match="without calling idle"):
        recording["idle.l0.h"]


def test_a_call_that_failed_has_nothing_recorded() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module) as recording:
        with rnnscope.intervene(module, {"l0.c": Intervention(stumble)}), pytest.raises(ZeroDivisionError):
            module(torch.zeros(2, 1, 3))
        with pytest.raises(RecordingError):
            recording["l0.h"]


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

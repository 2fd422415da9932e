"""Recorded signals against a float64 loop of the equations, and a network that stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

import rnnscope
from rnnscope.recording import kernels, recovery
from tests import equations

from .networks import CELLS, KINDS, PROJECTION_WARNING, Case, First, Loop, Two, cases

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

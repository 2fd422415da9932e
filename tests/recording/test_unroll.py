"""The steps of `rnnscope.unroll` against the fused kernels: values, gradients, and signals as nodes of the graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn.utils.rnn import pack_sequence

import rnnscope
from rnnscope.errors import RecordingError

from .networks import PROJECTION_WARNING, Case, cases

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

close: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}


@given(case=cases(torch.float64))
@settings(max_examples=60, deadline=None)
def test_values_and_signals_are_those_of_the_kernels(case: Case) -> None:
    with rnnscope.record(case.module) as recording:
        plain = case.flat()
    with rnnscope.unroll(case.module) as unrolled:
        output = case.flat()
    for a, b in zip(plain, output, strict=True):
        torch.testing.assert_close(a, b, **close)
    for address in recording:
        torch.testing.assert_close(recording[address], unrolled[address].detach(), **close)
        assert unrolled.lengths(address).tolist() == case.lengths


@given(case=cases(torch.float64))
@settings(max_examples=60, deadline=None)
def test_gradients_are_those_of_the_kernels(case: Case) -> None:
    plain = case.gradients()
    with rnnscope.unroll(case.module):
        unrolled = case.gradients()
    for a, b in zip(plain, unrolled, strict=True):
        torch.testing.assert_close(a, b, **close)


@given(case=cases(torch.float64))
@settings(max_examples=30, deadline=None)
def test_a_recording_beside_it_has_the_same_signals_cut_from_the_graph(case: Case) -> None:
    with rnnscope.record(case.module) as recording, rnnscope.unroll(case.module) as unrolled:
        case.flat()
    for address in recording:
        assert torch.equal(recording[address], unrolled[address])
        assert unrolled[address].requires_grad
        assert not recording[address].requires_grad


def test_the_gradient_of_a_step_is_that_of_the_rest_of_the_text_with_respect_to_its_state() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4).double(), torch.randn(9, 2, 3, dtype=torch.float64)
    with rnnscope.unroll(module) as recording:
        loss = module(x)[0][5:].square().sum()
    gradients = torch.autograd.grad(loss, recording.steps("l0.c"), allow_unused=True)
    for t in range(5):
        c = recording["l0.c"][t].detach().requires_grad_()
        h = recording["l0.o"][t].detach() * c.tanh()
        rest = module(x[t + 1 :], (h.unsqueeze(0), c.unsqueeze(0)))[0][4 - t :].square().sum()
        torch.testing.assert_close(gradients[t], torch.autograd.grad(rest, c)[0], **close)


def test_a_signal_is_differentiable_itself() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4).double(), torch.randn(5, 1, 3, dtype=torch.float64)

    def gate(x: torch.Tensor) -> torch.Tensor:
        with rnnscope.unroll(module, ["z"]) as recording:
            module(x)
        return recording["l0.z"]

    assert torch.autograd.gradcheck(gate, x.requires_grad_())


def test_the_steps_of_a_reverse_layer_come_in_the_order_of_reading() -> None:
    module = nn.LSTM(3, 4, 2, bidirectional=True)
    with rnnscope.unroll(module) as recording:
        module(torch.randn(5, 2, 3))
    assert torch.equal(torch.stack(recording.steps("l1r.c")).flip(0), recording["l1r.c"])
    assert torch.equal(torch.stack(recording.steps("l1.c")), recording["l1.c"])


def test_single_steps_are_kept_by_unroll_alone_for_one_call_of_sequences_that_are_not_packed() -> None:
    module, x = nn.GRU(3, 4), torch.randn(5, 2, 3)
    with rnnscope.record(module) as recorded:
        module(x)
    with rnnscope.unroll(module) as packed:
        module(pack_sequence([x[:, 0], x[:3, 1]]))
    network = nn.ModuleList([module])
    with rnnscope.unroll(network) as twice:
        network[0](x)
        network[0](x)
    for recording in (recorded, packed, twice):
        with pytest.raises(RecordingError, match="no single steps of l0.h"):
            recording.steps("l0.h")


def test_half_precision_and_autocast_are_unrolled() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4), torch.randn(20, 2, 3)
    exact = module(x)[0]
    with rnnscope.unroll(module), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(module(x)[0].float(), exact, atol=0.05, rtol=0)
    module, x = module.to(torch.bfloat16), x.to(torch.bfloat16)
    with rnnscope.unroll(module) as recording:
        output, _ = module(x)
    assert output.dtype == recording["l0.c"].dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), exact, atol=0.05, rtol=0)

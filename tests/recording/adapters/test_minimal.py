"""minGRU and minLSTM: all steps at once, one by one, and as the paper's equations in a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import rnnscope
from rnnscope.errors import ModelError
from rnnscope.recording.adapters.minimal import scan
from tests.equations import sigmoid

Layer = rnnscope.MinGRU | rnnscope.MinLSTM
KINDS = (rnnscope.MinGRU, rnnscope.MinLSTM)
SIGNALS = {rnnscope.MinGRU: "hzn", rnnscope.MinLSTM: "hfig"}


def g(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def published(layer: Layer, x: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
    """The equations of Feng et al. 2024, with the g of their appendix B or without."""
    W, b = (parameter.detach().double().numpy() for parameter in (layer.linear.weight, layer.linear.bias))
    squash = g if layer.positive else lambda candidate: candidate
    rows = []
    for x_t in x:
        total = x_t @ W.T + b
        if isinstance(layer, rnnscope.MinGRU):
            z, n = np.split(total, 2, axis=-1)
            z, n = sigmoid(z), squash(n)
            h = (1 - z) * h + z * n
            rows.append((h, z, n))
        else:
            f, i, candidate = np.split(total, 3, axis=-1)
            f, i, candidate = sigmoid(f), sigmoid(i), squash(candidate)
            f, i = f / (f + i), i / (f + i)
            h = f * h + i * candidate
            rows.append((h, f, i, candidate))
    return dict(zip(SIGNALS[type(layer)], np.stack(rows, axis=1), strict=True))


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, Tensor, Tensor | None]:
    torch.manual_seed(draw(st.integers(0, 99)))
    layer = draw(st.sampled_from(KINDS))(3, 4, positive=draw(st.booleans()), batch_first=draw(st.booleans())).double()
    layer.linear.weight.data *= draw(st.sampled_from([1.0, 20.0]))
    time, batch = draw(st.integers(1, 40)), draw(st.integers(1, 3))
    x = torch.randn((batch, time, 3) if layer.batch_first else (time, batch, 3), dtype=torch.float64)
    return layer, x, torch.randn(batch, 4, dtype=torch.float64) if draw(st.booleans()) else None


@given(case=layers())
@settings(max_examples=80, deadline=None)
def test_at_once_one_by_one_and_as_published(case: tuple[Layer, Tensor, Tensor | None]) -> None:
    layer, x, state = case
    time_first = x.transpose(0, 1) if layer.batch_first else x
    expected = published(
        layer, time_first.numpy(), np.zeros((time_first.shape[1], 4)) if state is None else state.numpy()
    )
    plain, last = layer(x, state)
    with rnnscope.record(layer) as recording:
        output, last_after = layer(x, state)
    assert torch.equal(output, plain) and torch.equal(last, last_after)
    assert {str(address) for address in recording} == {f"l0.{letter}" for letter in SIGNALS[type(layer)]}
    with rnnscope.unroll(layer) as steps:
        unrolled, last_unrolled = layer(x, state)
    torch.testing.assert_close((unrolled, last_unrolled), (plain, last))
    torch.testing.assert_close(last, plain[:, -1] if layer.batch_first else plain[-1])
    for letter, values in expected.items():
        for found in (recording, steps):
            np.testing.assert_allclose(found[f"l0.{letter}"].detach().numpy(), values, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_have_the_same_gradients(kind: Any) -> None:
    torch.manual_seed(0)
    layer = kind(3, 4).double()
    x, state = torch.randn(21, 2, 3, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    wanted = (state, *layer.parameters())
    at_once = torch.autograd.grad(layer(x, state)[0].square().sum(), wanted)
    with rnnscope.unroll(layer) as recording:
        loss = layer(x, state)[0].square().sum()
    torch.testing.assert_close(torch.autograd.grad(loss, wanted, retain_graph=True), at_once)
    assert len(torch.autograd.grad(loss, recording.steps("l0.h"))) == 21


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sequence_loses_no_digits(kind: Any) -> None:
    torch.manual_seed(0)
    layer, x = kind(3, 4), 3 * torch.randn(5001, 1, 3)
    with rnnscope.record(layer) as recording:
        output, _ = layer(x)
    expected = published(layer, x.double().numpy(), np.zeros((1, 4)))["h"]
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-5)
    assert recording.error < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_shut_gates_are_no_trouble(kind: Any) -> None:
    layer = kind(3, 4)
    layer.linear.weight.data.fill_(-300.0)
    output, _ = layer(torch.ones(9, 1, 3))
    output.sum().backward()
    assert output.isfinite().all()
    assert layer.linear.weight.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_one_sequence_without_a_batch_axis(kind: Any) -> None:
    torch.manual_seed(0)
    layer, x, state = kind(3, 4, batch_first=True), torch.randn(9, 3), torch.randn(4)
    together, last = layer(x.unsqueeze(0), state.unsqueeze(0))
    for context in (rnnscope.record, rnnscope.unroll):
        with context(layer) as recording:
            alone, last_alone = layer(x, state)
        torch.testing.assert_close((alone, last_alone), (together[0], last[0]))
        torch.testing.assert_close(recording["l0.h"][:, 0], together[0], check_stride=False)


def test_layers_in_a_network_have_addresses() -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.below, self.above = rnnscope.MinGRU(3, 4), rnnscope.MinLSTM(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.above(self.below(x)[0])[0]

    network, x = Two(), torch.randn(6, 2, 3)
    with rnnscope.record(network) as recording:
        output = network(x)
    torch.testing.assert_close(recording["above.l0.h"], output.detach())
    with rnnscope.intervene(network, {"below.l0.z": rnnscope.clamp(0.0)}):
        silent = network(x)
    torch.testing.assert_close(silent, network.above(torch.zeros(6, 2, 4))[0])


@pytest.mark.parametrize("shape", [(3,), (5, 2, 4), (0, 2, 3), (1, 5, 2, 3)])
def test_an_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"MinGRU reads \(time, batch, 3\) or \(time, 3\)"):
        rnnscope.MinGRU(3, 4)(torch.zeros(shape))


@given(time=st.integers(1, 70), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_scan_equals_the_loop(time: int, seed: int) -> None:
    torch.manual_seed(seed)
    a, b = torch.rand(time, 3, dtype=torch.float64), torch.randn(time, 3, dtype=torch.float64)
    h, rows = torch.zeros(3, dtype=torch.float64), []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        rows.append(h)
    torch.testing.assert_close(scan(a, b), torch.stack(rows))

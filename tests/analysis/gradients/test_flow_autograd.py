"""Gradient flow of what only autograd can go back through: other cells, other losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import rnnscope
from rnnscope import Adapter, CharLanguageModel, MinGRU
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.errors import ModelError
from rnnscope.models import SequenceClassifier
from rnnscope.models.classifier import ClassifierConfig
from tests.handmade import ALPHABET

Make = Callable[..., CharLanguageModel]

TEXT = "abc, 'def' ghij.\n" * 5


@pytest.mark.parametrize("stack", [{"cell": "rnn"}, {"cell": "gru", "layers": 2}, {"cell": "lstm", "proj_size": 4}])
def test_autograd_gives_the_same(make_model: Make, stack: dict[str, Any]) -> None:
    model = make_model(**stack).double()

    def loss(logits: Tensor, tokens: Tensor) -> Tensor:
        return functional.cross_entropy(logits[:-1], tokens[1:], reduction="none")

    ours = gradient_flow(model, TEXT, lags=12, targets=5)
    general = gradient_flow(model, TEXT, lags=12, targets=5, loss=loss)
    np.testing.assert_array_equal(general.targets, ours.targets)
    np.testing.assert_allclose(general.losses, ours.losses)
    assert not general.along
    for signal in ours.signals:
        np.testing.assert_allclose(general.norms[signal], ours.norms[signal], rtol=1e-10)


class Linear(nn.Module):
    """h' = A h + x."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.hidden_size = len(matrix)
        self.matrix = nn.Parameter(matrix)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h @ self.matrix.T + x


class LinearAdapter(Adapter):
    states = ("h",)

    def step(self, x: Tensor, states: tuple[Tensor, ...], keep: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
        h = keep("h", self.module(x, states[0]))
        return h, (h,)


rnnscope.register(Linear, LinearAdapter)


class Loop(nn.Module):
    """A loop over a cell, as people write it."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        h, states = torch.zeros_like(x[0]), []
        for x_t in x:
            h = self.cell(x_t, h)
            states.append(h)
        return torch.stack(states)


def test_the_slope_by_autograd_of_a_linear_module_is_the_log_of_the_spectral_radius() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(4, 4, dtype=torch.float64)
    matrix = matrix @ torch.diag(torch.tensor([0.95, 0.4, 0.3, 0.1], dtype=torch.float64)) @ torch.linalg.inv(matrix)
    x = torch.randn(250, 2, 4, dtype=torch.float64)
    flow = gradient_flow(
        Loop(Linear(matrix)).eval(),
        x,
        lags=range(60, 161, 20),
        targets=3,
        loss=lambda output, x: output.square().sum(dim=-1),
    )
    assert flow.norms["l0.h"].shape == (6, 6)  # three steps of two sequences
    assert flow.summary.loc["l0.h", "slope"] == pytest.approx(math.log(0.95), abs=1e-4)
    assert flow.text == "250 steps"


def test_a_language_model_of_another_cell(make_model: Make) -> None:
    model = make_model(cell="gru")
    model.rnn = MinGRU(5, 12)  # pyright: ignore[reportAttributeAccessIssue]
    flow = gradient_flow(model.double().eval().requires_grad_(False), TEXT, lags=10, targets=4)
    assert not any(weight.requires_grad for weight in model.parameters())
    assert set(flow.signals) == {"l0.h"}
    assert (flow.norms["l0.h"] > 0).all()


def test_a_classifier_with_a_loss() -> None:
    torch.manual_seed(0)
    config = ClassifierConfig(cell="gru", hidden_size=6, embedding_size=4)
    model = SequenceClassifier(config, rnnscope.Vocabulary(ALPHABET), ["one", "two"]).eval().double()

    def loss(logits: Tensor, tokens: Tensor) -> Tensor:
        return -logits.log_softmax(dim=-1)[:, 1]

    flow = gradient_flow(model, "abcd.ab", lags=6, targets=[6], loss=loss)
    tokens = torch.from_numpy(model.vocabulary.encode("abcd.ab"))
    with rnnscope.unroll(model) as recording:
        last = loss(model.running(tokens), tokens)[-1]
    gradients = torch.autograd.grad(last, recording.steps("l0.h"))
    np.testing.assert_allclose(flow.norms["l0.h"][0], [one.norm().item() for one in reversed(gradients)], rtol=1e-10)
    with pytest.raises(ModelError, match="classifier needs one of each step"):
        gradient_flow(model, "abcd.ab", lags=2)


def test_it_is_said_where_gradients_cease_to_be_finite() -> None:
    x = torch.ones(20, 1, 2)
    x[9] = 0.0

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden_size = 2

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            return (x + 0 * h).sqrt()

    rnnscope.register(Root, LinearAdapter)
    with pytest.raises(ModelError, match=r"The gradient is (nan|inf) from l0.h on, at lag 4 of target 12 \(step 8\)"):
        gradient_flow(Loop(Root()).eval(), x, lags=6, targets=[12], loss=lambda output, x: output.sum(dim=-1))

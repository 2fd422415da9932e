"""The methods keep to their definitions: schedule, first weights and clipping."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from rnnscope.models import CharLanguageModel, LanguageModelConfig
from rnnscope.text import Vocabulary
from rnnscope.training.methods import AdamW, CharRnn, Method, Muon
from rnnscope.training.recipe import TrainingRecipe


def parameters(*gradients: list[float] | None) -> list[nn.Parameter]:
    """Parameters with the given gradients."""
    made = []
    for gradient in gradients:
        made.append(nn.Parameter(torch.zeros(len(gradient or [0.0]))))
        made[-1].grad = None if gradient is None else torch.tensor(gradient)
    return made


def test_adamw_warms_up_and_falls_along_a_cosine_to_zero() -> None:
    method = AdamW(TrainingRecipe(learning_rate=2.0, warmup=10))
    rates = [method.learning_rate(step, 1000, 0.0) for step in range(1001)]
    cosine = [1 + math.cos(math.pi * step / 1000) for step in range(1001)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 * cosine[step] for step in range(10)])
    assert rates[10:] == pytest.approx(cosine[10:])
    assert max(rates) <= 2.0
    assert rates[500] == pytest.approx(1.0)
    assert rates[1000] == pytest.approx(0.0)


def test_adamw_may_start_without_warm_up() -> None:
    assert AdamW(TrainingRecipe(learning_rate=2.0, warmup=0)).learning_rate(0, 10, 0.0) == 2.0


def test_adamw_takes_its_figures_from_the_recipe() -> None:
    (optimizer,) = AdamW(TrainingRecipe(learning_rate=0.5, weight_decay=0.25)).optimizers(nn.Linear(1, 1))
    assert isinstance(optimizer, torch.optim.AdamW)
    assert {key: optimizer.defaults[key] for key in ("lr", "weight_decay")} == {"lr": 0.5, "weight_decay": 0.25}


def test_adamw_keeps_the_first_weights() -> None:
    model = CharLanguageModel(LanguageModelConfig(hidden_size=4), Vocabulary("abc"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    AdamW(TrainingRecipe()).initialise(model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_muon_moves_the_recurrent_matrices_and_adamw_the_rest() -> None:
    model = CharLanguageModel(LanguageModelConfig(hidden_size=4, layers=2), Vocabulary("abc"))
    muon, adamw = Muon(TrainingRecipe(learning_rate=0.5)).optimizers(model)
    held = [
        {id(weight) for group in optimizer.param_groups for weight in group["params"]} for optimizer in (muon, adamw)
    ]
    assert held[0] == {id(weight) for name, weight in model.rnn.named_parameters() if name.startswith("weight")}
    assert held[0] | held[1] == {id(weight) for weight in model.parameters()}
    assert not held[0] & held[1]


def test_muons_steps_go_equally_far_in_all_directions() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(8, 8)
    matrix = layer.get_parameter("weight_hh_l0")
    muon, _ = Muon(TrainingRecipe(learning_rate=0.5, weight_decay=0.0)).optimizers(layer)
    before = matrix.detach().clone()
    direction, other = torch.randn(2, 32), torch.randn(2, 8)
    matrix.grad = torch.outer(direction[0], other[0]) + 0.01 * torch.outer(direction[1], other[1])
    muon.step()
    lengths = torch.linalg.svdvals(matrix.detach() - before)[:2]
    assert lengths[1] / lengths[0] > 0.5  # of the gradient's own: 0.01


@pytest.mark.parametrize(("limit", "clipped"), [(1.0, True), (20.0, False)])
def test_adamw_clips_the_norm_of_all_gradients(limit: float, clipped: bool) -> None:
    weights = parameters([3.0, -4.0], None, [12.0])
    norm, was_clipped = AdamW(TrainingRecipe(clip=limit)).clip(weights)
    assert float(norm) == pytest.approx(13.0)
    assert bool(was_clipped) is clipped
    factor = min(1.0, limit / 13.0)
    after = [weight.grad.tolist() for weight in weights if weight.grad is not None]
    assert after == [pytest.approx([3 * factor, -4 * factor], rel=1e-5), pytest.approx([12 * factor], rel=1e-5)]


@pytest.mark.parametrize(("limit", "clipped"), [(3.5, True), (12.5, False)])
def test_char_rnn_clips_each_element(limit: float, clipped: bool) -> None:
    weights = parameters([3.0, -4.0], None, [12.0])
    norm, was_clipped = CharRnn(TrainingRecipe(clip=limit)).clip(weights)
    assert float(norm) == pytest.approx(13.0)
    assert bool(was_clipped) is clipped
    after = [weight.grad.tolist() for weight in weights if weight.grad is not None]
    assert after == [[min(3.0, limit), max(-4.0, -limit)], [min(12.0, limit)]]


def test_char_rnn_slows_by_the_same_share_each_epoch_after_the_tenth() -> None:
    method = CharRnn(TrainingRecipe(learning_rate=2.0))
    rates = [method.learning_rate(0, 1, epoch) for epoch in (0.0, 5.5, 9.99, 10.0, 10.99, 11.0, 49.5)]
    assert rates == pytest.approx([2.0, 2.0, 2.0, 2 * 0.97, 2 * 0.97, 2 * 0.97**2, 2 * 0.97**40])


def test_char_rnn_uses_rmsprop_as_published() -> None:
    (optimizer,) = CharRnn(TrainingRecipe(learning_rate=0.002)).optimizers(nn.Linear(1, 1))
    assert isinstance(optimizer, torch.optim.RMSprop)
    assert {key: optimizer.defaults[key] for key in ("lr", "alpha", "momentum", "centered")} == {
        "lr": 0.002,
        "alpha": 0.95,
        "momentum": 0,
        "centered": False,
    }


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_char_rnn_draws_all_weights_evenly_and_opens_forget_gates(cell: str) -> None:
    torch.manual_seed(0)
    config = LanguageModelConfig(cell=cell, hidden_size=32, layers=2, embedding_size=16)
    model = CharLanguageModel(config, Vocabulary("abcdefgh"))
    CharRnn(TrainingRecipe()).initialise(model)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    if cell == "lstm":
        for layer in (0, 1):
            biases = torch.stack([weights.pop(f"rnn.bias_{kind}_l{layer}") for kind in ("ih", "hh")])
            i, f, g, o = biases.chunk(4, dim=1)
            assert torch.equal(f.sum(dim=0), torch.ones(32))
            weights |= {f"{name}{layer}": bias for name, bias in {"i": i, "g": g, "o": o}.items()}
    assert max(float(weight.abs().max()) for weight in weights.values()) == pytest.approx(0.08, rel=0.01)
    for name, weight in weights.items():
        assert weight.abs().max() <= 0.08, name
        assert float(weight.std()) == pytest.approx(0.08 / math.sqrt(3), rel=0.5), name


@pytest.mark.parametrize("method", [Muon, AdamW, CharRnn])
def test_gradients_that_are_no_numbers_reach_the_norm(method: type[Method]) -> None:
    norm, _ = method(TrainingRecipe()).clip(parameters([1.0, math.nan]))
    assert not torch.isfinite(norm)

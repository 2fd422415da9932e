"""Attributions against what is known: by hand, by autograd, by captum itself, and on a network set by hand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.attribution.attributing import attribute
from rnnscope.analysis.attribution.methods import METHODS
from rnnscope.analysis.attribution.question import Question
from rnnscope.errors import ArgumentError, AttributionError
from tests.handmade import latch
from tests.printing import printed

from .own_modules import Linear, Loop, Tagged

ANSWERING = [name for name in METHODS if name != "deep-lift"]
TOKENS = [1, 2, 3, 2, 0, 4]
INSIDE = 'ab cd:"abc abcd cab ab'
OPENING = INSIDE.index('"')


def test_on_a_linear_network_every_signed_method_gives_what_each_step_is_owed() -> None:
    network, x = Linear(), torch.rand(6, 3)
    owed = network.owed(x, 1).detach().numpy()
    for method in ("integrated-gradients", "input-x-gradient", "occlusion", "feature-ablation"):
        found = attribute(network, x, 1, method)
        np.testing.assert_allclose(found.scores, owed, atol=1e-6)
    shap = attribute(network, x, 1, "gradient-shap", baseline="zero")
    np.testing.assert_allclose(shap.scores, owed, atol=1e-6)
    assert shap.gap < 1e-5


@pytest.mark.parametrize("network", [Tagged(), Tagged(nn.LSTM, bidirectional=True), Loop()])
def test_gradients_are_those_of_the_fused_layer_in_eval_mode(network: nn.Module) -> None:
    tokens = torch.tensor(TOKENS)
    embedded: list[Tensor] = []
    embedding: Any = network.get_submodule("embedding")
    handle = embedding.register_forward_hook(
        lambda *given: embedded.append(given[2].detach().requires_grad_()) or embedded[-1]
    )
    network.eval()
    output = network(tokens[None] if isinstance(network, Tagged) else tokens[:, None])[0, 2]
    gradient = torch.stack([g.squeeze() for g in torch.autograd.grad(output, embedded)]).reshape(6, 5)
    vectors = torch.stack([e.squeeze() for e in embedded]).reshape(6, 5).detach()
    handle.remove()
    network.train()
    found = attribute(network, tokens, 2, "saliency")
    np.testing.assert_allclose(found.scores, gradient.abs().sum(dim=-1).numpy(), atol=1e-6)
    found = attribute(network, tokens, 2, "input-x-gradient")
    np.testing.assert_allclose(found.scores, (gradient * vectors).sum(dim=-1).numpy(), atol=1e-6)
    assert found.value == pytest.approx(output.item(), abs=1e-6)


@pytest.mark.parametrize("network", [Tagged(), Tagged(nn.LSTM, bidirectional=True)])
def test_captum_called_by_a_user_inside_unroll_gives_the_same(network: nn.Module) -> None:
    network.eval()
    embedding: Any = network.get_submodule("embedding")
    tokens = torch.tensor(TOKENS)[None]
    with rnnscope.unroll(network):
        layer = captum.attr.LayerIntegratedGradients(network, embedding)
        theirs: Any = layer.attribute(tokens, torch.zeros_like(tokens), target=2, n_steps=64)
    found = attribute(network, TOKENS, 2, steps=64, characters="abcdefg", baseline="a")
    np.testing.assert_allclose(found.scores, theirs.detach().sum(dim=-1)[0].numpy(), atol=1e-5)


def test_occlusion_is_what_is_lost_without_a_window(make_model: Callable[..., CharLanguageModel]) -> None:
    model, text = make_model(), "abc, abba fed"
    question = Question.of(model, text, "h@-1")
    read = question.tokens[:, None]
    space = model.vocabulary.characters.index(" ")

    def lost(start: int, stop: int) -> float:
        changed = read.clone()
        changed[start:stop] = space
        return (question.value(read) - question.value(changed)).item()

    singles = [lost(step, step + 1) for step in range(12)]
    for method in ("occlusion", "feature-ablation"):
        np.testing.assert_allclose(attribute(model, text, "h@-1", method).scores, singles, atol=1e-5)
    wide = [lost(start, start + 3) for start in range(10)]
    means = [np.mean([wide[start] for start in range(max(step - 2, 0), min(step, 9) + 1)]) for step in range(12)]
    np.testing.assert_allclose(attribute(model, text, "h@-1", "occlusion", window=3).scores, means, atol=1e-5)
    words = attribute(model, text, "h@-1", "feature-ablation", words=True)
    starts = [*words.starts, 12]
    np.testing.assert_allclose(words.words["score"], [lost(a, b) for a, b in pairwise(starts)], atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("target", ["a@-1", "l1.h.3@-2"])
def test_integrated_gradients_add_up_within_a_hundredth(
    make_model: Callable[..., CharLanguageModel], cell: str, target: str
) -> None:
    model = make_model(cell=cell, layers=2)
    for weight in model.rnn.parameters():
        weight.data *= 1 if cell == "rnn" else 3
    found = attribute(model, "abc, de. abba, fed a bee", target)
    assert found.gap < 0.01
    assert found.scores.sum() == pytest.approx(found.difference, rel=0.01)


def test_a_steep_path_is_walked_in_small_steps_until_the_scores_add_up(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model, text = make_model(cell="rnn"), "abc, de. abba, fed a bee"
    for weight in model.rnn.parameters():
        weight.data *= 2.5
    assert attribute(model, text, "a@-1", steps=512).gap > 0.1
    found = attribute(model, text, "a@-1")
    assert found.gap < 0.01
    question = Question.of(model, text, "a@-1")
    read = question.embed(question.tokens[:, None])
    empty = question.embed(torch.full_like(question.tokens[:, None], model.vocabulary.characters.index(" ")))
    places = (torch.arange(4000) + 0.5) / 4000
    between = torch.lerp(empty, read, places[:, None]).requires_grad_()
    (slopes,) = torch.autograd.grad(question.from_embeddings(between).sum(), between)
    expected = (slopes.mean(dim=1) * (read - empty)[:, 0]).sum(dim=-1).numpy()
    np.testing.assert_allclose(found.scores, expected, atol=0.02 * np.abs(expected).max())


def test_scores_that_do_not_add_up_are_called_so(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model(cell="rnn", layers=2)
    for weight in model.rnn.parameters():
        weight.data *= 3  # chaotic: no path is smooth enough
    found = attribute(model, "abc, de. abba, fed a bee", "a@-1", steps=64)
    assert found.gap > 1
    assert "Above 1 %: take more steps (steps= in Python), or another method." in printed(found, 200)


def test_the_opening_quote_is_what_the_state_inside_is_due_to() -> None:
    model = latch()
    for method in ("integrated-gradients", "occlusion", "feature-ablation", "contextual-decomposition"):
        for step in (OPENING, OPENING + 5, -1):
            found = attribute(model, INSIDE, f"l0.c.3@{step}", method)
            assert found.value == pytest.approx(1, abs=1e-3)
            share = np.abs(found.scores) / np.abs(found.scores).sum()
            assert share[OPENING] > 0.98, method
            assert found.scores[OPENING] == pytest.approx(1, abs=0.01), method


def test_plain_gradients_see_nothing_through_gates_that_are_shut() -> None:
    for method in ("saliency", "input-x-gradient"):
        assert attribute(latch(), INSIDE, "l0.c.3@-1", method).scores[OPENING] == pytest.approx(0, abs=1e-4)


def test_after_the_closing_quote_both_quotes_have_to_do_with_it() -> None:
    found = attribute(latch(), f'{INSIDE}" ab', "l0.c.3@-1", "occlusion")
    assert found.value == pytest.approx(-1, abs=1e-3)
    assert set(np.flatnonzero(np.abs(found.scores) > 0.5)) == {OPENING, len(INSIDE)}


def test_gradient_shap_follows_from_its_seed_and_draws_nothing_from_others(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model, text = make_model(), "abc, abba fed"
    before = (np.random.get_state()[1].copy(), torch.random.get_rng_state())  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    one, again, other = (attribute(model, text, None, "gradient-shap", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.scores, again.scores)
    assert not np.allclose(one.scores, other.scores)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # pyright: ignore[reportArgumentType]
    assert torch.equal(before[1], torch.random.get_rng_state())
    gaps = [attribute(model, text, None, "gradient-shap", steps=steps).gap for steps in (16, 4096)]
    assert gaps[1] < 0.1


def test_shuffled_texts_tell_nothing_of_a_quote_that_all_of_them_hold_and_spaces_do() -> None:
    text = 'abc. ab:"ab cd ab'
    found = attribute(latch(), text, "l0.c.3@-1", "gradient-shap")
    assert found.baseline == "a text of spaces"
    assert found.scores[8] == pytest.approx(0.85, abs=0.01)
    np.testing.assert_allclose(np.delete(found.scores, 8), 0, atol=1e-3)
    shuffled = attribute(latch(), text, "l0.c.3@-1", "gradient-shap", baseline="shuffled")
    assert (shuffled.scores.argmin(), shuffled.scores.min()) == (8, pytest.approx(-0.54, abs=0.01))
    assert shuffled.difference == pytest.approx(0, abs=1e-6)


class Stepwise(nn.Module):
    """An LSTM whose nonlinearities are modules, one of each for each step, as DeepLift asks for."""

    def __init__(self, lstm: nn.LSTM, time: int) -> None:
        super().__init__()
        self.lstm = lstm
        kinds = (nn.Sigmoid, nn.Sigmoid, nn.Tanh, nn.Sigmoid, nn.Tanh)
        self.gates = nn.ModuleList(nn.ModuleList([kind() for kind in kinds]) for _ in range(time))

    def forward(self, x: Tensor) -> Tensor:
        lstm: Any = self.lstm
        h = c = x.new_zeros(len(x), lstm.hidden_size)
        for step, gates in enumerate(self.gates):
            a, b, d, e, squash = gates  # pyright: ignore[reportGeneralTypeIssues]
            total = x[:, step] @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0
            i, f, g, o = total.chunk(4, dim=-1)
            c = b(f) * c + a(i) * d(g)
            h = e(o) * squash(c)
        return h


class Last(nn.Module):
    """The last output of a fused layer."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0][:, -1]


def test_deep_lift_is_refused_since_it_does_not_add_up_even_on_a_network_made_for_it() -> None:
    torch.manual_seed(0)
    lstm, x = nn.LSTM(3, 6, batch_first=True), torch.randn(1, 8, 3)
    for weight in lstm.parameters():
        weight.data *= 3
    network, baseline = Stepwise(lstm, 8), torch.zeros_like(x)
    torch.testing.assert_close(network(x), lstm(x)[0][:, -1], rtol=0, atol=1e-6)
    difference = (network(x) - network(baseline))[0, 1].item()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rescaled = captum.attr.DeepLift(network).attribute(x.requires_grad_(), baseline, target=1)
    integrated = captum.attr.IntegratedGradients(network).attribute(x, baseline, target=1)
    assert integrated.sum().item() == pytest.approx(difference, rel=0.01)
    assert abs(rescaled.sum().item() - difference) > 0.2 * abs(difference)
    last = Last(lstm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fused = captum.attr.DeepLift(last).attribute(x, baseline, target=1)
    (gradient,) = torch.autograd.grad(last(x)[0, 1], x)
    torch.testing.assert_close(fused, (x - baseline) * gradient, rtol=0, atol=1e-6)
    with pytest.raises(AttributionError, match="no rules and adds up"):
        attribute(latch(), INSIDE, method="deep-lift")


@pytest.mark.parametrize("method", ANSWERING)
def test_a_network_is_left_as_it_was_and_nothing_is_said(method: str, capfd: pytest.CaptureFixture[str]) -> None:
    model = latch().train()
    model.head.weight.requires_grad_(False)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with torch.no_grad():
        attribute(model, INSIDE, "a@-3", method)
    assert capfd.readouterr() == ("", "")
    assert all(part.training for part in model.modules())
    assert [name for name, weight in model.named_parameters() if not weight.requires_grad] == ["head.weight"]
    assert all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert "forward" not in model.rnn.__dict__


@pytest.mark.parametrize("method", ANSWERING)
def test_the_callers_mode_of_gradients_and_half_precision_change_nothing(method: str) -> None:
    network = Tagged(nn.LSTM)
    expected = attribute(network, TOKENS, 2, method).scores
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            np.testing.assert_allclose(attribute(network, TOKENS, 2, method).scores, expected, atol=1e-6)
    assert not torch.is_inference_mode_enabled()
    for dtype in (torch.bfloat16, torch.float16):
        found = attribute(Tagged(nn.LSTM).to(dtype), TOKENS, 2, method).scores
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_what_comes_after_the_step_that_is_asked_about_has_no_score() -> None:
    found = attribute(latch(), INSIDE, "a@7", "occlusion")
    assert "".join(found.characters) == INSIDE[:7]
    assert found.scores.shape == (7,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "lime"}, "no method 'lime'. There are: saliency"),
        ({"method": 3}, "no method 3"),
        ({"baseline": "spaces"}, "one character that the network knows"),
        ({"baseline": "z"}, "one character that the network knows"),
        ({"baseline": 3}, "one character that the network knows"),
        ({"baseline": "shuffled"}, "measures against one baseline"),
        ({"method": "saliency", "baseline": "zero"}, "saliency takes no baseline. These do: integrated-gradients"),
        ({"method": "occlusion", "steps": 3}, "takes no steps. These do: integrated-gradients, gradient-shap"),
        ({"window": 3}, "takes no window. These do: occlusion"),
        ({"method": "occlusion", "window": 99}, "has 22 parts to take away; window=99 is more"),
    ],
)
def test_what_cannot_be_done_is_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(AttributionError, match=words):
        attribute(latch(), INSIDE, "l0.c.3@-1", **options)


def test_numbers_that_are_none_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"steps": 0}, {"steps": 1.5}, {"seed": -1}]
    for options in wrong:
        with pytest.raises(ArgumentError, match="whole number"):
            attribute(latch(), INSIDE, **options)
    with pytest.raises(AttributionError, match="Words are made of characters"):
        attribute(Tagged(), TOKENS, 0, "occlusion", words=True)
    broken = latch()
    broken.head.weight.data[:] = math.nan
    for method in ("saliency", "integrated-gradients", "occlusion"):
        with pytest.raises(AttributionError, match="not a finite number"):
            attribute(broken, INSIDE, "a@-1", method)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("method", ANSWERING)
def test_in_eval_mode_on_a_gpu_the_same(method: str) -> None:
    here = attribute(latch(), INSIDE, "a@-1", method)
    there = attribute(latch().cuda(), INSIDE, "a@-1", method)
    np.testing.assert_allclose(there.scores, here.scores, atol=1e-3 * np.abs(here.scores).max() + 1e-6)

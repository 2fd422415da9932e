"""Attributions to units of a signal: against captum, against autograd, and against what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import (
    LayerConductance,
    LayerGradientXActivation,
    LayerIntegratedGradients,
    NeuronIntegratedGradients,
)
from torch import Tensor, nn

from rnnscope import SequenceClassifier, Vocabulary, intervene, unroll
from rnnscope.analysis.attribution.attributing import attribute
from rnnscope.analysis.attribution.question import Question
from rnnscope.analysis.attribution.signal_methods import SIGNAL_METHODS
from rnnscope.analysis.attribution.signals import attribute_units
from rnnscope.errors import AddressError, ArgumentError, AttributionError
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.recording.intervention import Intervention
from tests.handmade import latch
from tests.printing import printed

TEXT = "abc,def j"


class WithLayers(nn.Module):
    """A network for captum: a signal passes through one module a step, where its hooks find it."""

    def __init__(self, question: Question, signal: str) -> None:
        super().__init__()
        self.question, self.signal = question, signal
        self.layers = nn.ModuleList(nn.Identity() for _ in question.tokens)

    def forward(self, embedded: Tensor) -> Tensor:
        through = Intervention(lambda signal, units, now, step: self.layers[step](now))  # pyright: ignore[reportArgumentType, reportCallIssue]
        with intervene(self.question.network, {self.signal: through}):
            return self.question.from_embeddings(embedded.transpose(0, 1))[:, None]


def for_captum(model: nn.Module, target: Any, signal: str, text: str = TEXT) -> tuple[WithLayers, Tensor, Tensor]:
    """The network, the text's vectors and those of zero, of shape (1, time, size)."""
    question = Question.of(model, text, target)
    embedded = question.embed(question.tokens[:, None]).detach().transpose(0, 1)
    return WithLayers(question, signal), embedded, torch.zeros_like(embedded)


CASES = [("lstm", "l0.c"), ("lstm", "l1.f"), ("gru", "l0.h"), ("rnn", "l1.h")]


@pytest.mark.parametrize(("cell", "signal"), CASES)
def test_gradient_x_activation_is_captums(make_model: Any, cell: str, signal: str) -> None:
    model = make_model(cell=cell, layers=2)
    found = attribute_units(model, TEXT, "e@6", signal, "gradient-x-activation")
    network, embedded, _ = for_captum(model, "e@6", signal)
    expected: Any = LayerGradientXActivation(network, list(network.layers)).attribute(embedded, target=0)
    np.testing.assert_allclose(found.scores, torch.cat(tuple(expected)).detach().numpy(), atol=1e-7)


@pytest.mark.parametrize(("cell", "signal"), CASES)
def test_integrated_gradients_over_a_signal_are_captums_and_add_up(make_model: Any, cell: str, signal: str) -> None:
    model = make_model(cell=cell, layers=2)
    found = attribute_units(model, TEXT, "e@6", signal, "integrated-gradients", baseline="zero", steps=20)
    network, embedded, zero = for_captum(model, "e@6", signal)
    with pytest.warns(UserWarning, match="Multiple layers"):
        method = LayerIntegratedGradients(network, list(network.layers))
    expected: Any = method.attribute(embedded, zero, target=0, n_steps=20, method="gausslegendre")
    np.testing.assert_allclose(found.scores, torch.cat(tuple(expected)).detach().numpy(), atol=1e-6)
    assert abs(found.gap) < 1e-4
    assert "20 points" in found.how


def test_conductance_of_a_step_is_captums(make_model: Any) -> None:
    model = make_model()
    found = attribute_units(model, TEXT, "e@6", "l0.c", "conductance", baseline="zero", steps=200)
    network, embedded, zero = for_captum(model, "e@6", "l0.c")
    expected = LayerConductance(network, network.layers[4]).attribute(embedded, zero, target=0, n_steps=200)
    np.testing.assert_allclose(found.scores[4], expected[0].detach().numpy(), atol=1e-4)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType, reportCallIssue]
    assert found.scores[4].std() > 1e-3


def test_conductance_of_all_that_a_step_puts_out_is_the_whole_difference(make_model: Any) -> None:
    model = make_model(cell="rnn")
    found = attribute_units(model, TEXT, "l0.h.3@8", "l0.h", "conductance", baseline="zero")
    question = Question.of(model, TEXT, "l0.h.3@8")
    empty = torch.zeros(len(TEXT), 1, 5)
    read = question.embed(question.tokens[:, None])
    difference = (question.from_embeddings(read) - question.from_embeddings(empty)).item()
    np.testing.assert_allclose(found.scores[8].sum(), difference, atol=1e-4)  # nothing comes after it


@pytest.mark.parametrize(("signal", "unit"), [("l0.c", "l1.h.2"), ("l0r.c", "l1.h.2"), ("l1r.h", "l1r.h.2")])
def test_a_gradient_is_that_of_the_nodes_of_the_graph(make_model: Any, signal: str, unit: str) -> None:
    model = make_model(layers=2, bidirectional=True)
    found = attribute_units(model, TEXT, f"{unit}@4", signal, "gradient")
    with unroll(model) as recording:
        model(torch.from_numpy(model.vocabulary.encode(TEXT))[:, None])
    steps = recording.steps(signal)
    expected = torch.autograd.grad(recording[unit][4].sum(), steps, materialize_grads=True)
    expected = expected[::-1] if "r." in signal else expected
    np.testing.assert_allclose(found.scores, torch.cat(tuple(expected)).numpy(), atol=1e-7)
    np.testing.assert_allclose(found.values, recording[signal][:, 0].detach().numpy(), atol=1e-7)
    assert np.abs(found.scores).max() > 1e-3


def test_a_bidirectional_classifier_which_packs_its_texts() -> None:
    torch.manual_seed(0)
    config = ClassifierConfig(hidden_size=5, embedding_size=4, bidirectional=True, pooling="mean")
    model = SequenceClassifier(config, Vocabulary("abc"), ["yes", "no"]).eval()
    found = attribute_units(model, "abcab", "no", "l0r.h", "gradient")
    tokens = torch.from_numpy(model.vocabulary.encode("abcab"))[:, None]
    with unroll(model.rnn) as recording:
        hidden, _ = model.rnn(model.embedding(tokens))
    logit = model.head(hidden.mean(dim=0))[0, 1]
    expected = torch.autograd.grad(logit, recording.steps("l0r.h"))[::-1]
    np.testing.assert_allclose(found.scores, torch.cat(tuple(expected)).numpy(), atol=1e-7)
    assert attribute_units(model, "abcab", "no", "l0r.h", "integrated-gradients").gap == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("unit", ["l0.c.3", "l1.h.2"])
def test_a_unit_as_a_target_is_captums_neuron_method(make_model: Any, unit: str) -> None:
    model, step = make_model(layers=2), 5
    signal, _, number = unit.rpartition(".")
    found = attribute(model, TEXT, f"{unit}@{step}", "integrated-gradients", baseline="zero", steps=32)
    network, embedded, zero = for_captum(model, f"{unit}@{step}", signal)
    method = NeuronIntegratedGradients(network, network.layers[step])
    expected = method.attribute(embedded, int(number), zero, n_steps=32, method="gausslegendre")
    np.testing.assert_allclose(found.scores, expected.sum(dim=-1)[0].detach().numpy(), atol=1e-6)


def test_the_latch_carries_what_the_network_knows_of_the_quote() -> None:
    text = 'ab:"cab dab'
    found = attribute_units(latch(), text, "l0.h.3@10", "l0.c", "gradient-x-activation")
    assert found.table.index[0] == "l0.c.3"
    inside = found.scores[text.index('"') :, 3]
    assert (inside > 0.1).all()
    assert np.abs(found.scores[: text.index('"'), 3]).max() < 1e-3


def test_without_a_signal_the_memory_is_taken(make_model: Any) -> None:
    assert attribute_units(make_model(), TEXT).signal == "l0.c"
    assert attribute_units(make_model(cell="gru"), TEXT).signal == "l0.h"


@pytest.mark.parametrize("method", SIGNAL_METHODS)
def test_the_result_can_be_read_and_drawn(make_model: Any, method: str) -> None:
    found = attribute_units(make_model(), "abc\n,de", "l0.h.3@5", method=method)
    assert found.scores.shape == found.values.shape == (6, 12)
    assert found.table["score"].abs().is_monotonic_decreasing
    row = found.table.iloc[0]
    assert found.scores[row["step"], int(found.table.index[0].split(".")[-1])] == row["score"]
    assert max(map(len, printed(found).splitlines())) <= 80
    assert len(found.plot().get_yticklabels()) == 12


def test_a_network_in_training_mode_is_asked_without_dropout_and_left_as_it_was(make_model: Any) -> None:
    model = make_model(dropout=0.5, layers=2)
    expected = attribute_units(model, TEXT).scores
    found = attribute_units(model.train(), TEXT).scores
    np.testing.assert_array_equal(found, expected)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_network_of_half_precision_is_asked_too(make_model: Any) -> None:
    model = make_model()
    expected = attribute_units(model, TEXT, "l0.h.3@8").scores
    found = attribute_units(model.bfloat16(), TEXT, "l0.h.3@8").scores
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_what_cannot_be_asked_is_refused(make_model: Any) -> None:
    model = make_model()
    with pytest.raises(AttributionError, match="no method 'deep-lift' on signals"):
        attribute_units(model, TEXT, method="deep-lift")
    with pytest.raises(AddressError, match="one unit"):
        attribute_units(model, TEXT, signal="l0.c.3")
    with pytest.raises(AddressError, match="no layer"):
        attribute_units(model, TEXT, signal="l7.c")
    with pytest.raises(AttributionError, match="one baseline"):
        attribute_units(model, TEXT, method="integrated-gradients", baseline="shuffled")
    with pytest.raises(ArgumentError, match="steps"):
        attribute_units(model, TEXT, method="integrated-gradients", steps=0)
    with pytest.raises(AttributionError, match="does not depend on l0.c"):
        attribute_units(model, TEXT, lambda output: torch.zeros(output[0].shape[1]))


def test_numbers_that_are_none_are_said(make_model: Any) -> None:
    model = make_model()
    model.head.weight.data[:] = torch.nan
    for method in SIGNAL_METHODS:
        with pytest.raises(AttributionError, match="not a finite number"):
            attribute_units(model, TEXT, method=method)

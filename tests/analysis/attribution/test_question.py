"""A question reads what the network itself would say, for any target, and leaves the network as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import CharLanguageModel, SequenceClassifier, Vocabulary
from rnnscope.analysis.attribution.question import Question
from rnnscope.errors import AddressError, AttributionError, RnnscopeError, TextError
from rnnscope.models import ClassifierConfig

from .own_modules import Linear, Loop, StepByStep, Tagged, Transposing

TEXT = "abc de, abba"


def classifier(**config: Any) -> SequenceClassifier:
    torch.manual_seed(0)
    options = {"hidden_size": 8, "embedding_size": 4, **config}
    return SequenceClassifier(ClassifierConfig(**options), Vocabulary("abcde ,"), ["no", "yes"]).eval()


def value(question: Question) -> float:
    return question.value(question.tokens[:, None]).item()


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_label_is_its_logit(pooling: str, bidirectional: bool) -> None:
    model = classifier(pooling=pooling, bidirectional=bidirectional)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT))[:, None]
    logits = model(tokens, torch.tensor([len(TEXT)]))[0]
    for target in ("yes", 1):
        question = Question.of(model, TEXT, target)
        assert question.target == "logit of yes"
        assert value(question) == pytest.approx(logits[1].item(), abs=1e-6)
    assert Question.of(model, TEXT).target == f"logit of {model.labels[int(logits.argmax())]}"


@pytest.mark.parametrize("embedding_size", [0, 5])
def test_a_character_is_predicted_from_those_before_it(
    make_model: Callable[..., CharLanguageModel], embedding_size: int
) -> None:
    model = make_model(embedding_size=embedding_size)
    text = "abc, abba."
    log_p = model(torch.from_numpy(model.vocabulary.encode(text)))[0].log_softmax(dim=-1)
    for target, step, character in (("b@4", 4, "b"), (("b", -6), 4, "b"), ("c", 10, "c"), (None, 9, "."), ("@", 0, "")):
        if target == "@":
            with pytest.raises(AttributionError, match="does not know the character '@'"):
                Question.of(model, text, target)
            continue
        question = Question.of(model, text, target)
        token = model.vocabulary.characters.index(character)
        assert question.text == text[:step]
        assert question.target == f"log-probability of {character} at step {step}"
        assert value(question) == pytest.approx(log_p[step - 1, token].item(), abs=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_unit_is_what_is_recorded(
    make_model: Callable[..., CharLanguageModel], cell: str, bidirectional: bool
) -> None:
    model = make_model(cell=cell, bidirectional=bidirectional, layers=2)
    tokens = torch.from_numpy(model.vocabulary.encode("abc, abba"))[:, None]
    with rnnscope.record(model) as recording:
        model(tokens)
    for address in recording.addresses:
        question = Question.of(model, "abc, abba", f"{address}.3@-4")
        assert len(question.tokens) == (9 if bidirectional else 6)
        assert value(question) == pytest.approx(recording[address][5, 0, 3].item(), abs=1e-5)


def test_a_unit_of_a_classifier_and_a_function_of_the_output() -> None:
    model = classifier(bidirectional=True)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT))[:, None]
    with rnnscope.record(model) as recording:
        logits = model(tokens, torch.tensor([len(TEXT)]))
    assert value(Question.of(model, TEXT, "l0r.c.2@3")) == pytest.approx(recording["l0r.c"][3, 0, 2].item(), abs=1e-6)
    asked = Question.of(model, TEXT, lambda out: out[:, 1] - out[:, 0])
    assert asked.target == "a function of the output"
    assert value(asked) == pytest.approx((logits[0, 1] - logits[0, 0]).item(), abs=1e-6)


@pytest.mark.parametrize("network", [Tagged(), Tagged(nn.LSTM), Tagged(bidirectional=True), Loop()])
def test_own_modules_in_their_own_layout_with_an_embedding_that_may_be_called_at_each_step(network: nn.Module) -> None:
    tokens = torch.tensor([1, 2, 3, 2, 0])
    first = isinstance(network, Tagged)
    network.train()
    question = Question.of(network, tokens, 2)
    embedded = question.embed(tokens[:, None].expand(-1, 3)).requires_grad_()
    values = question.from_embeddings(embedded)
    assert all(part.training for part in network.modules())
    network.eval()
    wanted = network(tokens[None] if first else tokens[:, None])[0, 2]
    torch.testing.assert_close(values, wanted.expand(3), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(values.sum(), embedded)
    assert gradient.shape == (5, 3, 5)
    assert (gradient.abs().sum(dim=-1) > 0).all()
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


@pytest.mark.parametrize("network", [Transposing(early=False), Transposing(early=True), StepByStep()])
@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_the_layout_is_what_the_layers_read_whatever_their_flags_say(network: nn.Module, length: int) -> None:
    tokens = torch.tensor([1, 2, 3, 2, 0, 4])[:length]
    target = None if isinstance(network, StepByStep) else 2
    wanted = network(tokens[None])[0] if target is None else network(tokens[None])[0, target]
    question = Question.of(network, tokens, target)
    for batch in (1, 2, 3, 6):
        values = question.value(tokens[:, None].expand(-1, batch))
        torch.testing.assert_close(values, wanted.expand(batch), rtol=0, atol=1e-6)
    read = question.embed(tokens[:, None]).requires_grad_()  # which the module may change in place
    assert torch.autograd.grad(question.from_embeddings(read), read)[0].abs().sum() > 0
    state = Question.of(network, tokens, "l0.h.3@-1")
    with rnnscope.record(network) as recording:
        network(tokens[None])
    assert value(state) == pytest.approx(recording["l0.h"][-1, 0, 3].item(), abs=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_fused_and_unrolled_are_equal(make_model: Callable[..., CharLanguageModel], cell: str) -> None:
    model = make_model(cell=cell, layers=2)
    for target in ("a@-1", "l1.h.3@-2"):
        question = Question.of(model, "abc, abba", target)
        with torch.no_grad():
            fused = value(question)
        read = question.embed(question.tokens[:, None]).requires_grad_()
        unrolled = question.from_embeddings(read)
        assert unrolled.requires_grad
        assert fused == pytest.approx(unrolled.item(), abs=1e-6)


def test_characters_name_the_steps_and_several_embeddings_have_to_be_told_apart() -> None:
    network = Tagged()
    assert Question.of(network, "gab", 0, characters="abcdefg").tokens.tolist() == [6, 0, 1]
    assert Question.of(network, [6, 0, 1], 0, characters="abcdefg").text == "gab"
    assert Question.of(network, np.array([6, 0, 1]), 0).characters == ("6", "0", "1")
    network.other = nn.Embedding(2, 2)
    with pytest.raises(AttributionError, match="embedding='embedding' or 'other'"):
        Question.of(network, [1, 2], 0)
    assert value(Question.of(network, [1, 2], 0, embedding="embedding")) != 0
    with pytest.raises(AttributionError, match="no nn.Embedding at 'more'"):
        Question.of(network, [1, 2], 0, embedding="more")


def test_vectors_are_read_as_they_are() -> None:
    network, x = Linear(), torch.rand(4, 3)
    question = Question.of(network, x, 1)
    assert question.text is None
    assert value(question) == pytest.approx(network(x[:, None])[0, 1].item(), abs=1e-6)


def test_a_character_that_the_network_does_not_know_is_read_as_the_unknown_one() -> None:
    question = Question.of(classifier(), "a§b", "yes")
    assert question.text == "a§b"
    assert question.tokens[1] == 0


@pytest.mark.parametrize(
    ("text", "target", "error", "words"),
    [
        ("", "a", TextError, "1 to 20,000 characters is expected; got 0"),
        ("a" * 20_001, "a", TextError, "got 20,001. Take a part"),
        ("abc", "a@4", AttributionError, "step 1 to 3"),
        ("abc", "a@0", AttributionError, "step 1 to 3"),
        ("abc", "a@-4", AttributionError, "or at -2 to -1; got -4"),
        ("a", None, AttributionError, "step 1 to 1"),
        ("abc", "z", AttributionError, "does not know the character 'z'"),
        ("abc", "l0.c.3@3", AttributionError, "steps 0 to 2, or -3 to -1"),
        ("abc", "l0.c.99@1", AddressError, "no unit 99"),
        ("abc", "l0.c@1", AddressError, "name a unit of it"),
        ("abc", "l7.c.1@1", AddressError, "no layer 'l7'"),
        ("abc", "l0.c.1", AttributionError, "no target 'l0.c.1' here"),
        ("abc", "spam", AttributionError, "no target 'spam'"),
        ("abc", 3, AttributionError, "no target 3"),
        ("abc", True, AttributionError, "no target True"),
        ("abc", ("a", 1.5), AttributionError, "no target"),
        ("abc", lambda out: out[0], AttributionError, "one number a sequence"),
        ("abc", lambda out: 3.0, AttributionError, "of type float"),
        ([1, 99], "a", TextError, "Token ids are from 0 to"),
        (3.0, "a", TextError, "were expected; got float"),
        (torch.rand(3, 2), "a", TextError, "reads characters"),
    ],
)
def test_what_cannot_be_asked_of_a_language_model(
    make_model: Callable[..., CharLanguageModel], text: Any, target: Any, error: type[RnnscopeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        value(Question.of(make_model(), text, target))


def test_digits_are_a_number_unless_they_are_a_label_or_a_character(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    assert Question.of(classifier(), "abc", "1").target == "logit of yes"
    assert Question.of(Tagged(), [1, 2], "1").target == "output 1"
    digits = SequenceClassifier(ClassifierConfig(hidden_size=4), Vocabulary("ab"), ["1", "0"])
    assert Question.of(digits, "ab", "0").target == "logit of 0"
    with pytest.raises(AttributionError, match="does not know the character '1'"):
        Question.of(make_model(), "abc", "1")


def test_what_cannot_be_asked_of_others(make_model: Callable[..., CharLanguageModel]) -> None:
    for target in ("maybe", 2, -1, "2"):
        with pytest.raises(AttributionError, match="no, yes"):
            Question.of(classifier(), "abc", target)
    with pytest.raises(AttributionError, match="Name a unit at a step, such as"):
        Question.of(make_model(bidirectional=True), "abc")
    wrong: Any
    for wrong in ("model.pt", None):
        with pytest.raises(AttributionError, match="one tensor was expected; got"):
            Question.of(wrong, "abc", 0)
    with pytest.raises(TextError, match="its own vocabulary"):
        Question.of(classifier(), "abc", characters="abc")
    with pytest.raises(TextError, match="or characters="):
        Question.of(Tagged(), "abc", 0)
    with pytest.raises(TextError, match="does not know 'x'"):
        Question.of(Tagged(), "ax", 0, characters="abc")
    with pytest.raises(TextError, match="distinct and single"):
        Question.of(Tagged(), "ax", 0, characters="aa")
    with pytest.raises(AttributionError, match="the outputs 0 to 2; got 3. Name the number"):
        value(Question.of(Tagged(), [1, 2], 3))
    with pytest.raises(AttributionError, match="the outputs 0 to 2; got none. Name the number"):
        value(Question.of(Tagged(), [1, 2]))
    with pytest.raises(AttributionError, match=r"'no@5' here. Name a label \(no, yes\)"):
        Question.of(classifier(), "abc", "no@5")
    with pytest.raises(TextError, match="token ids"):
        Question.of(Tagged(), torch.tensor([1j]), 0)
    with pytest.raises(AttributionError, match="holds no nn.Embedding"):
        Question.of(Linear(), [1, 2], 0)
    with pytest.raises(AttributionError, match="fails on a tensor of shape \\(4, 1, 2\\)"):
        value(Question.of(Linear(), torch.rand(4, 2), 0))
    with pytest.raises(TextError, match="finite vectors"):
        Question.of(Linear(), torch.full((4, 3), torch.nan), 0)
    with pytest.raises(RnnscopeError, match="no recurrent layer"):
        value(Question.of(nn.Sequential(nn.Embedding(3, 3), nn.Flatten()), [1, 2], 0))

"""Contextual decomposition against its rules written out, span by span."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnnscope import SequenceClassifier, Vocabulary
from rnnscope.analysis.attribution import contextual_decomposition as module
from rnnscope.analysis.attribution.contextual_decomposition import contextual_decomposition
from rnnscope.analysis.attribution.decomposition import split_states
from rnnscope.analysis.attribution.phrases import phrase_scores
from rnnscope.analysis.attribution.question import Question
from rnnscope.errors import AttributionError
from rnnscope.models.classifier import ClassifierConfig
from tests.handmade import latch
from tests.printing import printed

TIME, SIZE, UNITS = 6, 3, 4
SPANS = [(0, TIME), *combinations(range(TIME + 1), 2)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def shares(own: np.ndarray, rest: np.ndarray, bias: Any, activation: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """Of an activation of three summands: means over the two orders that begin with the bias."""
    first = activation(own + bias) - activation(bias), activation(own + rest + bias) - activation(own + bias)
    second = activation(own + rest + bias) - activation(rest + bias), activation(rest + bias) - activation(bias)
    return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2, activation(bias)


def by_the_rules(
    rnn: nn.LSTM, suffix: str, x: np.ndarray, x_rest: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One layer and direction for one span: h and c, the span's part and the rest, each of shape (time, unit)."""
    weights = {name: value.detach().double().numpy() for name, value in rnn.named_parameters()}
    to_gates, back = weights[f"weight_ih_{suffix}"], weights[f"weight_hh_{suffix}"]
    zero, size = np.zeros(len(to_gates)), rnn.hidden_size
    bias = (weights.get(f"bias_ih_{suffix}", zero) + weights.get(f"bias_hh_{suffix}", zero)).reshape(4, size)
    down = weights.get(f"weight_hr_{suffix}", np.eye(size))
    h = h_rest = np.zeros(len(down))
    c = c_rest = np.zeros(size)
    kept = []
    for t in range(len(x)):
        own = (to_gates @ x[t] + back @ h).reshape(4, size)
        rest = (to_gates @ x_rest[t] + back @ h_rest).reshape(4, size)
        (i, i_rest, i_bias), (f, f_rest, f_bias) = (shares(own[k], rest[k], bias[k], sigmoid) for k in (0, 1))
        g, g_rest, g_bias = shares(own[2], rest[2], bias[2], np.tanh)
        new = i * (g + g_bias) + i_bias * g + (f + f_bias) * c
        new_rest = i_rest * (g + g_rest + g_bias) + (i + i_bias) * g_rest
        new_rest = new_rest + (f + f_rest + f_bias) * c_rest + f_rest * c
        c, c_rest = new + inside[t] * i_bias * g_bias, new_rest + (not inside[t]) * i_bias * g_bias
        out, out_rest, _ = shares(c, c_rest, 0.0, np.tanh)
        o = sigmoid(own[3] + rest[3] + bias[3])
        h, h_rest = down @ (o * out), down @ (o * out_rest)
        kept.append((h, h_rest, c, c_rest))
    h, h_rest, c, c_rest = map(np.array, zip(*kept, strict=True))
    return h, h_rest, c, c_rest


def lstm(**options: Any) -> nn.LSTM:
    torch.manual_seed(0)
    rnn = nn.LSTM(SIZE, UNITS, **options).double()
    for parameter in rnn.parameters():
        parameter.data.normal_()
    return rnn


@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 3}, {"proj_size": 2}, {"bias": False}, {"bidirectional": True, "num_layers": 2}]
)
def test_every_span_is_split_by_the_rules_and_nothing_is_lost(options: dict[str, Any]) -> None:
    rnn, x = lstm(**options), torch.randn(TIME, SIZE, dtype=torch.float64)
    inside = torch.tensor([[start <= t < stop for start, stop in SPANS] for t in range(TIME)])
    found = split_states(rnn, x, inside)
    for number in range(len(SPANS)):
        mask = inside[:, number].numpy()
        own, rest = x.numpy() * mask[:, None], x.numpy() * ~mask[:, None]
        for layer, parts in enumerate(found):
            ways = [by_the_rules(rnn, f"l{layer}", own, rest, mask)]
            if rnn.bidirectional:
                backward = by_the_rules(rnn, f"l{layer}_reverse", own[::-1], rest[::-1], mask[::-1])
                ways.append(tuple(part[::-1] for part in backward))  # pyright: ignore[reportArgumentType]
            own, rest, c, c_rest = (np.concatenate(part, axis=-1) for part in zip(*ways, strict=True))
            np.testing.assert_allclose(parts.h[:, number], own, atol=1e-12)
            np.testing.assert_allclose(parts.c[:, number], c, atol=1e-12)
            np.testing.assert_allclose(parts.h[:, 0], own + rest, atol=1e-12)
            np.testing.assert_allclose(parts.c[:, 0], c + c_rest, atol=1e-12)
    expected = rnn(x[:, None])[0][:, 0].detach()
    torch.testing.assert_close(found[-1].h[:, 0], expected, rtol=0, atol=1e-12)


def classifier(pooling: str = "last", **options: Any) -> SequenceClassifier:
    torch.manual_seed(1)
    config = ClassifierConfig(hidden_size=UNITS, embedding_size=SIZE, pooling=pooling, **options)
    model = SequenceClassifier(config, Vocabulary("abcd "), ["yes", "no"]).double().eval()
    for parameter in model.parameters():
        parameter.data.normal_()
    return model


TEXT = "ab cad"


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_whole_text_brings_the_logit_but_for_the_bias(pooling: str, bidirectional: bool) -> None:
    model = classifier(pooling, bidirectional=bidirectional, layers=2)
    question = Question.of(model, TEXT, "no")
    found = contextual_decomposition(question, [(0, len(TEXT))])
    torch.testing.assert_close(found, question.value(question.tokens[:, None]).detach() - model.head.bias[1].detach())


def parts_of_characters(model: Any, text: str = TEXT) -> tuple[Any, torch.Tensor]:
    """Parts of each character's, and those of the whole text."""
    tokens = torch.from_numpy(model.vocabulary.encode(text))
    inside = torch.cat((torch.ones(len(text), 1), torch.eye(len(text))), dim=1).bool()
    parts = split_states(model.rnn, model.embedding(tokens).detach().double(), inside)
    return parts, parts[-1].h


def test_after_max_pooling_a_unit_counts_at_the_step_of_its_maximum() -> None:
    model = classifier("max")
    _, h = parts_of_characters(model)
    steps = h[:, 0].argmax(dim=0)
    pooled = h[steps, :, torch.arange(UNITS)].T[1:]
    expected = pooled @ model.head.weight[0].detach()
    torch.testing.assert_close(contextual_decomposition(Question.of(model, TEXT, "yes")), expected)


def test_of_a_log_probability_the_logit_counts_against_the_mean_of_all(make_model: Any) -> None:
    model = make_model().double()
    _, h = parts_of_characters(model, "a big, had")
    logits = model.head(h[4, 0])
    slope = -logits.softmax(dim=-1)
    slope[model.vocabulary.characters.index("c")] += 1
    expected = h[4, 1:6] @ model.head.weight.T @ slope
    torch.testing.assert_close(contextual_decomposition(Question.of(model, "a big, had", "c@5")), expected.detach())


@pytest.mark.parametrize(("target", "layer"), [("l0.c.2@3", 0), ("l1.h.1@3", 1), ("l1r.c.2@3", 1), ("l0r.h.0@0", 0)])
def test_a_unit_is_split_exactly(target: str, layer: int) -> None:
    model = classifier(layers=2, bidirectional=True)
    parts, _ = parts_of_characters(model)
    name, _, step = target.partition("@")
    _, signal, unit = name.split(".")
    values = getattr(parts[layer], signal)[..., int(unit) + ("r" in name) * UNITS][int(step)]
    question = Question.of(model, TEXT, target)
    torch.testing.assert_close(contextual_decomposition(question), values[1:])
    torch.testing.assert_close(question.value(question.tokens[:, None]).detach(), values[:1])


def test_of_a_linear_network_characters_bring_what_they_bring_alone(make_model: Any) -> None:
    model, kept = make_model(embedding_size=0).double(), 0.9
    rnn = model.rnn
    for parameter in rnn.parameters():
        parameter.data.zero_()
    gates = rnn.bias_ih_l0.data.view(4, -1)
    gates[0], gates[1], gates[3] = 40.0, math.log(kept / (1 - kept)), 40.0
    written = 1e-4 * torch.randn(rnn.hidden_size, len(model.vocabulary), dtype=torch.float64)
    rnn.weight_ih_l0.data.view(4, rnn.hidden_size, -1)[2] = written
    text = "abcdef"
    found = contextual_decomposition(Question.of(model, text, "l0.h.5@5"))
    tokens = model.vocabulary.encode(text)
    expected = [written[5, token].item() * kept ** (5 - step) for step, token in enumerate(tokens)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_opening_quote_gets_the_credit_for_the_state_inside_it() -> None:
    text = 'ab:"cab dab'
    scores = contextual_decomposition(Question.of(latch(), text, "l0.c.3@10"))
    assert int(scores.argmax()) == text.index('"')
    assert scores.max() > 0.5
    assert scores.sort().values[-2] < 0.1


def test_many_spans_are_split_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question.of(classifier("mean"), TEXT, "no")
    expected = contextual_decomposition(question)
    monkeypatch.setattr(module, "_NUMBERS", 2 * len(TEXT) * UNITS)
    torch.testing.assert_close(contextual_decomposition(question), expected)


class Own(nn.Module):
    """Of somebody else: batch first, and read from the last state."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.embedding = nn.Embedding(7, SIZE)
        self.lstm = nn.LSTM(SIZE, UNITS, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(4 * UNITS, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        _, (h, c) = self.lstm(self.embedding(tokens))
        return self.head(torch.cat((h[-2], h[-1], c[0], c[3]), dim=-1))


def test_a_module_of_ones_own_that_reads_the_last_states() -> None:
    model = Own().double().eval()
    question = Question.of(model, [1, 2, 3, 4], 1)
    value = question.value(question.tokens[:, None]).detach()
    torch.testing.assert_close(contextual_decomposition(question, [(0, 4)]), value - model.head.bias[1].detach())


def test_what_cannot_be_decomposed_is_refused(make_model: Any) -> None:
    for cell in ("gru", "rnn"):
        with pytest.raises(AttributionError, match="rules for the LSTM alone"):
            contextual_decomposition(Question.of(make_model(cell=cell), "abc"))
    with pytest.raises(AttributionError, match="not the gate l0.f"):
        contextual_decomposition(Question.of(make_model(), "abc", "l0.f.1@2"))
    for span in ((2, 2), (-1, 2), (0, 9), 3, "ab", (0.5, 2)):
        with pytest.raises(AttributionError, match="A span is"):
            contextual_decomposition(Question.of(make_model(), "abcd"), [span])  # pyright: ignore[reportArgumentType]


def test_an_lstm_that_is_called_step_by_step_or_from_a_state_is_refused() -> None:
    class Loop(Own):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            state = tuple(torch.ones(4, len(tokens), UNITS) for _ in range(2))
            return self.head(self.lstm(self.embedding(tokens), state)[1][0].flatten(0, 1).reshape(len(tokens), -1))

    with pytest.raises(AttributionError, match="from states of zero"):
        contextual_decomposition(Question.of(Loop().eval(), [1, 2, 3], 0))


def test_phrases_have_what_their_characters_do_together() -> None:
    model = classifier("mean")
    found = phrase_scores(model, TEXT, "yes", ["cad", (0, 2)])
    question = Question.of(model, TEXT, "yes")
    whole = contextual_decomposition(question, [(3, 6), (0, 2)])
    alone = contextual_decomposition(question)
    np.testing.assert_allclose(found.table["score"], whole)
    np.testing.assert_allclose(found.table["characters"], [alone[3:6].sum(), alone[:2].sum()])
    np.testing.assert_allclose(found.table["interaction"], found.table["score"] - found.table["characters"])
    assert list(found.table["phrase"]) == ["cad", "ab"]
    assert list(phrase_scores(model, TEXT, "yes").table["phrase"]) == ["ab ", "cad"]
    assert len(found.plot().patches) == 2
    assert "cad" in printed(found)


@pytest.mark.parametrize("phrases", [["x"], [], [""], [(4, 2)]])
def test_phrases_that_are_not_there_are_refused(phrases: Any) -> None:
    with pytest.raises(AttributionError):
        phrase_scores(classifier(), TEXT, "yes", phrases)

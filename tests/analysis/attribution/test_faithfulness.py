"""The faithfulness check on networks that add up what they read, where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnscope import SequenceClassifier, Vocabulary
from rnnscope.analysis.attribution import curves
from rnnscope.analysis.attribution.curves import delete
from rnnscope.analysis.attribution.faithfulness import faithfulness
from rnnscope.analysis.attribution.methods import METHODS
from rnnscope.analysis.attribution.question import Question
from rnnscope.errors import ArgumentError, AttributionError, TextError
from rnnscope.models.classifier import ClassifierConfig
from tests.handmade import latch
from tests.printing import printed


class Sum(nn.Module):
    """Adds up what it reads: h is the sum of the inputs so far, none of them below 0."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(1, 1, nonlinearity="relu", bias=False)
        for parameter in self.rnn.parameters():
            parameter.data.fill_(1.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0][-1]


VALUES = [3.0, 0.5, 7.0, 1.0, 2.0]


def vectors(values: list[float]) -> Tensor:
    return torch.tensor(values)[:, None]


def what_is_read(question: Question) -> Tensor:
    return question.tokens[:, 0]


def the_opposite(question: Question) -> Tensor:
    return -question.tokens[:, 0]


def test_a_curve_by_hand() -> None:
    question = Question.of(Sum(), vectors(VALUES), 0)
    orders = np.array([[2, 0, 4, 3, 1], [1, 3, 4, 0, 2]])
    found = delete(question, torch.zeros(5, 1), np.arange(5), orders)
    np.testing.assert_allclose(found.shares, [0, 0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(found.values, [[13.5, 6.5, 3.5, 1.5, 0.5, 0], [13.5, 13, 12, 10, 7, 0]])
    np.testing.assert_allclose(found.areas, [(13.5 / 2 + 6.5 + 3.5 + 1.5 + 0.5) / 5, (13.5 / 2 + 13 + 12 + 10 + 7) / 5])
    np.testing.assert_allclose(found.at(np.array([0.1])), [[10.0], [13.25]])


def test_parts_of_several_steps_go_together() -> None:
    question = Question.of(Sum(), vectors(VALUES), 0)
    parts = np.array([0, 0, -1, 1, 1])
    found = delete(question, vectors([0.0, 0.0, 7.0, 0.0, 0.0]), parts, np.array([[0, 1]]))
    np.testing.assert_allclose(found.values, [[13.5, 10.0, 7.0]])


def test_a_long_text_is_deleted_in_stretches_and_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.rand(97, 1)
    question, order = Question.of(Sum(), values, 0), torch.randperm(97)
    monkeypatch.setattr(curves, "_NUMBERS", 500)
    found = delete(question, torch.zeros(97, 1), np.arange(97), order[None].numpy())
    assert len(found.shares) == curves.POINTS + 1
    expected = [values[order[round(share * 97) :]].sum().item() for share in found.shares]
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_insertion_is_deletion_in_the_opposite_order_seen_backwards() -> None:
    found = faithfulness(Sum(), vectors(VALUES), 0, {"true": what_is_read}, baseline="zero")
    rows = found.curves.query("method == 'true' and curve == 'insertion'")
    at_parts = rows[np.isclose(rows["share"] * 5 % 1, 0) | np.isclose(rows["share"] * 5 % 1, 1)]
    np.testing.assert_allclose(at_parts["target"], [0, 7, 10, 12, 13, 13.5], rtol=1e-6)
    np.testing.assert_allclose(found.table.loc["true", "insertion"], (7 + 10 + 12 + 13 + 13.5 / 2) / 5)
    np.testing.assert_allclose(found.table.loc["true", "deletion"], (13.5 / 2 + 6.5 + 3.5 + 1.5 + 0.5) / 5)


def test_scores_that_are_right_beat_random_orders_and_the_opposite_loses() -> None:
    torch.manual_seed(0)
    texts = [torch.rand(30, 1) for _ in range(12)]
    noise = torch.rand(30)
    found = faithfulness(
        Sum(), texts, 0, {"noise": lambda question: noise, "wrong": the_opposite, "true": what_is_read}, baseline="zero"
    )
    assert list(found.table.index) == ["true", "noise", "wrong"]
    assert dict(found.verdicts) == {"true": "yes", "noise": "no", "wrong": "worse"}
    np.testing.assert_allclose(found.table["rank"], [1, 2, 3], atol=0.3)
    np.testing.assert_allclose(found.table.loc["true", "deletion"], _falling(texts), rtol=1e-6)
    assert list(found.table["level"]) == [True, False, False]
    assert len(found.areas) == 36


def _falling(texts: list[Tensor]) -> float:
    """The mean area of the curves of deletion from the largest value to the smallest."""
    areas = []
    for text in texts:
        left = np.concatenate((np.sort(text[:, 0].double())[::-1], [0.0]))[::-1].cumsum()[::-1]
        counts = np.unique(np.rint(np.linspace(0, 30, 21)).astype(int))
        areas.append(np.trapezoid(left[counts], counts / 30))
    return float(np.mean(areas))


def test_of_one_text_the_interval_is_over_random_orders() -> None:
    torch.manual_seed(1)
    found = faithfulness(Sum(), torch.rand(40, 1), 0, {"true": what_is_read}, baseline="zero", orders=50)
    (row,) = found.table.to_dict("records")
    assert 0 < row["gain_low"] < row["gain"] < row["gain_high"]
    assert dict(found.verdicts) == {"true": "yes"}


def test_on_the_latch_the_methods_find_the_opening_quote() -> None:
    text = 'ab:"cab dab'
    found = faithfulness(latch(), text, "l0.c.3@10", ["occlusion", "contextual-decomposition"])
    assert all(gain > 0 for gain in found.table["gain"])
    curve = found.curves.query("method == 'contextual-decomposition' and curve == 'deletion'")["target"]
    assert curve.iloc[0] > 0.9
    assert curve.iloc[3] < 0.1  # the quote is the first that is deleted, of ten characters and a space


def classifier(**options: Any) -> SequenceClassifier:
    torch.manual_seed(0)
    config = ClassifierConfig(hidden_size=6, embedding_size=4, **options)
    return SequenceClassifier(config, Vocabulary("abcde "), ["yes", "no"]).eval()


def test_all_methods_that_hold_are_compared() -> None:
    found = faithfulness(classifier(bidirectional=True), ["ab cde", "ea b"])
    assert set(found.table.index) == set(METHODS) - {"feature-ablation", "deep-lift"}
    assert list(found.refused) == ["deep-lift"]
    found = faithfulness(classifier(cell="gru"), "ab cde")
    assert list(found.refused) == ["contextual-decomposition", "deep-lift"]
    assert "contextual-decomposition" not in found.table.index


def test_what_equals_the_baseline_is_not_deleted() -> None:
    model = classifier()
    calls: list[int] = []

    def scores(question: Question) -> np.ndarray:
        calls.append(len(question.tokens))
        return np.arange(len(question.tokens))

    found = faithfulness(model, "a b", "yes", {"mine": scores})
    values = [
        model.running(torch.from_numpy(model.vocabulary.encode(text)))[-1, 0].item() for text in ("a b", "a  ", "   ")
    ]
    rows = found.curves.query("method == 'mine' and curve == 'deletion'")
    np.testing.assert_allclose(rows["target"].iloc[[0, 10, 20]], values, rtol=1e-5)
    assert calls == [3]


def test_words_are_deleted_as_wholes() -> None:
    model = classifier()
    found = faithfulness(model, "ab cd e", "yes", {"mine": lambda question: np.arange(7)[::-1]}, words=True)
    values = [
        model.running(torch.from_numpy(model.vocabulary.encode(text)))[-1, 0].item()
        for text in ("ab cd e", "   cd e", "      e", "       ")
    ]
    area = (values[0] / 2 + values[1] + values[2] + values[3] / 2) / 3
    assert found.table.loc["mine", "deletion"] == pytest.approx(area, rel=1e-5)
    assert found.parts == "words"


def test_it_is_the_same_again_with_the_same_seed() -> None:
    model, texts = classifier(), ["ab cde", "ea bbc"]
    one, same, other = (faithfulness(model, texts, "yes", ["gradient-shap"], seed=seed).table for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_the_figures_of_a_method_do_not_depend_on_the_others() -> None:
    model, texts = classifier(), ["ab cde", "ea bbc", "decade"]
    alone = faithfulness(model, texts, "yes", ["occlusion"]).table
    among = faithfulness(model, texts, "yes", ["saliency", "occlusion"]).table
    figures = [name for name in alone if "rank" not in name and name != "level"]
    np.testing.assert_allclose(alone.loc["occlusion", figures], among.loc["occlusion", figures], atol=1e-5)


def test_the_network_is_left_as_it_was() -> None:
    model = classifier().train()
    faithfulness(model, "ab cde", "yes", ["saliency"])
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_result_can_be_read_and_drawn() -> None:
    found = faithfulness(classifier(), ["ab cde", "ea bbc"])
    text = printed(found)
    assert "trust" in text
    assert "contextual-decomposition" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in printed(found, 60)
    for curve in ("deletion", "insertion"):
        axes: Any = found.plot(curve=curve)
        axes.figure.draw_without_rendering()
        assert axes.get_legend().get_window_extent().x0 >= axes.bbox.x1
        assert axes.get_ylabel() == "target, mean over texts"
        assert len(found.plot(curve=curve).get_legend().get_texts()) == 1 + len(found.table)  # pyright: ignore[reportOptionalMemberAccess]


def test_a_check_without_a_use_is_refused() -> None:
    model = classifier()
    for texts in ([], ["a"], ["   "], ["a   "]):
        with pytest.raises((AttributionError, TextError)):
            faithfulness(model, texts)
    with pytest.raises(AttributionError, match="DeepLift"):
        faithfulness(model, "ab", methods=["deep-lift"])
    with pytest.raises(AttributionError, match="There is no method 'nonsense'"):
        faithfulness(model, "ab", methods=["nonsense"])
    for methods in ("saliency", []):
        with pytest.raises(AttributionError, match="methods are names"):
            faithfulness(model, "ab", methods=methods)
    with pytest.raises(AttributionError, match="'random' is what the random orders are called"):
        faithfulness(model, "ab", methods={"random": lambda question: [1.0, 2.0]})
    with pytest.raises(AttributionError, match="one finite score"):
        faithfulness(model, "ab", methods={"mine": lambda question: [1.0]})
    with pytest.raises(AttributionError, match="one finite score"):
        faithfulness(model, "ab", methods={"mine": lambda question: [1.0, float("nan")]})
    with pytest.raises(AttributionError, match="one thing"):
        faithfulness(model, "ab", baseline="shuffled", methods=["saliency"])
    with pytest.raises(ArgumentError, match="orders"):
        faithfulness(model, "ab", orders=1)


def test_a_network_whose_output_is_not_finite_is_refused() -> None:
    model = classifier()
    model.head.bias.data[:] = torch.nan
    with pytest.raises(AttributionError, match="not a finite number"):
        faithfulness(model, "abc", "yes", {"mine": lambda question: np.arange(3)})

"""The good sentence of a minimal pair, or the bad one: against sums made by hand and other libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from rnnscope import CharLanguageModel, KneserNey
from rnnscope.analysis.agreement.preference import agreement
from rnnscope.analysis.agreement.sentences import network_log_probabilities, ngram_log_probabilities
from rnnscope.analysis.agreement.statistics import separation, separation_interval
from rnnscope.analysis.intervals import wilson_interval
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.errors import ArgumentError, ModelError, TextError
from tests.analysis.agreement.agreeing import agreeing, agreeing_pairs
from tests.printing import printed

PAIRS = [
    MinimalPair("ab cd", "ab c", {"kind": "one"}),
    MinimalPair("b a dcd.", "b a dad.", {"kind": "two"}),
    MinimalPair("ca c dd", "ca cd dd", {"kind": "two"}),
]


def by_hand(model: CharLanguageModel, text: str) -> float:
    """The log-probability of a text after its first character."""
    tokens = torch.from_numpy(model.vocabulary.encode(text))
    logits, _ = model(tokens[:-1])
    return float(logits.double().log_softmax(dim=-1).gather(1, tokens[1:, None]).sum())


def test_margins_are_differences_of_whole_sentences(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model("abcd .\n", layers=2)
    result = agreement(model, PAIRS, before="\n", after=".")
    with torch.no_grad():
        expected = [
            by_hand(model, f"\n{good}") - by_hand(model, f"\n{bad}")
            for good, bad in [("ab cd.", "ab c."), ("b a dcd.", "b a dad."), ("ca c dd.", "ca cd dd.")]
        ]
    assert np.allclose(result.pairs["margin"], expected, atol=1e-5)
    assert list(result.table.index) == ["all", "one", "two"]
    assert list(result.table["pairs"]) == [3, 1, 2]
    assert result.table.at["all", "right"] == np.mean(np.array(expected) > 0)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_sentences_side_by_side_are_those_one_by_one(cell: str, make_model: Callable[..., CharLanguageModel]) -> None:
    model, texts = make_model("abcd .\n", cell=cell), ["\nab", "\nabcdab cd.", "\na", "\nab.cd"]
    found = network_log_probabilities(model, texts)
    assert [len(values) for values in found] == [2, 10, 1, 5]
    with torch.no_grad():
        for text, values in zip(texts, found, strict=True):
            assert values.sum() == pytest.approx(by_hand(model, text), abs=1e-5)


def test_a_form_is_not_rewarded_for_being_shorter(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model("abcd .\n")
    ngram = KneserNey(3, len(model.vocabulary)).fit(model.vocabulary.encode("c ab.\n" * 40 + "c ac.\n" * 40))
    pairs = [MinimalPair("c ab", "c a")]
    assert agreement(model, pairs, ngram=ngram).pairs["baseline"].item() > 3
    assert agreement(model, pairs, ngram=ngram, after="").pairs["baseline"].item() < 0


def test_the_baseline_reads_each_sentence_by_itself(make_model: Callable[..., CharLanguageModel]) -> None:
    vocabulary = make_model("abcd .\n").vocabulary
    ngram = KneserNey(4, len(vocabulary)).fit(vocabulary.encode("ab cd. dc ba.\nabcd abcd.\n" * 5))
    texts = ["\nab cd.", "\ndc", "\nab"]
    for text, values in zip(texts, ngram_log_probabilities(ngram, vocabulary, texts), strict=True):
        assert np.allclose(values, ngram.log_probabilities(vocabulary.encode(text))[1:])


def test_a_network_that_agrees() -> None:
    result = agreement(agreeing(), agreeing_pairs())
    table = result.told_by("number")
    assert list(table.index) == ["all", "singular", "plural"]
    assert table["right"].tolist() == [1, 1, 1] and min(table["margin"].tolist()) > 5
    assert np.array_equal(table["auc"], [1, np.nan, np.nan], equal_nan=True)
    assert result.table.index.name == "condition" and result.by == ("kind",)


def test_to_like_one_form_everywhere_is_worth_nothing() -> None:
    model = agreeing()
    model.head.bias.data[model.vocabulary.characters.index('"')] = 30.0
    table = agreement(model, agreeing_pairs(), by="number").table
    assert list(table["right"]) == [0.5, 1.0, 0.0]
    assert table["auc"].tolist()[0] == 1


def test_the_area_is_that_of_scikit_learn_form_by_form() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=60).round(1)
    forms = [
        [("is", "are"), ("are", "is"), ("runs", "run"), ("run", "runs"), ("does", "do")][k]
        for k in rng.integers(5, size=60)
    ]
    total = weight = 0.0
    for one in ("is", "runs"):
        here = np.array([one in both for both in forms])
        first = np.array([both[0] == one for both in forms])[here]
        score = np.where(first, margins[here], -margins[here])
        size = first.sum() * (~first).sum()
        total, weight = total + size * roc_auc_score(first, score), weight + size
    assert separation(margins, forms) == pytest.approx(total / weight)
    low, high = separation_interval(margins, forms, seed=0)
    assert low < total / weight < high
    assert np.isnan(separation(margins[:2], [("is", "are")] * 2))
    assert np.isnan(separation_interval(margins[:2], [("is", "are")] * 2, seed=0)).all()


@pytest.mark.parametrize(("right", "count"), [(0, 5), (3, 8), (50, 50)])
def test_the_interval_is_that_of_scipy(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert wilson_interval(right, count) == pytest.approx((expected.low, expected.high))
    assert np.isnan(wilson_interval(0, 0)).all()


def test_the_card_and_the_picture() -> None:
    model = agreeing()
    ngram = KneserNey(3, len(model.vocabulary)).fit(model.vocabulary.encode('ab "cd". "" ab dd cc c.\n' * 5))
    result = agreement(model, agreeing_pairs(), ngram=ngram, after="")
    card = printed(result)
    assert max(map(len, card.splitlines())) <= 80
    assert "3-gram" in card and "24 pairs" in card and "kind" in card
    axes = result.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "bb", "cc"]


def test_characters_that_the_network_does_not_know_are_told(make_model: Callable[..., CharLanguageModel]) -> None:
    result = agreement(make_model("abcd .\n"), [MinimalPair("abcd ax", "abcd ab")])
    assert "does not know 5.6% of their characters (x)" in result.text


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"pairs": []}, TextError, "One minimal pair or more"),
        ({"pairs": 3}, TextError, "One minimal pair or more"),
        ({"pairs": ["the dog runs"]}, TextError, "One minimal pair or more"),
        ({"pairs": [MinimalPair("xyz", "xxx")]}, TextError, "does not know"),
        ({"by": 3}, TextError, "no condition 3. They have kind"),
        ({"by": ["colour"]}, TextError, "no condition 'colour'. They have kind"),
        ({"before": ""}, ArgumentError, "before is one character"),
        ({"after": None}, ArgumentError, "after is a text"),
        ({"seed": -1}, ArgumentError, "seed"),
        ({"ngram": KneserNey(2, 5)}, TextError, "KneserNey of the network's"),
        ({"model": torch.nn.Linear(2, 2)}, ModelError, "language model"),
    ],
)
def test_bad_input_is_refused(
    options: dict[str, Any], error: type[Exception], words: str, make_model: Callable[..., CharLanguageModel]
) -> None:
    arguments = {"model": make_model("abcd .\n"), "pairs": PAIRS, **options}
    with pytest.raises(error, match=words):
        agreement(arguments.pop("model"), arguments.pop("pairs"), **arguments)


def test_a_network_of_both_directions_or_in_training_is_refused(make_model: Callable[..., CharLanguageModel]) -> None:
    for model in (make_model("abcd .\n", bidirectional=True), make_model("abcd .\n").train()):
        with pytest.raises(ModelError):
            agreement(model, PAIRS)


def test_pairs_without_conditions_are_told_as_one(make_model: Callable[..., CharLanguageModel]) -> None:
    result = agreement(make_model("abcd .\n"), [replace(pair, conditions={}) for pair in PAIRS])
    assert list(result.table.index) == ["all"] and result.by == ()

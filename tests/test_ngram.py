"""The n-gram model against its formulas, written out with dictionaries."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.errors import ArgumentError, TextError
from rnnscope.ngram import KneserNey, nats_by_order
from rnnscope.text import Vocabulary, read_text

Gram = tuple[int, ...]


class Direct:
    """Chen and Goodman's formulas for one n-gram at a time."""

    def __init__(self, tokens: list[int], order: int, vocabulary_size: int) -> None:
        grams = [[tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)] for n in range(order + 2)]
        self.vocabulary_size = vocabulary_size
        self.counts = [Counter(gram[1:] for gram in set(grams[n + 1])) for n in range(order)]
        self.counts.append(Counter(grams[order]))
        self.discounts = [self.estimate(list(counts.values())) for counts in self.counts]

    @staticmethod
    def estimate(counts: list[int]) -> list[float]:
        n1, n2, n3, n4 = (counts.count(i) for i in (1, 2, 3, 4))
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            discounts = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if min(discounts[1:]) > 0:
                return discounts
        return [0, 0.5, 1.0, 1.5]

    def probability(self, token: int, context: Gram) -> float:
        lower = self.probability(token, context[1:]) if context else 1 / self.vocabulary_size
        counts, discounts = self.counts[len(context) + 1], self.discounts[len(context) + 1]
        after = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == context}
        total = sum(after.values())
        if total == 0:
            return lower
        count = after.get(token, 0)
        left = sum(discounts[min(c, 3)] for c in after.values())
        return (count - discounts[min(count, 3)] + left * lower) / total

    def log_probabilities(self, tokens: list[int], order: int) -> list[float]:
        contexts = [tuple(tokens[max(0, i - order + 1) : i]) for i in range(len(tokens))]
        return [math.log(self.probability(*pair)) for pair in zip(tokens, contexts, strict=True)]


def zipfian(length: int, vocabulary_size: int, seed: int = 0) -> np.ndarray:
    """A random text of words, some far more frequent than others, with a misprint here and there."""
    generator = np.random.default_rng(seed)
    words = [generator.integers(0, vocabulary_size, size) for size in generator.integers(1, 7, 60)]
    shares = 1 / np.arange(1, len(words) + 1)
    chosen = generator.choice(len(words), length, p=shares / shares.sum())
    tokens = np.concatenate([words[i] for i in chosen])[:length]
    return np.where(generator.random(length) < 0.1, generator.integers(0, vocabulary_size, length), tokens)


def texts(size: int, shortest: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, size - 1), min_size=shortest, max_size=80)


@given(st.data(), st.integers(1, 5), st.integers(1, 6))
def test_it_gives_what_the_formulas_give(data: st.DataObject, order: int, size: int) -> None:
    tokens, other = data.draw(texts(size, order)), data.draw(texts(size, 1))
    direct, model = Direct(tokens, order, size), KneserNey(order, size).fit(np.array(tokens))
    for text in (tokens, other):
        expected = direct.log_probabilities(text, order)
        np.testing.assert_allclose(model.log_probabilities(np.array(text)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_it_gives_what_the_formulas_give_with_estimated_discounts(order: int) -> None:
    tokens = zipfian(3_000, 30)
    tokens, other = tokens[:2_900], tokens[2_900:]
    direct = Direct(tokens.tolist(), order, 30)
    assert [0, 0.5, 1.0, 1.5] not in direct.discounts[2:]
    expected = direct.log_probabilities(other.tolist(), order)
    actual = KneserNey(order, 30).fit(tokens).log_probabilities(other)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_probabilities_add_up_to_1_after_any_context() -> None:
    size = 12
    tokens = zipfian(2_000, size - 1)  # the last token never occurs
    model = KneserNey(6, size).fit(tokens)
    seen = [tokens[i : i + 5] for i in (0, 1, 50, 1_000, 1_994, 1_995)]
    unseen = [np.full(5, size - 1), np.array([size - 1, *tokens[10:14]]), np.array([*tokens[10:14], size - 1])]
    for context in [*seen, *unseen, tokens[:1], tokens[:0]]:
        after = [model.log_probabilities(np.append(context, token))[-1] for token in range(size)]
        assert math.fsum(np.exp(after)) == pytest.approx(1, abs=1e-12)
        assert min(after) > -math.inf


def test_order_1_is_discounted_counts_over_a_uniform_floor() -> None:
    model = KneserNey(1, 4).fit(np.array([0, 0, 0, 0, 1, 1, 2]))
    # too few tokens for an estimate, so 1.5, 1 and 0.5 are taken and shared by all four
    expected = [(2.5 + 0.75) / 7, (1 + 0.75) / 7, (0.5 + 0.75) / 7, 0.75 / 7]
    np.testing.assert_allclose(np.exp(model.log_probabilities(np.arange(4))), expected, rtol=1e-15)


def test_discounts_that_are_not_positive_are_not_taken() -> None:
    counts = np.array([1, 2, 3, 3, 3, 3, 4])  # of which the estimate for a count of 2 is -2
    model = KneserNey(1, 7).fit(np.repeat(np.arange(7), counts))
    taken = np.array([0.5, 1, 1.5, 1.5, 1.5, 1.5, 1.5])
    expected = (counts - taken + taken.sum() / 7) / counts.sum()
    np.testing.assert_allclose(np.exp(model.log_probabilities(np.arange(7))), expected, rtol=1e-15)


def test_nats_leave_the_first_token_out() -> None:
    tokens = zipfian(500, 6)
    model = KneserNey(3, 6).fit(tokens)
    assert model.nats(tokens) == pytest.approx(-model.log_probabilities(tokens)[1:].mean())


def test_a_constant_text_is_soon_certain() -> None:
    assert KneserNey(3, 5).fit(np.zeros(10_000, dtype=int)).nats(np.zeros(100, dtype=int)) < 0.01


@pytest.mark.parametrize("size", [2, 255, 256, 70_000, 1_114_113])
def test_ids_of_any_width(size: int) -> None:
    few = zipfian(400, 2, seed=3)
    wide = few * (size - 1)
    direct = Direct(wide.tolist(), 4, size)
    expected = direct.log_probabilities(wide[:60].tolist(), 4)
    actual = KneserNey(4, size).fit(wide).log_probabilities(wide[:60])
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_any_integers_will_do(dtype: type) -> None:
    tokens = zipfian(300, 200)
    expected = KneserNey(3, 200).fit(tokens).nats(tokens)
    assert KneserNey(3, 200).fit(tokens.astype(dtype)).nats(tokens.astype(dtype)) == expected


def test_fitting_again_forgets_the_first_text() -> None:
    first, second = zipfian(300, 5, seed=1), zipfian(300, 5, seed=2)
    again = KneserNey(3, 5).fit(first).fit(second)
    assert again.nats(first) == KneserNey(3, 5).fit(second).nats(first)


@given(st.data(), st.integers(1, 6))
def test_nats_by_order_are_those_of_each_order_fitted_alone(data: st.DataObject, highest: int) -> None:
    tokens, held_out = np.array(data.draw(texts(4, highest))), np.array(data.draw(texts(4, 2)))
    nats = nats_by_order(tokens, held_out, 4, highest)
    assert nats == {n: KneserNey(n, 4).fit(tokens).nats(held_out) for n in range(1, highest + 1)}


@pytest.mark.parametrize("order, size", [(0, 5), (-1, 5), (2, 0)])
def test_an_impossible_size_is_refused(order: int, size: int) -> None:
    with pytest.raises(ArgumentError, match="at least 1"):
        KneserNey(order, size)
    with pytest.raises(ArgumentError, match="at least 1"):
        nats_by_order(np.zeros(10, dtype=int), np.zeros(10, dtype=int), size, order)


@pytest.mark.parametrize(
    "tokens, message",
    [
        (np.array([], dtype=int), "at least 3 tokens is needed, but this one has 0"),
        (np.array([1, 2]), "at least 3 tokens is needed, but this one has 2"),
        (np.array([0, 1, 5]), "from 0 to 4, but these go from 0 to 5"),
        (np.array([0, -1, 2]), "from 0 to 4, but these go from -1 to 2"),
        (np.array([0.0, 1.0, 2.0]), "float64"),
        (np.zeros((3, 3), dtype=int), r"\(3, 3\)"),
    ],
)
def test_a_text_that_cannot_be_counted_is_refused(tokens: np.ndarray, message: str) -> None:
    with pytest.raises(TextError, match=message):
        KneserNey(3, 5).fit(tokens)


def test_a_text_that_cannot_be_read_is_refused() -> None:
    model = KneserNey(2, 5)
    with pytest.raises(TextError, match="fit"):
        model.log_probabilities(np.array([1]))
    model.fit(np.array([0, 1, 2]))
    with pytest.raises(TextError, match="has 0"):
        model.log_probabilities(np.array([], dtype=int))
    with pytest.raises(TextError, match="at least 2"):
        model.nats(np.array([1]))
    with pytest.raises(TextError, match="from 0 to 4"):
        model.nats(np.array([1, 5]))


def test_a_book_is_told_better_by_more_context_up_to_a_point(corpora: Path) -> None:
    text = read_text(corpora / "text" / "tinyshakespeare.txt")[:200_000]
    train, held_out = text[:180_000], text[180_000:]
    vocabulary = Vocabulary.of(train)
    nats = nats_by_order(vocabulary.encode(train), vocabulary.encode(held_out), len(vocabulary), 8)
    assert nats[1] > nats[2] > nats[3] > nats[4]
    assert nats[4] < 1.9
    assert abs(nats[8] - min(nats.values())) < 0.1

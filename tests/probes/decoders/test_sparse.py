"""The sparse probe against trying all sets of units, and on networks whose units are known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rnnscope.errors import ArgumentError
from rnnscope.probes import SparseProbe, split_groups, step_examples
from rnnscope.probes.decoders import sparse
from rnnscope.text import Document
from tests.handmade import Quotes, dialogue, latch

from .test_linear import correlated


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("k", [1, 2])
def test_one_and_two_units_are_the_best_of_all_sets(k: int, classes: int) -> None:
    values, labels = correlated(400, 7, classes, seed=k)
    plain = (values - values.mean(axis=0)) / values.std(axis=0)

    def likelihood(units: tuple[int, ...]) -> float:
        chances = LogisticRegression(C=1e4 / 400).fit(plain[:, units], labels).predict_log_proba(plain[:, units])
        return chances[np.arange(400), labels].mean()

    best = max(combinations(range(7), k), key=likelihood)
    assert sorted(SparseProbe(k).fit(values, labels).units_) == list(best)


def test_two_units_that_tell_nothing_alone_are_found_together() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1_000)
    values = rng.normal(size=(1_000, 10)).astype(np.float32)
    values[:, 7] = 10 * values[:, 2] + labels
    assert set(SparseProbe(2).fit(values, labels).units_) == {2, 7}


def test_each_further_unit_is_the_one_that_explains_most() -> None:
    values, labels = correlated(500, 9, 2)
    chosen = SparseProbe(4).fit(values, labels).units_.tolist()
    plain = np.column_stack((np.ones(500), (values - values.mean(axis=0)) / values.std(axis=0)))

    def unexplained(units: list[int]) -> float:
        return float(np.linalg.lstsq(plain[:, [0, *(unit + 1 for unit in units)]], labels, rcond=None)[1][0])

    for size in (2, 3):
        rest = [unit for unit in range(9) if unit not in chosen[:size]]
        assert chosen[size] == min(rest, key=lambda unit: unexplained([*chosen[:size], unit]))


def test_the_curve_has_a_probe_for_each_number_of_units() -> None:
    values, labels = correlated(800, 20, 3)
    probe = SparseProbe(11).fit(values[:400], labels[:400])
    assert probe.curve_["k"].tolist() == [1, 2, 4, 8, 11]
    assert [len(units) for units in probe.curve_["units"]] == [1, 2, 4, 8, 11]
    assert probe.curve_["score"].iloc[-1] == pytest.approx(probe.score(values[:400], labels[:400]))
    held_out = probe.curve(values[400:], labels[400:])
    assert held_out["score"].iloc[-1] == pytest.approx(probe.score(values[400:], labels[400:]))
    for k, score in held_out[["k", "score"]].itertuples(index=False):
        if k <= 2:
            alone = SparseProbe(k).fit(values[:400], labels[:400])
            assert score == pytest.approx(alone.score(values[400:], labels[400:]))


def test_all_other_units_have_no_weight() -> None:
    values, labels = correlated(300, 10, 2)
    probe = SparseProbe(3).fit(values, labels)
    assert np.flatnonzero(probe.coef_[0]).tolist() == sorted(probe.units_)
    assert probe.coef_.shape == (1, 10)


def test_all_units_and_twins_can_be_asked_for() -> None:
    values, labels = correlated(300, 4, 2)
    values = np.hstack((values, values, np.ones((300, 1), np.float32)))
    assert sorted(SparseProbe(9).fit(values, labels).units_) == list(range(9))


def test_few_candidates_are_those_whose_class_means_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = correlated(300, 10, 2)
    means = [values[labels == label].mean(axis=0) for label in (0, 1)]
    best = np.argsort(-np.abs(means[1] - means[0]) / values.std(axis=0))[:3]
    monkeypatch.setattr(sparse, "_CANDIDATES", 3)
    assert set(SparseProbe(3).fit(values, labels).units_) == set(best)


def test_the_latch_is_named_and_reads_quotes_without_error() -> None:
    rng = np.random.default_rng(1)
    documents = [Document(str(place), dialogue(rng, 300)) for place in range(12)]
    examples = step_examples(latch(), documents, Quotes())
    training, testing = (examples.take(rows) for rows in split_groups(examples))
    probe = SparseProbe(1).fit(training.values, training.labels)
    assert [examples.units[unit] for unit in probe.units_] == ["l0.c.3"]
    assert probe.score(testing.values, testing.labels) == 1


@pytest.mark.parametrize("k", [0, 5, -1, 1.5, "two", None])
def test_impossible_numbers_of_units_are_refused(k: object) -> None:
    values, labels = correlated(100, 4, 2)
    with pytest.raises(ArgumentError, match=r"k is .*(at least 1|n_features = 4)"):
        SparseProbe(k).fit(values, labels)  # pyright: ignore[reportArgumentType]

"""The linear probe: equal to scikit-learn where both can be had, and honest about what it cannot read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from rnnscope import show_progress
from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes import Activations, LinearProbe, split_groups, step_examples
from rnnscope.probes.decoders import linear, standardised
from rnnscope.probes.decoders.logistic import fit_logistic
from rnnscope.probes.decoders.standardised import Standardised
from rnnscope.probes.examples import activations
from rnnscope.probes.examples.activations import Columns
from rnnscope.text import Document
from tests.handmade import Quotes, dialogue, latch


def correlated(count: int, units: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values of units that go together and have scales and means of their own, and classes that depend on them."""
    rng = np.random.default_rng(seed)
    plain = rng.normal(size=(count, units)) @ (rng.normal(size=(units, units)) * np.geomspace(1, 0.1, units)[:, None])
    plain /= plain.std(axis=0)
    scores = plain @ rng.normal(size=(units, classes)) + 2 * rng.gumbel(size=(count, classes))
    return (plain * np.geomspace(0.01, 10, units) + rng.normal(size=units) * 3).astype(np.float32), scores.argmax(
        axis=1
    )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strength", [1.0, 1e-2, 1e-4])
def test_ridge_is_that_of_scikit_learn(classes: int, strength: float) -> None:
    values, labels = correlated(600, 12, classes)
    plain = StandardScaler().fit_transform(values.astype(np.float64))
    trusted = LogisticRegression(C=1 / (strength * len(labels)), tol=1e-9, max_iter=10_000).fit(plain, labels)
    probe = LinearProbe(strength=strength).fit(values, labels)
    own = probe.coef_ * values.std(axis=0, dtype=np.float64)
    np.testing.assert_allclose(own, trusted.coef_, atol=2e-3 * np.abs(trusted.coef_).max())
    np.testing.assert_allclose(probe.predict_proba(values), trusted.predict_proba(plain), atol=1e-3)
    np.testing.assert_allclose(probe.decision_function(values), trusted.decision_function(plain), atol=2e-2)


@pytest.mark.parametrize("classes", [2, 3])
def test_l1_is_that_of_scikit_learn(classes: int) -> None:
    values, labels = correlated(400, 10, classes)
    plain = StandardScaler().fit_transform(values.astype(np.float64))
    trusted = LogisticRegression(C=1 / (0.03 * 400), l1_ratio=1, solver="saga", tol=1e-6, max_iter=5_000)
    trusted.fit(plain, labels)
    probe = LinearProbe("l1", strength=0.03).fit(values, labels)
    own = probe.coef_ * values.std(axis=0, dtype=np.float64)
    np.testing.assert_allclose(own, trusted.coef_, atol=5e-3)
    assert ((own == 0) == (trusted.coef_ == 0)).all()
    assert 0 < (own == 0).sum() < own.size


def test_the_weights_are_in_the_units_own_scale() -> None:
    values, labels = correlated(300, 5, 2)
    probe = LinearProbe(strength=0.01).fit(values, labels)
    by_hand = values.astype(np.float64) @ probe.coef_[0] + probe.intercept_[0]
    np.testing.assert_allclose(probe.decision_function(values), by_hand, rtol=1e-6)
    assert (probe.predict(values) == (by_hand > 0)).all()


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = correlated(500, 8, 3)
    whole = LinearProbe(strength=0.01).fit(values, labels)
    monkeypatch.setattr(activations, "_BATCH", 8 * 64)
    monkeypatch.setattr(standardised, "_HELD", 0)
    lazy = Activations([Columns(values, np.arange(8))], np.arange(500))
    streamed = LinearProbe(strength=0.01).fit(lazy, labels)
    np.testing.assert_allclose(streamed.coef_, whole.coef_, rtol=1e-3, atol=1e-4 * np.abs(whole.coef_).max())


def test_a_strength_chosen_on_a_sample_serves_all_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = correlated(3_000, 8, 2)
    labels[:] = 0
    labels[100:140] = 1
    values[100:140] += 5 * values.std(axis=0)
    monkeypatch.setattr(linear, "_SAMPLE", 8 * 300)
    monkeypatch.setattr(linear, "_RARE", 30)
    probe = LinearProbe().fit(values, labels)
    assert probe.score(values, labels) == 1
    sampled = probe._sample(labels, 8)
    assert len(sampled) < 400
    assert labels[sampled].sum() >= 30


def test_too_many_units_for_axes_are_searched_along_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = correlated(400, 6, 3)
    turned = LinearProbe(strength=0.01).fit(values, labels)
    monkeypatch.setattr(standardised, "_WIDEST", 5)
    plain = LinearProbe(strength=0.01).fit(values, labels)
    np.testing.assert_allclose(plain.coef_, turned.coef_, atol=5e-3 * np.abs(turned.coef_).max())


def test_the_strength_is_the_best_of_the_path() -> None:
    values, labels = correlated(400, 12, 2)
    probe = LinearProbe().fit(values, labels, groups=np.arange(400) // 20)
    strengths, likelihood = probe.path_[["strength", "log_likelihood"]].to_numpy().T
    assert probe.strength_ in strengths[likelihood > likelihood.max() - linear._BETTER]
    assert (likelihood < 0).all()
    assert (np.diff(strengths) < 0).all()


def test_held_out_groups_choose_a_stronger_penalty_than_held_out_steps() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 30)
    labels = np.arange(20)[groups] % 2
    values = np.repeat(rng.normal(size=(20, 30)), 30, axis=0) + 0.01 * rng.normal(size=(600, 30))  # knows the document
    by_step = LinearProbe().fit(values, labels)
    by_group = LinearProbe().fit(values, labels, groups=groups)
    assert by_group.strength_ > 100 * by_step.strength_


def test_a_constant_unit_has_no_weight() -> None:
    values, labels = correlated(200, 5, 2)
    values[:, 2] = 1234.5
    assert LinearProbe(strength=0.01).fit(values, labels).coef_[0, 2] == pytest.approx(0, abs=1e-12)


def test_large_means_do_not_spoil_the_weights() -> None:
    values, labels = correlated(500, 5, 2)
    values = values / values.std(axis=0)
    plain = LinearProbe(strength=0.01).fit(values, labels)
    moved = LinearProbe(strength=0.01).fit(values.astype(np.float64) + 1e5, labels)
    np.testing.assert_allclose(moved.coef_, plain.coef_, atol=1e-3)


def test_shuffled_labels_are_read_no_better_than_by_the_majority() -> None:
    rng = np.random.default_rng(0)
    documents = [Document(str(place), dialogue(rng, 300)) for place in range(12)]
    examples = step_examples(latch(), documents, Quotes())
    training, testing = split_groups(examples)
    labels = rng.permutation(examples.labels)
    probe = LinearProbe().fit(examples.values[training], labels[training], groups=examples.groups[training])
    majority = np.bincount(labels[training]).argmax()
    accuracy = probe.score(examples.values[testing], labels[testing])
    assert accuracy == pytest.approx((labels[testing] == majority).mean(), abs=0.02)


def test_progress_is_shown_on_a_console() -> None:
    values, labels = correlated(100, 4, 2)
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with show_progress(console):
        LinearProbe().fit(values, labels)
    assert "training the probe" in console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"penalty": "elastic"}, "ridge or l1; got 'elastic'"),
        ({"strength": -1.0}, "at least 0; got -1.0"),
        ({"strength": float("nan")}, "at least 0; got nan"),
        ({"strength": "strong"}, "at least 0; got 'strong'"),
        ({"folds": 1}, "at least 2; got 1"),
        ({"folds": 11}, "11 folds and 10 groups"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], words: str) -> None:
    values, labels = correlated(100, 4, 2)
    with pytest.raises((ArgumentError, ProbeError), match=words):
        LinearProbe(**options).fit(values, labels, groups=np.arange(100) // 10)


def test_groups_of_one_class_each_need_a_strength() -> None:
    values, labels = correlated(100, 4, 2)
    labels = np.repeat([0, 1], 50)
    with pytest.raises(ProbeError, match="No fold leaves all 2 classes to train on"):
        LinearProbe(folds=2).fit(values, labels, groups=labels)
    LinearProbe(folds=2, strength=0.1).fit(values, labels, groups=labels)


def test_no_penalty_and_a_warm_start_lead_to_the_same_weights() -> None:
    values, labels = correlated(400, 5, 2)
    data = Standardised(values)
    cold = fit_logistic(data, labels, 2, strength=0.0, tolerance=1e-6)
    warm = fit_logistic(
        data, labels, 2, strength=0.0, tolerance=1e-6, start=fit_logistic(data, labels, 2, strength=1.0)
    )
    np.testing.assert_allclose(cold.coef, warm.coef, atol=2e-3)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [1.0, 1e-3, 1e-6])
def test_units_that_go_together_need_few_passes(classes: int, strength: float) -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(2_000, 1))
    values = (shared + rng.normal(size=(2_000, 30)) * np.geomspace(1e-3, 1, 30)).astype(np.float32)
    labels = (values @ rng.normal(size=(30, classes)) + 5 * rng.gumbel(size=(2_000, classes))).argmax(axis=1)
    passes: list[int] = []
    fit_logistic(values, labels, classes, strength=strength, advance=lambda: passes.append(1))
    assert len(passes) < 40

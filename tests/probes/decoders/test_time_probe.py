"""A probe for each step, tested at all."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.time_probe import TimeMatrix, TimeProbe
from rnnscope.probes.examples.activations import Activations, Columns
from tests.printing import printed

FIXED = LinearProbe(strength=0.01)


@parametrize_with_checks([TimeProbe(FIXED)])
def test_it_is_an_estimator_of_scikit_learn(estimator: TimeProbe, check) -> None:  # noqa: ANN001
    check(estimator)


def moving(examples: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five steps of six units: unit 1 holds the label from step 1 to 3, at 4 it is unit 2; at 0 there is nothing."""
    rng = np.random.default_rng(seed)
    values = 0.3 * rng.standard_normal((examples, 5, 6)).astype(np.float32)
    labels = rng.integers(0, 2, examples)
    values[:, 1:4, 1] += labels[:, None]
    values[:, 4, 2] += labels
    return values, labels


def matrix() -> TimeMatrix:
    train, test = moving(), moving(seed=1)
    return TimeProbe(FIXED).fit(*train).matrix(*test)


def test_what_one_unit_holds_is_read_at_other_steps_and_what_moves_is_not() -> None:
    accuracy = matrix().accuracy
    assert accuracy.shape == (5, 5)
    assert accuracy[1:4, 1:4].min() > 0.9
    assert accuracy[4, 4] > 0.9
    for at, other in ((4, 1), (1, 4), (0, 0), (2, 0)):
        assert abs(accuracy[at, other] - 0.5) < 0.12


def test_each_entry_is_that_of_a_probe_of_its_step() -> None:
    (values, labels), (others, right) = moving(), moving(seed=1)
    found = matrix()
    for at in range(5):
        alone = LinearProbe(strength=0.01).fit(values[:, at], labels)
        for other in range(5):
            assert found.table.loc[at, other] == alone.score(others[:, other], right)
    assert found.majority == np.mean(right == np.bincount(labels).argmax())


def test_two_and_three_axes_and_values_that_are_read_later_are_the_same() -> None:
    (values, labels), (others, _) = moving(), moving(seed=1)
    flat, later = values.reshape(400, 30), others.reshape(400, 30)
    read_later = Activations([Columns(later, np.arange(30))], np.arange(400))
    one = TimeProbe(FIXED, steps=5).fit(flat, labels)
    chances = TimeProbe(FIXED).fit(values, labels).predict_proba(others)
    np.testing.assert_array_equal(one.predict_proba(later), chances)
    np.testing.assert_array_equal(one.predict_proba(read_later), chances)
    np.testing.assert_array_equal(one.predict(later), chances.argmax(axis=1))
    assert one.n_features_in_ == 30


def test_labels_may_be_words_and_the_probe_another() -> None:
    values, labels = moving()
    words = np.array(["no", "yes"])[labels]
    found = TimeProbe(LogisticRegression()).fit(values, words)
    assert set(found.predict(values)) == {"no", "yes"}
    assert found.matrix(values, words).accuracy[2, 3] > 0.9
    assert found.score(values.reshape(400, 30), words) > 0.9


def test_the_strength_is_chosen_by_groups_at_each_step() -> None:
    values, labels = moving()
    probes = TimeProbe().fit(values, labels, groups=np.arange(400) // 20).probes_
    assert probes[0].strength_ > probes[2].strength_


def test_it_is_printed_and_drawn() -> None:
    found = matrix()
    said = printed(found)
    assert "Probes of 5 steps" in said
    assert f"{found.accuracy[2, 3]:.2f}" in said
    axes = found.plot()
    assert isinstance(axes.figure, Figure)
    assert axes.get_xlabel() == "tested at step"


def test_many_steps_are_printed_within_the_width() -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.standard_normal((40, 30, 2)), rng.integers(0, 2, 40)
    assert len(printed(TimeProbe(FIXED).fit(values, labels).matrix(values, labels)).splitlines()) == 13


def test_bad_input_is_said_to_be() -> None:
    values, labels = moving()
    with pytest.raises(ProbeError, match="steps=7"):
        TimeProbe(FIXED, steps=7).fit(values.reshape(400, 30), labels)
    with pytest.raises(ArgumentError, match="steps is a whole number of at least 1; got 0"):
        TimeProbe(FIXED, steps=0).fit(values.reshape(400, 30), labels)
    with pytest.raises(ProbeError, match="one class"):
        TimeProbe(FIXED).fit(values, np.zeros(400))
    fitted = TimeProbe(FIXED).fit(values, labels)
    with pytest.raises(ProbeError, match="One label for each example"):
        fitted.matrix(values, labels[:7])
    with pytest.raises(ProbeError, match="30"):
        fitted.matrix(values[:, :4], labels)

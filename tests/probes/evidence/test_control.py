"""Control tasks: one label a type, the shares of the classes kept."""

from __future__ import annotations

import numpy as np
import pytest

from rnnscope.errors import ProbeError
from rnnscope.probes.evidence.control import control_labels


def zipf(rng: np.random.Generator, examples: int, types: int) -> np.ndarray:
    """Types as they are in a text: some frequent, most rare."""
    chances = 1 / np.arange(1, types + 1)
    return rng.choice(types, examples, p=chances / chances.sum())


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.98, 0.02), (0.6, 0.3, 0.1)])
def test_a_type_has_one_label_and_classes_keep_their_shares(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(len(shares), 5_000, p=shares)
    types = zipf(rng, 5_000, 800)
    control = control_labels(types, labels, seed=1)
    for one in np.unique(types):
        assert len(np.unique(control[types == one])) == 1
    np.testing.assert_allclose(np.bincount(control), np.bincount(labels), atol=3)


def test_labels_are_those_of_a_seed_and_differ_between_seeds() -> None:
    rng = np.random.default_rng(0)
    labels, types = rng.integers(0, 2, 2_000), rng.integers(0, 500, 2_000)
    first = control_labels(types, labels, seed=0)
    np.testing.assert_array_equal(first, control_labels(types, labels, seed=0))
    other = control_labels(types, labels, seed=1)
    assert 0.4 < (first == other).mean() < 0.6


def test_labels_have_nothing_to_do_with_the_task() -> None:
    rng = np.random.default_rng(0)
    types = rng.integers(0, 2_000, 10_000)
    labels = types % 2
    assert abs((control_labels(types, labels) == labels).mean() - 0.5) < 0.05


def test_a_type_too_large_for_any_class_goes_to_the_largest() -> None:
    labels = np.array([0] * 5 + [1] * 4)
    np.testing.assert_array_equal(control_labels(np.zeros(9), labels), np.zeros(9))


def test_labels_may_be_any_classes() -> None:
    control = control_labels(np.arange(6), np.array([2, 2, 7, 7, 7, 9]))
    np.testing.assert_array_equal(np.sort(control), [2, 2, 7, 7, 7, 9])


@pytest.mark.parametrize(("types", "labels"), [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]])])
def test_types_that_do_not_fit_the_labels_are_refused(types: list[int], labels: list[int]) -> None:
    with pytest.raises(ProbeError, match="one type for each label"):
        control_labels(np.array(types), np.array(labels))

"""Parts that share no group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes import Examples, split_groups
from rnnscope.probes.examples.splitting import folds


def examples(groups: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(np.zeros((len(groups), 1)), labels, ("a", "b", "c"), ("l0.c.0",), groups, groups, "nothing")


groups = st.lists(st.integers(0, 9), min_size=2, max_size=60).map(np.array).filter(lambda g: len(np.unique(g)) > 1)


@settings(max_examples=40)
@given(groups, st.floats(0.05, 0.95), st.integers(0, 5))
def test_no_group_is_on_both_sides_and_none_is_lost(groups: np.ndarray, share: float, seed: int) -> None:
    training, testing = split_groups(groups, share, seed)
    assert sorted([*training, *testing]) == list(range(len(groups)))
    assert not set(groups[training]) & set(groups[testing])
    assert len(training) and len(testing)


def test_the_share_is_about_what_is_asked_for() -> None:
    groups = np.arange(1_000) // 10
    for share in (0.1, 0.3, 0.8):
        assert len(split_groups(groups, share)[1]) == pytest.approx(1_000 * share, abs=10)
    assert (split_groups(groups, seed=1)[1] != split_groups(groups, seed=2)[1]).any()
    assert (split_groups(groups, seed=1)[1] == split_groups(groups, seed=1)[1]).all()


@pytest.mark.parametrize("seed", range(20))
def test_rare_classes_are_on_both_sides_where_that_can_be(seed: int) -> None:
    groups = np.arange(200) // 10
    labels = np.where(np.isin(groups, (3, 11)), 1, np.where(groups == 7, 2, 0))
    training, testing = split_groups(examples(groups, labels), seed=seed)
    assert set(labels[training]) == {0, 1, 2}  # of class 2 there is one group
    assert set(labels[testing]) == {0, 1}


@settings(max_examples=40)
@given(groups, st.integers(2, 6), st.integers(0, 3))
def test_folds_test_each_example_once_and_divide_no_group(groups: np.ndarray, count: int, seed: int) -> None:
    labels = np.arange(len(groups)) % 3
    if len(np.unique(groups)) < count:
        with pytest.raises(ProbeError, match=f"{count} folds and {len(np.unique(groups))} groups"):
            folds(groups, count, seed, labels)
        return
    for own in (None, labels):
        parts = folds(groups, count, seed, own)
        assert len(parts) == count
        assert sorted(np.concatenate([testing for _, testing in parts])) == list(range(len(groups)))
        for training, testing in parts:
            assert not set(groups[training]) & set(groups[testing])
            assert len(training) + len(testing) == len(groups)
            assert len(testing)


def test_folds_are_of_one_size_and_have_all_classes() -> None:
    groups = np.arange(3_000) // 30
    labels = (groups % 10 == 0).astype(int)
    for _, testing in folds(groups, 5, 0, labels):
        assert len(testing) == 600
        assert labels[testing].sum() == 60
    for _, testing in folds(np.arange(3_000), 5, 0, labels):
        assert len(testing) == 600
        assert labels[testing].sum() == 60


def test_one_group_and_impossible_shares_are_refused() -> None:
    with pytest.raises(ProbeError, match="At least two groups are needed, .* got 1"):
        split_groups(np.zeros(10))
    for share in (0.0, 1.0, -0.5, float("nan"), "half"):
        with pytest.raises(ArgumentError, match="between 0 and 1"):
            split_groups(np.arange(10), share)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="seed is a whole number"):
        split_groups(np.arange(10), seed=1.5)  # pyright: ignore[reportArgumentType]


def test_examples_of_unequal_length_are_refused() -> None:
    with pytest.raises(ProbeError, match=r"5 labels were expected, one an example; got shape \(4,\)"):
        examples(np.arange(5), np.zeros(4, int))
    with pytest.raises(ProbeError, match="2 addresses of units were expected, one a column; got 1"):
        Examples(np.zeros((3, 2)), np.zeros(3, int), ("a",), ("l0.c.0",), np.zeros(3, int), np.zeros(3, int), "")


@pytest.mark.parametrize("labels", [np.arange(4) - 1, np.arange(4), np.zeros(4), np.array(list("abca"))])
def test_labels_that_are_no_places_in_the_classes_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ProbeError, match="Labels are places in the 3 classes"):
        examples(np.arange(4), labels)


def test_some_examples_are_taken_with_all_that_belongs_to_them() -> None:
    whole = examples(np.arange(10), np.arange(10) % 3)
    some = whole.take(np.array([2, 5]))
    assert len(some) == 2
    assert some.labels.tolist() == [2, 2]
    assert some.groups.tolist() == [2, 5]
    assert some.values.shape == (2, 1)

"""Tallies and chance: parts are the whole, and a shift is what np.roll makes of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score

from rnnscope import Concept
from rnnscope.analysis.search.binning import Bins
from rnnscope.analysis.search.chance import best_by_shift, p_value, shifts_of
from rnnscope.analysis.search.tallies import Detail, LabelScale, Question, Sample, Tally

STEPS, UNITS = 900, 5
RNG = np.random.default_rng(0)
VALUES = torch.from_numpy(RNG.normal(size=(STEPS, UNITS)).cumsum(axis=0).astype(np.float32))
FLAG = (RNG.random(STEPS) < 0.3).astype(np.float32)
LABELS = np.stack(
    (
        FLAG,
        np.where(RNG.random(STEPS) < 0.2, np.nan, 1 - FLAG),
        RNG.integers(0, 9, STEPS),
        np.where(RNG.random(STEPS) < 0.5, np.nan, RNG.integers(0, 3, STEPS)),
    )
).astype(np.float32)
STEP_NUMBERS = np.arange(STEPS)


@dataclass(frozen=True)
class Named(Concept):
    def label(self, text: str, start: int) -> np.ndarray:
        raise NotImplementedError


def question(index: int) -> Question:
    kind: Any = ("flag", "flag", "number", "category")[index]
    categories = ("a", "b", "c") if kind == "category" else ()
    return Question(Named(str(index), "", kind, categories), LabelScale(LABELS[index]) if kind == "number" else None)


QUESTIONS = [question(index) for index in range(4)]
BINS = Bins(VALUES)
ENCODED = BINS.encode(VALUES)
PARTS = np.split(np.random.default_rng(1).permutation(STEPS), [100, 101, 640])


def test_a_tally_of_parts_is_the_tally_of_all_steps() -> None:
    whole, parted = Tally(BINS, QUESTIONS), Tally(BINS, QUESTIONS)
    whole.update(ENCODED, LABELS)
    for part in PARTS:
        parted.update(ENCODED[:, part], LABELS[:, part])
    for index in range(4):
        np.testing.assert_allclose(parted.association(index), whole.association(index), rtol=1e-5)
        np.testing.assert_allclose(parted.spread(index), whole.spread(index), rtol=1e-5)
    np.testing.assert_array_equal(parted.flag(1), whole.flag(1))


@pytest.mark.parametrize("index", range(4))
def test_a_detail_of_parts_is_the_detail_of_all_steps(index: int) -> None:
    def detail(*parts: np.ndarray) -> Detail:
        made = Detail(QUESTIONS[index], 0, STEPS, 10)
        for steps in parts:
            made.update(steps, ENCODED[2, steps], VALUES[steps, 2].numpy(), LABELS[index, steps])
        return made

    whole, parted = detail(STEP_NUMBERS), detail(*PARTS)
    np.testing.assert_array_equal(parted.counts, whole.counts)
    applies = ~np.isnan(LABELS[index])
    np.testing.assert_array_equal(whole.counts.sum(axis=(1, 2)), applies.reshape(10, -1).sum(axis=1))
    assert parted.pearson == pytest.approx(whole.pearson)
    assert whole.pearson == pytest.approx(np.corrcoef(VALUES[applies, 2], LABELS[index, applies])[0, 1], abs=1e-6)


def sample(size: int = STEPS) -> Sample:
    made = Sample(UNITS, 4, 0, STEPS, size)
    made.update(STEP_NUMBERS, ENCODED, LABELS)
    return made


def test_flags_of_many_patterns_are_counted_each_as_by_itself() -> None:
    flags = [Question(Named(str(index), "", "flag")) for index in range(9)]
    labels = np.random.default_rng(2).choice([0, 1, np.nan], (9, STEPS)).astype(np.float32)
    together = Tally(BINS, flags)
    together.update(ENCODED, labels)
    for index, one in enumerate(flags):
        alone = Tally(BINS, [one])
        alone.update(ENCODED, labels[index : index + 1])
        np.testing.assert_array_equal(together.flag(index), alone.flag(0))


def test_a_sample_of_parts_is_the_sample_of_all_steps() -> None:
    whole, parted = sample(100), Sample(UNITS, 4, 0, STEPS, 100)
    for part in PARTS:
        parted.update(part, ENCODED[:, part], LABELS[:, part])
    np.testing.assert_array_equal(parted.bins, whole.bins)
    np.testing.assert_array_equal(parted.labels, whole.labels)
    places = np.arange(100) * 9 + whole._chosen
    np.testing.assert_array_equal(whole.bins, ENCODED[:, places])
    np.testing.assert_array_equal(whole.labels, LABELS[:, places])
    assert parted.taken.all()


def test_a_rhythm_of_the_text_does_not_hide_from_a_sample() -> None:
    labels = (STEP_NUMBERS % 9 == 4).astype(np.float32)[None]
    made = Sample(UNITS, 1, 0, STEPS, 100)
    made.update(STEP_NUMBERS, ENCODED, labels)
    assert 2 < made.labels.sum() < 40


MOVES = np.array([0, 50, 333, 411])
RANKS = torch.from_numpy(np.stack([ranks.take(bins) for ranks, bins in zip(BINS.ranks, ENCODED, strict=True)]))


def best(index: int, steps: int = STEPS) -> np.ndarray:
    return best_by_shift(RANKS, LABELS[index], QUESTIONS[index], MOVES / steps)


def test_a_shifted_flag_is_told_as_well_as_scikit_learn_says() -> None:
    for move, found in zip(MOVES, best(0), strict=True):
        rolled = np.roll(FLAG, move)
        areas = [roc_auc_score(rolled, VALUES[:, unit]) for unit in range(UNITS)]
        assert found == pytest.approx(max(abs(area - 0.5) for area in areas), abs=2e-3)


def test_a_flag_moves_among_the_steps_where_it_applies() -> None:
    applies = ~np.isnan(LABELS[1])
    count = int(applies.sum())
    for move, found in zip(MOVES, best(1, count), strict=True):
        rolled = np.roll(LABELS[1, applies], move)
        ranks = RANKS[:, torch.from_numpy(applies)].numpy()
        apart = ranks[:, rolled == 1].mean(axis=1) - ranks[:, rolled == 0].mean(axis=1)
        assert found == pytest.approx(np.abs(apart).max(), abs=1e-5)


def test_a_shifted_number_is_told_by_the_correlation_of_ranks() -> None:
    spread = np.sqrt(1 / 12)  # of ranks from 0 to 1
    for move, found in zip(MOVES, best(2), strict=True):
        rolled = stats.rankdata(np.roll(LABELS[2], move))
        r = [np.corrcoef(rolled, stats.rankdata(VALUES[:, unit]))[0, 1] for unit in range(UNITS)]
        assert found / spread == pytest.approx(np.abs(r).max(), abs=5e-3)


def test_a_shifted_category_is_told_by_the_variance_between_means() -> None:
    applies = ~np.isnan(LABELS[3])
    ranks = RANKS[:, torch.from_numpy(applies)].numpy()
    for move, found in zip(MOVES, best(3, int(applies.sum())), strict=True):
        rolled = np.roll(LABELS[3, applies], move)
        means = np.stack([ranks[:, rolled == c].mean(axis=1) for c in range(3)])
        shares = np.array([(rolled == c).mean() for c in range(3)])[:, None]
        between = (shares * (means - ranks.mean(axis=1)) ** 2).sum(axis=0)
        assert found == pytest.approx(np.sqrt(between.max()), abs=1e-5)


def test_labels_that_are_all_the_same_tell_nothing() -> None:
    found = best_by_shift(RANKS, np.ones(STEPS, np.float32), QUESTIONS[0], MOVES / STEPS)
    assert np.isnan(found).all() and np.isnan(p_value(found))


def p_values(taken: np.ndarray, index: int, labels: np.ndarray, seeds: range) -> np.ndarray:
    """Of labels that have nothing to do with slow units, kept at some steps alone."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        slow = np.apply_along_axis(lambda x: np.convolve(x, np.ones(20), "same"), 1, rng.normal(size=(6, len(labels))))
        ranks = torch.from_numpy(slow[:, taken].astype(np.float32))
        moved = np.roll(labels, rng.integers(len(labels)))[taken]
        found.append(p_value(best_by_shift(ranks, moved, QUESTIONS[index], shifts_of(39, seed))))
    return np.array(found)


@pytest.mark.parametrize("index", [0, 2, 3])
@pytest.mark.parametrize("every", [1, 5])
def test_p_is_uniform_whether_or_not_a_layer_takes_each_step(index: int, every: int) -> None:
    labels = (np.arange(2_000) // 40 % 3 if index == 3 else np.arange(2_000) // 40 % 2).astype(np.float32)
    found = p_values(np.arange(0, 2_000, every), index, labels, range(100))
    low, high = stats.binom.interval(0.999, len(found), 0.05)
    assert low <= np.count_nonzero(found <= 0.05) <= high


def test_shifts_are_far_different_and_the_same_for_a_seed() -> None:
    shifts = shifts_of(199, seed=4)
    assert shifts[0] == 0 and len(set(shifts)) == 200
    assert 0.05 <= shifts[1:].min() and shifts.max() < 0.95
    np.testing.assert_array_equal(shifts, shifts_of(199, seed=4))


def test_p_is_the_share_of_shifts_that_do_as_well() -> None:
    assert p_value(np.array([0.5, 0.1, 0.5, 0.2])) == 0.5
    assert p_value(np.array([0.9, 0.1, 0.5, 0.2])) == 0.25

"""Tallies and chance: merged parts are the whole, and a shift is what np.roll makes of labels."""

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
from rnnscope.analysis.search.tallies import Detail, Question, Sample, Scale, Tally

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
    return Question(Named(str(index), "", kind, categories), Scale(LABELS[index]) if kind == "number" else None)


QUESTIONS = [question(index) for index in range(4)]
BINS = Bins(VALUES)
ENCODED = BINS.encode(VALUES)
PARTS = np.split(np.random.default_rng(1).permutation(STEPS), [100, 101, 640])


def test_merged_tallies_are_the_tally_of_all_steps() -> None:
    whole, merged = Tally(BINS, QUESTIONS), Tally(BINS, QUESTIONS)
    whole.update(ENCODED, LABELS)
    for part in PARTS:
        other = Tally(BINS, QUESTIONS)
        other.update(ENCODED[:, part], LABELS[:, part])
        merged.merge(other)
    for index in range(4):
        np.testing.assert_allclose(merged.association(index), whole.association(index), rtol=1e-5)
        np.testing.assert_allclose(merged.spread(index), whole.spread(index), rtol=1e-5)
    np.testing.assert_array_equal(merged.flag(1), whole.flag(1))


@pytest.mark.parametrize("index", range(4))
def test_merged_details_are_the_detail_of_all_steps(index: int) -> None:
    def detail(steps: np.ndarray) -> Detail:
        made = Detail(QUESTIONS[index], 0, STEPS, 10)
        made.update(steps, ENCODED[2, steps], VALUES[steps, 2].numpy(), LABELS[index, steps])
        return made

    whole, merged = detail(STEP_NUMBERS), Detail(QUESTIONS[index], 0, STEPS, 10)
    for part in PARTS:
        merged.merge(detail(part))
    np.testing.assert_array_equal(merged.counts, whole.counts)
    applies = ~np.isnan(LABELS[index])
    np.testing.assert_array_equal(whole.counts.sum(axis=(1, 2)), applies.reshape(10, -1).sum(axis=1))
    assert merged.pearson == pytest.approx(whole.pearson)
    assert whole.pearson == pytest.approx(np.corrcoef(VALUES[applies, 2], LABELS[index, applies])[0, 1], abs=1e-6)


def sample(size: int = STEPS) -> Sample:
    made = Sample(UNITS, 4, 0, STEPS, size)
    made.update(STEP_NUMBERS, ENCODED, LABELS)
    return made


def test_merged_samples_are_the_sample_of_all_steps() -> None:
    whole, merged = sample(100), Sample(UNITS, 4, 0, STEPS, 100)
    for part in PARTS:
        other = Sample(UNITS, 4, 0, STEPS, 100)
        other.update(part, ENCODED[:, part], LABELS[:, part])
        merged.merge(other)
    np.testing.assert_array_equal(merged.bins, whole.bins)
    np.testing.assert_array_equal(merged.labels, whole.labels)
    np.testing.assert_array_equal(whole.bins, ENCODED[:, ::9])
    assert merged.taken.all()


SHIFTS = np.array([0, 50, 333, 899])


def test_a_shifted_flag_is_told_as_well_as_scikit_learn_says() -> None:
    found = best_by_shift(sample(), BINS.ranks, 0, QUESTIONS[0], SHIFTS)
    for shift, best in zip(SHIFTS, found, strict=True):
        rolled = np.roll(FLAG, shift)
        areas = [roc_auc_score(rolled, VALUES[:, unit]) for unit in range(UNITS)]
        assert best == pytest.approx(max(abs(area - 0.5) for area in areas), abs=2e-3)


def test_a_shifted_number_is_told_by_the_correlation_of_ranks() -> None:
    found = best_by_shift(sample(), BINS.ranks, 2, QUESTIONS[2], SHIFTS)
    spread = np.sqrt(1 / 12)  # of ranks from 0 to 1
    for shift, best in zip(SHIFTS, found, strict=True):
        rolled = stats.rankdata(np.roll(LABELS[2], shift))
        r = [np.corrcoef(rolled, stats.rankdata(VALUES[:, unit]))[0, 1] for unit in range(UNITS)]
        assert best / spread == pytest.approx(np.abs(r).max(), abs=5e-3)


def test_a_shifted_category_is_told_by_the_variance_between_means() -> None:
    found = best_by_shift(sample(), BINS.ranks, 3, QUESTIONS[3], SHIFTS)
    ranks = np.stack([stats.rankdata(VALUES[:, unit]) / STEPS for unit in range(UNITS)])
    for shift, best in zip(SHIFTS, found, strict=True):
        rolled = np.roll(LABELS[3], shift)
        applies = ~np.isnan(rolled)
        middle = ranks[:, applies].mean(axis=1)
        between = sum((rolled == c).mean() * (ranks[:, rolled == c].mean(axis=1) - middle) ** 2 for c in range(3))
        assert best == pytest.approx(np.sqrt(max(between) / applies.mean()), abs=2e-3)


def test_steps_that_a_layer_does_not_take_say_nothing() -> None:
    whole, gaps = sample(), Sample(UNITS, 4, 0, STEPS, STEPS)
    taken = STEP_NUMBERS[STEP_NUMBERS % 3 > 0]
    gaps.update(taken, ENCODED[:, taken], LABELS[:, taken])
    whole.bins[:, ~gaps.taken] = 77
    gaps.bins[:, ~gaps.taken] = 200
    ends = [best_by_shift(s, BINS.ranks, 0, QUESTIONS[0], np.array([0])) for s in (gaps, whole)]
    assert ends[0] != pytest.approx(ends[1], abs=1e-3)
    gaps.bins[:, ~gaps.taken] = 3
    assert best_by_shift(gaps, BINS.ranks, 0, QUESTIONS[0], np.array([0])) == ends[0]


def test_shifts_are_far_different_and_the_same_for_a_seed() -> None:
    shifts = shifts_of(1_000, 199, seed=4)
    assert shifts[0] == 0 and len(set(shifts)) == 200
    assert 50 <= shifts[1:].min() and shifts.max() < 950
    np.testing.assert_array_equal(shifts, shifts_of(1_000, 199, seed=4))
    assert len(shifts_of(20, 199, seed=0)) == 19


def test_p_is_the_share_of_shifts_that_do_as_well() -> None:
    assert p_value(np.array([0.5, 0.1, 0.5, 0.2])) == 0.5
    assert p_value(np.array([0.9, 0.1, 0.5, 0.2])) == 0.25

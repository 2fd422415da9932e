"""Scores from counts, against scikit-learn and scipy on the values themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from rnnscope.analysis.search import scores

RNG = np.random.default_rng(0)
LABELS = RNG.random(2_000) < 0.2
VALUES = np.clip(RNG.integers(0, 200, 2_000) + 40 * LABELS, 0, 255)
NUMBERS = RNG.integers(0, 7, 2_000) + VALUES // 100
YES, NO = (np.bincount(VALUES[LABELS == side], minlength=256) for side in (True, False))
BY_NUMBER = np.stack([np.bincount(VALUES[NUMBERS == number], minlength=256) for number in range(NUMBERS.max() + 1)])


def test_auroc_is_that_of_scikit_learn() -> None:
    assert scores.auroc(YES, NO) == pytest.approx(metrics.roc_auc_score(LABELS, VALUES), abs=1e-12)


def test_average_precision_is_that_of_scikit_learn() -> None:
    assert scores.average_precision(YES, NO) == pytest.approx(
        metrics.average_precision_score(LABELS, VALUES), abs=1e-12
    )


def test_the_best_threshold_has_the_largest_iou_of_all() -> None:
    all_of_them = [metrics.jaccard_score(LABELS, VALUES >= first) for first in range(256)]
    assert scores.best_threshold(YES, NO) == np.argmax(all_of_them)


@pytest.mark.parametrize("first", [0, 100, 180, 230])
def test_scores_at_a_threshold_are_those_of_scikit_learn(first: int) -> None:
    found = scores.at_threshold(YES, NO, np.array(first))
    on = VALUES >= first
    assert found["iou"] == pytest.approx(metrics.jaccard_score(LABELS, on))
    assert found["f1"] == pytest.approx(metrics.f1_score(LABELS, on))
    assert found["precision"] == pytest.approx(metrics.precision_score(LABELS, on))
    assert found["recall"] == pytest.approx(metrics.recall_score(LABELS, on))


def test_the_top_threshold_leaves_at_most_the_share_above_it() -> None:
    first = scores.top_threshold(YES + NO, 0.05)
    assert (VALUES >= first).mean() <= 0.05 < (VALUES >= first - 1).mean()


def test_mutual_information_is_that_of_scikit_learn_less_what_chance_gives() -> None:
    nats = metrics.mutual_info_score(LABELS, VALUES // 16) - (len(set(VALUES // 16)) - 1) / (2 * len(VALUES))
    assert scores.mutual_information(np.stack((NO, YES))) == pytest.approx(nats / np.log(2), abs=1e-12)


def test_what_has_nothing_to_do_with_each_other_has_next_to_no_mutual_information() -> None:
    labels = np.random.default_rng(2).integers(0, 32, 900)
    counts = np.stack([np.bincount(VALUES[:900][labels == label], minlength=256) for label in range(32)])
    assert scores.mutual_information(counts) < 0.05


def test_the_top_of_a_unit_of_two_values_is_the_higher_one() -> None:
    counts = np.zeros(256)
    counts[[100, 200]] = 70, 30
    assert scores.top_threshold(counts, 0.005) == 200
    counts[255] = 30
    assert scores.top_threshold(counts, 0.005) == 255


def test_spearman_is_that_of_scipy() -> None:
    assert scores.spearman(BY_NUMBER) == pytest.approx(stats.spearmanr(NUMBERS, VALUES)[0], abs=1e-12)


def test_eta_squared_is_the_share_of_the_ranks_variance() -> None:
    ranks = stats.rankdata(VALUES)
    means = np.array([ranks[NUMBERS == number].mean() for number in NUMBERS])
    assert scores.eta_squared(BY_NUMBER) == pytest.approx(means.var() / ranks.var(), abs=1e-12)


def test_counts_without_a_label_give_no_score() -> None:
    nothing = np.zeros_like(YES)
    assert np.isnan(scores.auroc(nothing, NO)) and np.isnan(scores.auroc(YES, nothing))
    assert scores.at_threshold(nothing, NO, np.array(3))["iou"] == 0


def test_scores_take_units_all_at_once() -> None:
    together = scores.auroc(np.stack((YES, NO)), np.stack((NO, YES)))
    np.testing.assert_allclose(together, [scores.auroc(YES, NO), scores.auroc(NO, YES)])

"""Bins: how finely they tell values apart, whatever their distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from rnnscope.analysis.search import scores
from rnnscope.analysis.search.binning import BINS, Bins

STEPS = 20_000


def distributions() -> dict[str, torch.Tensor]:
    """Series such as units have: saturated, of two modes, heavy-tailed, of few values, of none."""
    generator = torch.Generator().manual_seed(0)
    normal, uniform = torch.randn(STEPS, generator=generator), torch.rand(STEPS, generator=generator)
    return {
        "normal": normal,
        "saturated": torch.sigmoid(20 * normal),
        "nearly always one": torch.sigmoid(normal + 9),
        "two modes": torch.where(uniform < 0.3, 5 + 0.01 * normal, -5 + 0.01 * normal),
        "heavy-tailed": normal / (uniform + 1e-3),
        "relu": normal.relu(),
        "three values": (3 * uniform).floor(),
        "far off": 1e4 + normal,
    }


@pytest.mark.parametrize("name", distributions())
def test_auroc_over_bins_is_within_two_thousandths(name: str) -> None:
    values = distributions()[name]
    order = values.numpy().argsort().argsort() / STEPS
    labels = np.random.default_rng(1).random(STEPS) < 0.02 + 0.2 * order**4
    binned = Bins(values[:4_000, None]).encode(values[:, None])[0]
    counts = [np.bincount(binned[labels == side], minlength=BINS) for side in (True, False)]
    assert scores.auroc(*counts) == pytest.approx(roc_auc_score(labels, values), abs=0.002)


@pytest.mark.parametrize("name", distributions())
def test_a_larger_value_has_no_smaller_bin(name: str) -> None:
    values = distributions()[name][:, None]
    bins = Bins(values[:4_000])
    ascending = np.sort(values[:, 0].numpy())
    assert (np.diff(bins.encode(torch.from_numpy(ascending)[:, None])[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("name", distributions())
def test_edges_say_where_bins_begin(name: str) -> None:
    values = distributions()[name][:, None]
    bins = Bins(values)
    found, seen = bins.encode(values)[0].astype(int), values[:, 0].numpy()
    edges = np.concatenate(([-np.inf], bins.edges[0], [np.inf]))
    rounding = 4 * np.spacing(np.abs(seen)) + 1e-6 * np.ptp(seen)
    assert (edges[found] <= seen + rounding).all()
    assert (seen < edges[found + 1] + rounding).all()


def test_values_beyond_all_that_was_seen_are_told_apart() -> None:
    bins = Bins(torch.linspace(-1, 1, 1_000)[:, None])
    far = bins.encode(torch.tensor([[-300.0], [-30.0], [-3.0], [0.0], [3.0], [30.0], [300.0]]))[0].astype(int)
    assert (np.diff(far) > 0).all()


def test_a_unit_that_never_changes_has_bins_too() -> None:
    bins = Bins(torch.zeros(100, 2))
    later = bins.encode(torch.tensor([[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]))
    assert len(set(later[0])) == 1
    assert later[1, 0] < later[1, 1] < later[1, 2]

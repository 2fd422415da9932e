"""The contract that every probe keeps: scikit-learn's own, and what is asked of all that read units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnscope.errors import ProbeError
from rnnscope.probes import Activations, LinearProbe, MDLProbe, SingleUnitProbe, SparseProbe, TimeProbe
from rnnscope.probes.examples.activations import Columns

QUICK = LinearProbe(strength=0.1)
"""For probes that train many."""

CLASSES = [LinearProbe(), SparseProbe(), SingleUnitProbe(), MDLProbe(QUICK), TimeProbe(QUICK)]
PROBES = [*CLASSES, LinearProbe("l1"), SparseProbe(k=2), TimeProbe(QUICK, steps=2)]


@parametrize_with_checks(CLASSES)
def test_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


def examples(count: int = 200, units: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, of which unit 4 knows the label, labels in words, and ten groups."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    values = rng.normal(size=(count, units)).astype(np.float32)
    values[:, 4] += 3 * labels
    return values, np.array(["no", "yes"])[labels], np.arange(count) * 10 // count


def lazily(values: np.ndarray) -> Activations:
    return Activations([Columns(values, np.arange(values.shape[1]))], np.arange(len(values)))


def fresh(probe: Any) -> Any:
    return clone(probe)


each_probe = pytest.mark.parametrize("probe", PROBES, ids=repr)


@each_probe
def test_values_that_are_read_when_asked_for_are_as_good_as_an_array(probe: Any) -> None:
    values, labels, groups = examples()
    held = fresh(probe).fit(values, labels, groups=groups)
    read = fresh(probe).fit(lazily(values), labels, groups=groups)
    assert (held.predict(values) == read.predict(lazily(values))).all()
    assert read.n_features_in_ == 6
    assert list(read.classes_) == ["no", "yes"]
    assert read.score(lazily(values), labels) > 0.85


@each_probe
def test_scikit_learns_tools_take_a_probe_and_lazy_values(probe: Any) -> None:
    values, labels, groups = examples()
    scores = cross_val_score(fresh(probe), lazily(values), labels, groups=groups, cv=GroupKFold(3))
    assert scores.mean() > 0.8


@each_probe
def test_the_seed_decides(probe: Any) -> None:
    values, labels, groups = examples()
    first, second = (fresh(probe).fit(values, labels, groups=groups) for _ in range(2))
    assert (first.predict(values) == second.predict(values)).all()


@each_probe
def test_training_leaves_the_values_as_they_were(probe: Any) -> None:
    values, labels, groups = examples()
    before = values.copy()
    fresh(probe).fit(values, labels, groups=groups).predict(values)
    assert (values == before).all()


@each_probe
@pytest.mark.parametrize("lazy", [False, True], ids=["array", "activations"])
def test_bad_input_is_refused_in_words(probe: Any, lazy: bool) -> None:
    values, labels, groups = examples()
    given = lazily if lazy else np.asarray
    broken = values.copy()
    broken[7, 2] = np.nan
    endless = values.copy()
    endless[7, 2] = np.inf
    for X, y, own, words in (
        (values, np.full(len(labels), "no"), groups, "one class in the 200 labels"),
        (values, np.zeros(len(labels)), groups, "labels: 0.0. Give"),
        (values[:20], np.arange(20), groups[:20], "each with a label of its own"),
        (values, labels[:-1], groups, "200"),
        (values, labels, groups[:-1], r"got shape \(199,\)"),
        (broken, labels, groups, "NaN"),
        (endless, labels, groups, "inf"),
        (values[:0], labels[:0], groups[:0], "0"),
        (values[:, :0], labels, groups, "0"),
    ):
        with pytest.raises(ProbeError, match=words):
            fresh(probe).fit(given(X), y, groups=own)


@each_probe
@pytest.mark.parametrize("lazy", [False, True], ids=["array", "activations"])
def test_other_units_than_it_was_trained_on_are_refused(probe: Any, lazy: bool) -> None:
    values, labels, groups = examples()
    trained = fresh(probe).fit(values, labels, groups=groups)
    with pytest.raises(ProbeError, match="5 features|those of 5"):
        trained.predict(lazily(values[:, :5]) if lazy else values[:, :5])

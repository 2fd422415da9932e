"""The threshold on one unit against trying all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.errors import ProbeError
from rnnscope.probes import SingleUnitProbe, split_groups, step_examples
from rnnscope.probes.decoders import single_unit
from rnnscope.text import Document
from tests.handmade import Quotes, dialogue, latch


def best_by_hand(values: np.ndarray, labels: np.ndarray) -> float:
    """The most examples that any threshold on any unit gets right."""
    said = values[:, :, None] > np.concatenate((np.unique(values), [-np.inf]))
    right = (said == labels[:, None, None]).sum(axis=0)
    return max(right.max(), len(labels) - right.min())


@settings(max_examples=40)
@given(st.data())
def test_it_is_the_best_of_all_thresholds(data: st.DataObject) -> None:
    count, units = data.draw(st.integers(2, 12)), data.draw(st.integers(1, 3))
    numbers = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 1e-30, 0.5, 3e38])
    values = np.array(data.draw(st.lists(numbers, min_size=count * units, max_size=count * units)), np.float32)
    values = values.reshape(count, units)
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count - 2, max_size=count - 2)) + [0, 1])
    if count == 2:
        labels = np.array([0, 1])
    probe = SingleUnitProbe().fit(values, labels)
    assert probe.accuracy_ == best_by_hand(values, labels) / count
    assert probe.score(values, labels) == probe.accuracy_


def test_the_threshold_lies_halfway() -> None:
    probe = SingleUnitProbe().fit(np.array([[1.0], [2.0], [4.0], [5.0]]), [0, 0, 1, 1])
    assert (probe.unit_, probe.threshold_, probe.sign_) == (0, 3.0, 1)
    probe = SingleUnitProbe().fit(np.array([[1.0], [2.0], [4.0], [5.0]]), ["b", "b", "a", "a"])
    assert (probe.threshold_, probe.sign_) == (3.0, -1)
    assert probe.predict([[0.0], [9.0]]).tolist() == ["b", "a"]


def test_units_are_read_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    values = rng.normal(size=(300, 9)).astype(np.float32)
    values[:, 7] += 2 * labels
    whole = SingleUnitProbe().fit(values, labels)
    monkeypatch.setattr(single_unit, "_HELD", 2 * 300)
    in_parts = SingleUnitProbe().fit(values, labels)
    assert in_parts.unit_ == whole.unit_ == 7
    assert in_parts.threshold_ == whole.threshold_


def test_the_latch_is_named_and_reads_quotes_without_error() -> None:
    rng = np.random.default_rng(2)
    documents = [Document(str(place), dialogue(rng, 300)) for place in range(12)]
    examples = step_examples(latch(), documents, Quotes())
    training, testing = (examples.take(rows) for rows in split_groups(examples))
    probe = SingleUnitProbe().fit(training.values, training.labels)
    assert examples.units[probe.unit_] == "l0.c.3"
    assert probe.sign_ == 1
    assert probe.score(testing.values, testing.labels) == 1


def test_three_classes_are_refused() -> None:
    with pytest.raises(ProbeError, match="with 3 classes; a LinearProbe and a SparseProbe take more than two"):
        SingleUnitProbe().fit(np.arange(6.0)[:, None], [0, 1, 2, 0, 1, 2])

"""The online code: what labels cost who knows the units, against what is known of it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.mdl import MDLProbe
from rnnscope.probes.examples.activations import Activations, Columns

FIXED = LinearProbe(strength=0.01)


def noise(examples: int = 2_000, units: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values that tell nothing, and 20 groups; the generator's next draws are for labels."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((examples, units)).astype(np.float32)
    return values, rng.random(examples), np.arange(examples) * 20 // examples


@pytest.mark.parametrize("seed", range(3))
def test_random_balanced_labels_are_not_compressed(seed: int) -> None:
    values, chance, groups = noise(seed=seed)
    found = MDLProbe().fit(values, chance < 0.5, groups)
    assert found.compression_ == pytest.approx(1, abs=0.015)
    assert found.frequency_compression_ == pytest.approx(1, abs=0.01)


def test_random_rare_labels_are_compressed_as_their_frequencies_compress_them() -> None:
    values, chance, groups = noise()
    found = MDLProbe().fit(values, chance < 0.05, groups)
    assert found.frequency_compression_ > 2.5
    assert found.compression_ == pytest.approx(found.frequency_compression_, rel=0.03)


def test_labels_that_a_unit_holds_are_compressed_much() -> None:
    values, chance, groups = noise()
    labels = chance < 0.5
    values[:, 3] = np.where(labels, 1.0, -1.0) + 0.05 * values[:, 3]
    found = MDLProbe().fit(values, labels, groups)
    assert found.compression_ > 10
    assert (found.predict(values) == labels).all()
    assert found.predict_proba(values).shape == (2_000, 2)


def test_the_code_by_frequencies_is_what_a_loop_over_labels_gives() -> None:
    values, chance, _ = noise(300, 2)
    labels = np.digitize(chance, [0.6, 0.9])
    found = MDLProbe(FIXED).fit(values, labels)
    counts, bits = np.zeros(3), 0.0
    for label in labels:  # Krichevsky and Trofimov's estimate; the order makes no difference
        bits -= math.log2((counts[label] + 0.5) / (counts.sum() + 1.5))
        counts[label] += 1
    assert found.table_["frequency_bits"].to_numpy().sum() == pytest.approx(bits)
    assert found.frequency_compression_ == pytest.approx(300 * math.log2(3) / bits)


def test_a_block_costs_at_most_a_bit_more_than_the_better_of_probe_and_frequencies() -> None:
    values, chance, groups = noise()
    found = MDLProbe(FIXED).fit(values, chance < 0.3 + 0.2 * values[:, 0], groups)
    table = {name: column.to_numpy() for name, column in found.table_.items()}
    assert found.codelength_ == pytest.approx(table["bits"].sum())
    assert table["coded"].sum() == 2_000
    assert (table["seen"] == np.cumsum(table["coded"]) - table["coded"]).all()
    best = np.fmin(table["probe_bits"], table["frequency_bits"])
    assert (table["bits"][1:] <= best[1:] + 1 + 1e-9).all()
    assert table["bits"][0] == table["coded"][0]
    assert (table["probe_bits"][-3:] < table["frequency_bits"][-3:]).all()


def test_blocks_end_where_groups_do_and_small_ones_within_the_first() -> None:
    values, chance, groups = noise()
    seen = MDLProbe(FIXED).fit(values, chance < 0.5, groups).table_["seen"].tolist()
    assert seen == [0, 2, 4, 8, 16, 32, 64, 100, 200, 500, 1000]
    alone = MDLProbe(FIXED).fit(values, chance < 0.5).table_["seen"].tolist()
    assert alone == [0, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000]


def test_a_later_block_is_coded_by_a_probe_that_has_seen_none_of_its_groups() -> None:
    values, _, groups = noise(400, 4)
    labels = np.isin(groups, np.random.default_rng(1).permutation(20)[:10])
    marks = np.eye(20, dtype=np.float32)[groups]
    found = MDLProbe(LinearProbe(strength=1e-3)).fit(np.hstack((values, marks)), labels, groups)
    assert found.compression_ < 1.1  # the group tells its label, which is of no use for another group


def test_of_many_examples_some_groups_are_coded() -> None:
    values, chance, groups = noise()
    found = MDLProbe(FIXED, limit=450).fit(values, chance < 0.5, groups)
    assert found.table_["coded"].to_numpy().sum() == 400
    whole = MDLProbe(FIXED, limit=30).fit(values, chance < 0.5, groups)
    assert whole.table_["coded"].to_numpy().sum() == 30


def test_the_order_is_that_of_a_seed() -> None:
    values, chance, groups = noise(600)
    labels = chance < 0.3 + 0.4 * (values[:, 0] > 0)
    lengths = [MDLProbe(FIXED, random_state=seed).fit(values, labels, groups).codelength_ for seed in (0, 0, 1)]
    assert lengths[0] == lengths[1] != lengths[2]


def test_several_orders_are_averaged_in_bits() -> None:
    values, chance, groups = noise(600)
    labels = chance < 0.3 + 0.4 * (values[:, 0] > 0)
    found = MDLProbe(FIXED, orders=3).fit(values, labels, groups)
    order, costs = found.table_[["order", "bits"]].to_numpy().T
    bits = np.array([costs[order == number].sum() for number in range(3)])
    assert len(set(bits)) == 3
    np.testing.assert_allclose(found.compressions_, 600 / bits)
    assert found.codelength_ == pytest.approx(bits.mean())
    assert found.compression_ == pytest.approx(600 / bits.mean())
    assert bits[0] == pytest.approx(MDLProbe(FIXED).fit(values, labels, groups).codelength_)
    with pytest.raises(ArgumentError, match="orders is a whole number of at least 1; got 0"):
        MDLProbe(orders=0).fit(values, labels, groups)


def test_the_code_is_that_of_scikit_learns_probes_in_a_loop() -> None:
    values, chance, groups = noise(1_000, 4)
    labels = chance < 0.2 + 0.6 * (values[:, 0] > 0)
    found = MDLProbe(FIXED, random_state=4).fit(values, labels, groups)
    place = np.random.RandomState(4).permutation(20)
    order = np.concatenate([np.flatnonzero(place[groups] == own) for own in range(20)])
    cuts, bits = [1, 2, 4, 8, 16, 32, 50, 100, 250, 500, 1000], 1.0
    for seen, stop in pairwise(cuts):
        before, block = order[:seen], order[seen:stop]
        counts, frequency, own = np.bincount(labels[before], minlength=2) + 0.5, 0.0, np.inf
        for label in labels[block].astype(int):
            frequency -= math.log2(counts[label] / counts.sum())
            counts[label] += 1
        if len(set(labels[before])) == 2:
            plain = StandardScaler().fit(values[before].astype(float))
            probe = LogisticRegression(C=100 / seen, tol=1e-8).fit(plain.transform(values[before]), labels[before])
            chances = probe.predict_proba(plain.transform(values[block]))[
                np.arange(len(block)), labels[block].astype(int)
            ]
            own = -np.log2((chances * seen + 0.5) / (seen + 1)).sum()
        bits += frequency if own == np.inf else 1 - np.logaddexp2(-own, -frequency)
    assert found.codelength_ == pytest.approx(bits, rel=1e-3)


def test_values_that_are_read_later_and_other_probes_will_do() -> None:
    values, chance, groups = noise(600)
    labels = np.where(chance < 0.5, "yes", "no")
    values[:, 0] += chance < 0.5
    later = Activations([Columns(values, np.arange(10))], np.arange(600))
    found = MDLProbe(FIXED).fit(later, labels, groups)
    assert found.codelength_ == pytest.approx(MDLProbe(FIXED).fit(values, labels, groups).codelength_)
    assert set(found.predict(later)) == {"yes", "no"}
    other = MDLProbe(LogisticRegression(C=1 / 6)).fit(later, labels, groups)
    assert other.codelength_ == pytest.approx(found.codelength_, rel=0.05)


def test_bad_input_is_said_to_be() -> None:
    values, chance, groups = noise(100)
    with pytest.raises(ProbeError, match="one class"):
        MDLProbe().fit(values, np.ones(100))
    with pytest.raises(ProbeError, match="NaN"):
        MDLProbe().fit(np.full((100, 2), np.nan), chance < 0.5)
    with pytest.raises(ProbeError, match="group"):
        MDLProbe().fit(values, chance < 0.5, groups[:50])
    with pytest.raises(ArgumentError, match="limit"):
        MDLProbe(limit=1).fit(values, chance < 0.5)

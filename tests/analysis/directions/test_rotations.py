"""Random bases: orthonormal, uniform, and with a given first axis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

import rnnscope
from rnnscope.analysis.directions.moments import Moments, signal_moments
from rnnscope.analysis.directions.rotations import complete_basis, random_rotation
from rnnscope.errors import ArgumentError, RecordingError
from rnnscope.recording.address import Address
from rnnscope.recording.along import along
from tests.handmade import dialogue, random_network

RNG = np.random.default_rng(0)
FACTOR = RNG.normal(size=(6, 6))
MOMENTS = Moments(Address.parse("l0.c"), 100, RNG.normal(size=6), FACTOR @ FACTOR.T)


def test_a_rotation_is_orthonormal_and_the_same_for_a_seed() -> None:
    one, again, other = (random_rotation(MOMENTS, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_allclose(one.vectors @ one.vectors.T, np.eye(6), atol=1e-12)
    np.testing.assert_array_equal(one.vectors, again.vectors)
    assert not np.allclose(one.vectors, other.vectors)
    np.testing.assert_allclose(one.scale, MOMENTS.std)
    np.testing.assert_array_equal(random_rotation(MOMENTS, standardised=False).scale, np.ones(6))
    assert one.share is not None
    assert one.share.sum() == pytest.approx(1)


def test_rotations_are_uniform() -> None:
    """An entry of a uniform rotation of three dimensions is uniform from -1 to 1 (Archimedes)."""
    moments = Moments(Address.parse("l0.c"), 9, np.zeros(3), np.eye(3))
    drawn = np.stack([random_rotation(moments, seed=seed).vectors for seed in range(400)])
    for place in np.ndindex(3, 3):
        assert kstest(drawn[:, *place], "uniform", (-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize("standardised", [True, False])
def test_a_completed_direction_reads_what_the_probe_reads(standardised: bool) -> None:
    model, text = random_network(0), dialogue(np.random.default_rng(0), 1_500)
    moments = signal_moments(model, text)
    weights = np.random.default_rng(3).normal(size=8)
    directions = complete_basis(weights, moments, standardised=standardised)
    with along(model, directions):
        trace = rnnscope.trace(model, text, signals=["c", "probe"])
    expected = (trace["l0.c"].values - moments.mean) @ weights
    found = trace["l0.probe.0"].values
    np.testing.assert_allclose(found / found.std(), expected / expected.std(), atol=1e-3)
    np.testing.assert_allclose(directions.vectors @ directions.vectors.T, np.eye(8), atol=1e-12)
    assert directions.share is not None
    in_units = trace["l0.probe"].values.var(axis=0)
    np.testing.assert_allclose(directions.share, in_units / in_units.sum(), rtol=1e-3)


def test_units_that_do_not_vary_are_not_scaled() -> None:
    covariance = np.diag([4.0, 0.0, 1e-30])
    moments = Moments(Address.parse("l0.c"), 9, np.zeros(3), covariance)
    np.testing.assert_array_equal(moments.scale, [2, 1, 1])


def test_what_is_no_direction_is_refused() -> None:
    for vector in (np.zeros(6), np.ones(5), "abc", [[1, 2], [3]], np.full(6, np.nan)):
        with pytest.raises(RecordingError):
            complete_basis(vector, MOMENTS)
    with pytest.raises(RecordingError, match="letters"):
        random_rotation(MOMENTS, name="")
    with pytest.raises(ArgumentError, match="seed"):
        random_rotation(MOMENTS, seed=-1)
    for make in (random_rotation, lambda moments: complete_basis(np.ones(6), moments)):
        with pytest.raises(RecordingError, match="The moments of a signal were expected.*got Directions"):
            make(random_rotation(MOMENTS))  # pyright: ignore[reportArgumentType]

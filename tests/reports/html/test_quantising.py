"""What a code says of a value."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnscope.reports.html.quantising import FINEST, NOTHING, quantise, step_sizes

from .decoding import restored

VALUES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 20), st.integers(1, 4)),
    elements=st.one_of(
        st.floats(-1, 1, width=32),
        st.floats(-(2.0**30), 2.0**30, width=32),
        st.sampled_from([0.0, 0.3, -0.3, float("nan"), float("inf"), -float("inf"), 1e-30]).map(np.float32),
    ),
)
LEVEL = st.sampled_from([0.3, float(np.arctanh(0.3)), 0.0])


def steps_for(values: np.ndarray, levels: int) -> np.ndarray:
    finite = np.where(np.isfinite(values), np.abs(values.astype(np.float64)), 0.0)
    return step_sizes(np.quantile(finite, 0.99, axis=0), finite.max(axis=0), levels)


@given(values=VALUES, levels=st.integers(1, FINEST), level=LEVEL)
@settings(max_examples=200, deadline=None)
def test_a_value_comes_back_to_within_a_step_and_on_its_side_of_the_threshold(
    values: np.ndarray, levels: int, level: float
) -> None:
    steps = steps_for(values, levels)
    codes = quantise(values, steps, level)
    back = restored(codes, steps)
    told = np.isfinite(values)
    assert (np.isnan(back) == ~told).all()
    assert ((codes.T == NOTHING) == ~told).all()
    error, allowed = np.abs(back - values)[told], np.broadcast_to(steps, values.shape)[told]
    assert (error <= allowed * (1 + 1e-9)).all()
    for sign in (1, -1):
        assert ((sign * back > level) == (sign * values > level))[told].all()


def test_only_what_is_near_the_threshold_is_more_than_half_a_step_away() -> None:
    values = np.linspace(-1, 1, 2001, dtype=np.float32)[:, None]
    steps = steps_for(values, 7)
    off = np.abs(restored(quantise(values, steps, 0.3), steps) - values)[:, 0] > steps[0] / 2 * 1.0001
    assert 0 < off.mean() < 0.2
    assert (np.abs(np.abs(values[off, 0]) - 0.3) < steps[0]).all()


def test_steps_reach_the_highest_value_and_are_short_to_write() -> None:
    rng = np.random.default_rng(0)
    reach = 10 ** rng.uniform(-8, 8, 500)
    highest = reach * 10 ** rng.uniform(0, 3, 500)
    for levels in (5, FINEST):
        steps = step_sizes(reach, highest, levels)
        assert (steps * FINEST >= highest).all()
        assert (steps >= reach / levels).all()
        assert (steps <= np.maximum(reach / levels, highest / FINEST) * 1.002).all()
        assert all(float(f"{step:.4g}") == step for step in steps)
        assert json.loads(json.dumps(steps.tolist())) == steps.tolist()


def test_a_unit_that_is_always_zero_has_a_step() -> None:
    steps = step_sizes(np.zeros(2), np.zeros(2), 7)
    assert (steps > 0).all()
    assert not quantise(np.zeros((3, 2), np.float32), steps, 0.3).any()


@pytest.mark.parametrize("levels", [5, 15, FINEST])
def test_each_unit_may_have_levels_of_its_own(levels: int) -> None:
    steps = step_sizes(np.ones(2), np.ones(2), np.array([levels, FINEST]))
    assert steps == pytest.approx([1 / levels, 1 / FINEST], rel=1e-3)

"""Colours mean the same everywhere: gates have fixed ranges, states are centred on zero."""

from __future__ import annotations

import numpy as np
import pytest

from rnnscope.reports.scale import Scale, is_gate, reach

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("gate", "low", "high"), [(gate, 0.0, 1.0) for gate in "ifozr"] + [(gate, -1.0, 1.0) for gate in "gn"]
)
def test_a_gate_has_the_same_range_whatever_its_values(gate: str, low: float, high: float) -> None:
    assert is_gate(gate)
    assert Scale.of(gate, RANDOM.normal(size=100)) == Scale.of(gate, np.zeros(3)) == Scale(low, high)


@pytest.mark.parametrize("state", ["h", "c"])
def test_a_state_is_centred_and_keeps_99_of_100_values(state: str) -> None:
    values = RANDOM.normal(3.0, 2.0, size=10_000)
    scale = Scale.of(state, values)
    assert not is_gate(state)
    assert scale.low == -scale.high
    assert np.mean(np.abs(values) <= scale.high) == pytest.approx(0.99, abs=1e-3)


def test_values_take_their_place_and_none_lies_outside() -> None:
    assert Scale(-2.0, 2.0).place(np.array([-9, -2, -1, 0, 1, 2, 9])).tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert Scale(0.0, 1.0).place(np.array([[0.0, 0.5]], dtype=np.float16)).tolist() == [[0.0, 0.5]]


def test_zero_all_along_is_the_middle() -> None:
    assert Scale.of("c", np.zeros(10)) == Scale(-1.0, 1.0)
    assert Scale.of("c", np.zeros(10)).place(np.zeros(2)).tolist() == [0.5, 0.5]


def test_low_is_purple_the_middle_white_high_orange() -> None:
    colours = Scale(-1.0, 1.0).rgb(np.array([[-1.0, 0.0, 1.0]]))
    assert colours.dtype == np.uint8 and colours.shape == (1, 3, 3)
    (low, middle, high) = colours[0].astype(int)
    assert low[2] > low[0] > low[1]
    assert middle.min() > 240
    assert high[0] > high[1] > high[2]


def test_steps_without_values_do_not_count() -> None:
    values = RANDOM.normal(size=(500, 3))
    gaps = np.full((2 * len(values), 3), np.nan)
    gaps[::2] = values
    np.testing.assert_array_equal(reach(gaps, axis=0), reach(values, axis=0))
    assert Scale.of("h", gaps[:, 0]) == Scale.of("h", values[:, 0])
    assert Scale.of("c", gaps[1::2]) == Scale(-1.0, 1.0)
    assert reach(gaps[1::2], axis=0).tolist() == [1.0, 1.0, 1.0]


def test_reach_is_taken_along_an_axis_and_is_1_where_all_is_zero() -> None:
    values = np.stack([np.linspace(-4, 4, 801), np.zeros(801)], axis=1)
    assert reach(values, axis=0) == pytest.approx([3.96, 1.0], abs=0.02)
    assert float(reach(np.full(5, -7.0))) == 7.0

"""Values that are read when they are asked for, against the arrays they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnscope
from rnnscope.errors import ProbeError
from rnnscope.probes import Activations
from rnnscope.probes.examples import activations
from rnnscope.probes.examples.activations import Columns, batches_of
from tests.handmade import dialogue, random_network

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.normal(size=(50, 4)).astype(np.float32), RNG.normal(size=(50, 3)).astype(np.float16)
BOTH = np.hstack((LEFT, RIGHT.astype(np.float32)))


def both(steps: np.ndarray) -> Activations:
    return Activations([Columns(LEFT, np.arange(4)), Columns(RIGHT, np.array([2, 0]))], steps)


rows = st.lists(st.integers(0, 29), max_size=20).map(lambda places: np.array(places, np.int64))
units = st.lists(st.integers(0, 5), max_size=8)


@settings(max_examples=40)
@given(rows, units)
def test_rows_and_units_are_those_of_the_array(rows: np.ndarray, units: list[int]) -> None:
    steps = np.arange(49, 19, -1)
    expected = BOTH[steps][:, [0, 1, 2, 3, 6, 4]]
    values = both(steps)
    assert values.shape == expected.shape == (30, 6)
    assert (values[rows] == expected[rows]).all()
    assert (np.asarray(values) == expected).all()
    assert (values.take(rows)[:] == expected[rows]).all()
    assert (values.of_units(units)[:] == expected[:, units]).all()
    assert (values.take(slice(3, 9)).of_units(units)[1:4] == expected[3:9][1:4][:, units]).all()


@pytest.mark.parametrize("size", [1, 7, 30, 100, None])
def test_batches_are_all_rows_in_their_order(size: int | None) -> None:
    values = both(np.arange(30))
    for source in (values, values[:]):
        parts = list(batches_of(source, size))
        assert [place for rows, _ in parts for place in range(*rows.indices(30))] == list(range(30))
        assert (np.concatenate([part for _, part in parts]) == values[:]).all()
        assert all(len(part) <= (size or 30) for _, part in parts)
    assert len(list(values.batches(7))) == 5


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_trace_on_a_disk_is_read_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Any
) -> None:
    text = dialogue(np.random.default_rng(0), 3_000)
    trace = rnnscope.trace(random_network(0), text, tmp_path / "t.zarr", dtype=dtype)
    array = trace["l0.c"]
    steps = np.random.default_rng(1).permutation(len(trace))[:500]
    values = Activations([Columns(array.variable, np.arange(8))], steps)
    expected = array.values.astype(np.float32)[steps]
    monkeypatch.setattr(activations, "_BLOCK", 100)
    assert values[:].dtype == np.float32
    assert (values[:] == expected).all()
    assert (values.of_units([5, 2])[10:90] == expected[10:90, [5, 2]]).all()
    reads: list[int] = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda array, key: reads.append(1) or read(array, key))
    assert values.take(np.arange(3)).shape == (3, 8)
    assert not reads


def test_what_is_no_row_is_refused() -> None:
    values = both(np.arange(30))
    with pytest.raises(ProbeError, match="slice or an array of places; got 3"):
        values[3]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="no array to share"):
        np.asarray(values, copy=False)
    assert np.asarray(values, dtype=np.float64).dtype == np.float64

"""A trace seen along directions: equal to a trace that was made along them, and read piece by piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import Directions, Trace
from rnnscope.errors import AddressError, RecordingError
from rnnscope.tracing.coordinates import _Coordinates
from tests.handmade import Quotes, dialogue, latch, random_network

TEXT = dialogue(np.random.default_rng(0), 1_200)


def rotated(signal: str, units: int = 8, count: int | None = None, name: str = "pc", seed: int = 0) -> Directions:
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(units, units)))[0][:count]
    return Directions(signal, name, vectors, rng.normal(size=units), rng.uniform(0.5, 2, units))


GIVEN = [rotated("l0.c"), rotated("l1.h", count=3, name="some"), rotated("l0.h", name="other", seed=1)]


@pytest.fixture(params=["memory", "disk"])
def trace(request: pytest.FixtureRequest, tmp_path: Path) -> Trace:
    model = random_network(0, layers=2)
    if request.param == "memory":
        return rnnscope.trace(model, [TEXT, "short"])
    rnnscope.trace(model, [TEXT, "short"], tmp_path / "t.zarr")
    return rnnscope.open_trace(tmp_path / "t.zarr")


def test_coordinates_are_those_of_a_trace_made_along_the_directions(trace: Trace) -> None:
    model = random_network(0, layers=2)
    with rnnscope.along(model, GIVEN):
        expected = rnnscope.trace(model, [TEXT, "short"])
    seen = trace.along(GIVEN)
    assert set(seen.addresses) == set(expected.addresses)
    assert [address.node for address in seen.addresses] == ["l0"] * 8 + ["l1"] * 7
    assert (seen.memory, seen.text, seen.path) == (trace.memory, trace.text, trace.path)
    for one in GIVEN:
        found, made = seen[one.address], expected[one.address]
        assert (found.dims, found.shape, found.dtype) == (("time", "unit"), made.shape, np.float32)
        np.testing.assert_allclose(found, made, atol=1e-5)
        np.testing.assert_allclose(seen[one.address.of(2)][100:110], made[100:110, 2], atol=1e-5)
        np.testing.assert_allclose(found[[5, 1, 900], [2, 0]], made[[5, 1, 900], [2, 0]], atol=1e-5)
        np.testing.assert_allclose(found.sel(unit=1)[7], made[7, 1], atol=1e-5)
    assert len(trace.addresses) == 12


def test_no_more_is_read_than_what_is_asked_for(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    read = _Coordinates._read
    monkeypatch.setattr(_Coordinates, "_read", lambda self, key: asked.append(key) or read(self, key))
    series = trace.along(GIVEN[0])["l0.pc.4"]
    assert asked == []
    assert series[10:13].values.shape == (3,)
    assert asked == [(slice(10, 13, 1), 4)]


def test_units_of_a_trace_are_searched_along_directions() -> None:
    trace = rnnscope.trace(latch(), TEXT, signals=["c"])
    seen = trace.along(rnnscope.principal_components(trace))
    found = rnnscope.find_units(seen, None, Quotes(), signals=["pc"])
    best: Any = found.table.loc["quotes", "unit"]
    assert found.table.loc["quotes", "score"] > 0.95
    assert rnnscope.explain(seen[best], [Quotes()]).best["formula"].endswith("quotes")


def test_a_layer_that_takes_no_step_has_no_coordinates() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(9, 4), nn.GRU(4, 5, bidirectional=True)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.rnn(self.embedding(tokens))[0]

    trace = rnnscope.trace(Both().eval(), "abc cba", characters=list("abc defgh"))
    directions = rotated("l0r.h", 5)
    values = (trace["l0r.h"].values - directions.mean) / directions.scale @ directions.vectors.T
    np.testing.assert_allclose(trace.along(directions)["l0r.pc"], values, atol=1e-5)


@pytest.mark.parametrize(
    ("directions", "error", "words"),
    [
        ([GIVEN[0], GIVEN[0]], RecordingError, "already"),
        (rotated("l0.c", name="h"), RecordingError, "already"),
        (rotated("l2.c"), AddressError, "no layer"),
        (rotated("l0.c", 5), RecordingError, "holds 8"),
        (3, RecordingError, "got int"),
        ("pc", RecordingError, "got str"),
    ],
)
def test_directions_that_a_trace_cannot_be_seen_along_are_refused(
    directions: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        rnnscope.trace(random_network(0, layers=2), TEXT[:50]).along(directions)


def test_a_trace_of_some_units_has_no_directions() -> None:
    trace = rnnscope.trace(random_network(0), TEXT[:50], units=[0, 1, 5])
    with pytest.raises(RecordingError, match="all units"):
        trace.along(rotated("l0.c", 3))

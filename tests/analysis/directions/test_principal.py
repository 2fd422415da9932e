"""Principal components against numpy's own, and what they are good for in experiments."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.analysis.directions.moments import signal_moments
from rnnscope.analysis.directions.principal import principal_components
from rnnscope.errors import AddressError, ArgumentError, ModelError, RecordingError, TextError
from rnnscope.recording.along import along
from rnnscope.recording.directions import Directions
from tests.handmade import Quotes, dialogue, latch, random_network

TEXT = dialogue(np.random.default_rng(0), 1_500)


def test_components_are_those_of_the_covariance() -> None:
    model = random_network(0)
    values = rnnscope.trace(model, TEXT)["l0.c"].values.astype(np.float64)
    found = principal_components(model, TEXT)
    _, singular, right = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs((found.vectors * right).sum(axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(found.mean, values.mean(axis=0), atol=1e-6)
    assert found.share is not None
    np.testing.assert_allclose(found.share, singular**2 / (singular**2).sum(), atol=1e-5)
    assert (found.vectors[np.arange(8), np.abs(found.vectors).argmax(axis=1)] > 0).all()
    with along(model, found):
        coordinates = rnnscope.trace(model, TEXT, signals=["l0.pc"])["l0.pc"].values
    covariance = np.cov(coordinates.T, bias=True)
    np.testing.assert_allclose(covariance / np.trace(covariance), np.diag(found.share), atol=1e-5)


def test_moments_of_a_trace_are_those_of_the_network_and_limit_is_the_beginning() -> None:
    model = random_network(0)
    trace = rnnscope.trace(model, [TEXT, TEXT[:700]])
    values = trace["l0.h"].values[:1_800].astype(np.float64)
    for found in (
        signal_moments(model, [TEXT, TEXT[:700]], "l0.h", limit=1_800),
        signal_moments(trace, signal="l0.h", limit=1_800),
    ):
        assert (found.steps, str(found.address)) == (1_800, "l0.h")
        np.testing.assert_allclose(found.covariance, np.cov(values.T, bias=True), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.std, values.std(axis=0), rtol=1e-4)
        vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
        shares = (((values - values.mean(axis=0)) / 2) @ vectors.T).var(axis=0)
        np.testing.assert_allclose(found.share(vectors, np.full(8, 2.0)), shares / shares.sum(), rtol=1e-3)


def test_the_default_signal_is_the_memory_of_the_top_layer() -> None:
    assert principal_components(random_network(0, layers=2), TEXT).signal == "l1.c"
    assert principal_components(random_network(0, "gru"), TEXT, components=2).signal == "l0.h"
    assert len(principal_components(random_network(0, "gru"), TEXT, components=2)) == 2
    trace = rnnscope.trace(random_network(0), TEXT, signals=["h", "c"])
    assert principal_components(trace).signal == "l0.c"


def test_components_are_searched_and_ablated_as_units_are() -> None:
    model = latch()
    found = principal_components(model, TEXT)
    with along(model, found):
        units = rnnscope.find_units(model, TEXT, Quotes(), signals=["c", "pc"])
        best = str(units.ranking("quotes", "pc").index[0])
        assert units.scores.loc[best, "quotes"] > 0.95 or units.scores.loc[best, "quotes"] < 0.05
        card = rnnscope.ablation(model, TEXT, best, Quotes(), controls=2, limit=800)
        assert card.what.startswith("the coordinate along pc of the cell state c itself, before h is made from it")
        row: Any = card.table.loc["ends"]
        assert row["change"] > 3
        assert all(control.startswith("l0.pc.") for control in card.controls.index)
        assert len(rnnscope.clamp_sweep(model, best, Quotes(), [0.5], samples=2, length=10).table) == 2
        with pytest.raises(AddressError, match="Units: 0 to 7"):
            rnnscope.ablation(model, TEXT, "l0.pc.8", Quotes())
        trace = rnnscope.trace(model, TEXT)
    assert trace[best].shape == (len(TEXT),)
    assert str(trace.memory) == "l0.c"
    assert rnnscope.explain(trace[best], [Quotes()]).best["formula"].endswith("quotes")


def test_the_ablation_of_an_identity_direction_is_that_of_the_unit() -> None:
    model = latch()
    same = Directions("l0.c", "same", np.eye(8), np.zeros(8))
    plain = rnnscope.ablation(model, TEXT, "l0.c.3", Quotes(), controls=2, limit=600)
    with along(model, same):
        found = rnnscope.ablation(model, TEXT, "l0.same.3", Quotes(), controls=2, limit=600)
    np.testing.assert_allclose(
        found.table.to_numpy(dtype=float), plain.table.to_numpy(dtype=float), rtol=1e-4, atol=1e-5
    )


def test_a_file_that_is_open_is_read() -> None:
    model = random_network(0)
    np.testing.assert_allclose(
        principal_components(model, rnnscope.File(io.BytesIO(TEXT.encode()))).vectors,
        principal_components(model, TEXT).vectors,
    )


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"text": "a"}, TextError, "at least two steps"),
        ({"text": ""}, TextError, "empty"),
        ({"text": Path("nowhere.txt")}, TextError, "nowhere"),
        ({"text": None}, RecordingError, "needs a text"),
        ({"signal": "l0.x"}, AddressError, "no signal"),
        ({"signal": "l0.c.3"}, AddressError, "one unit"),
        ({"components": 9}, ArgumentError, "8 units"),
        ({"components": 0}, ArgumentError, "at least 1"),
        ({"limit": 1}, ArgumentError, "at least 2"),
        ({"name": "c"}, RecordingError, "already"),
        ({"name": "p c"}, RecordingError, "letters"),
        ({"model": "prose-lstm"}, RecordingError, "rnnscope.load"),
    ],
)
def test_what_has_no_components_is_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    model = given.pop("model", random_network(0))
    with pytest.raises(error, match=message), along(model, principal_components(model, **{"text": TEXT, **given})):
        pass


def test_a_signal_that_does_not_vary_or_is_not_finite_has_no_components() -> None:
    model = random_network(0)
    for parameter in model.rnn.parameters():
        parameter.data.zero_()
    with pytest.raises(RecordingError, match="the same at all"):
        principal_components(model, TEXT)
    with pytest.raises(ModelError, match="training mode"):
        principal_components(random_network(0).train(), TEXT)
    with pytest.raises(AddressError, match=r"l0\.c, l1\.c"):
        principal_components(random_network(0, layers=2), TEXT, "c")
    broken: Any = random_network(0, "rnn")
    broken.rnn.weight_ih_l0.data[0] = torch.nan
    with pytest.raises(RecordingError, match="not finite"):
        principal_components(broken, TEXT)

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import CharLanguageModel, trained
from rnnscope.analysis.gates.autocorrelation import decay_lags
from rnnscope.analysis.gates.timescales import timescales
from rnnscope.analysis.gates.timescales_result import Timescales
from rnnscope.errors import ArgumentError, ModelError, RecordingError, TextError
from rnnscope.recording.recorder import record
from tests.analysis.gradients.linear import LinearModel
from tests.handmade import dialogue, latch
from tests.printing import printed

Make = Callable[..., CharLanguageModel]

TEXT = dialogue(np.random.default_rng(0), 600)


def brute_force_lag(series: np.ndarray, documents: list[int]) -> float:
    """Pair by pair, within documents."""
    pieces = np.split(series - series.mean(), np.cumsum(documents)[:-1])
    for lag in range(1, max(documents) // 2 + 1):
        pairs = [a * b for piece in pieces for a, b in zip(piece, piece[lag:], strict=False)]
        if np.mean(pairs) < series.var() / np.e:
            return lag
    return np.inf


@pytest.mark.parametrize("documents", [[200], [70, 30, 100], [40] * 5])
def test_the_autocorrelation_is_within_documents(documents: list[int]) -> None:
    rng = np.random.default_rng(0)
    series = np.zeros((200, 6))
    for step in range(1, 200):
        series[step] = np.array([0.0, 0.5, 0.8, 0.9, 0.97, 1.0]) * series[step - 1] + rng.normal(size=6)
    numbers = np.repeat(np.arange(len(documents)), documents)
    expected = [brute_force_lag(series[:, unit], documents) for unit in range(6)]
    np.testing.assert_array_equal(decay_lags(series, numbers), expected)
    assert len(set(expected)) > 3


def test_documents_that_differ_are_not_joined() -> None:
    series = np.concatenate((np.ones(50), -np.ones(50), np.ones(50)))[:, None]
    assert decay_lags(series, np.repeat([0, 1, 2], 50))[0] == np.inf
    assert np.isfinite(decay_lags(series, np.zeros(150, int))[0])
    assert np.isnan(decay_lags(np.ones((9, 1)), np.zeros(9, int))[0])


def test_an_ar_1_series_has_its_time_constant() -> None:
    rng, decay = np.random.default_rng(0), np.exp(-1 / 20)
    noise = rng.normal(size=200_000)
    series = np.zeros(200_000)
    for step in range(1, len(series)):
        series[step] = decay * series[step - 1] + noise[step]
    assert decay_lags(series[:, None], np.zeros(200_000, int))[0] == pytest.approx(20, abs=3)


@pytest.mark.parametrize(("cell", "gate", "memory"), [("lstm", "l0.f", "l0.c"), ("gru", "l0.z", "l0.h")])
def test_the_gate_says_how_long_a_unit_would_hold(make_model: Make, cell: str, gate: str, memory: str) -> None:
    model = make_model(cell=cell)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT))[:, None]
    with record(model) as recording, torch.no_grad():
        model(tokens)
    table: Any = timescales(model, TEXT).table
    assert set(table["signal"]) == {memory}
    np.testing.assert_allclose(table["forget"], -1 / recording[gate][:, 0].log().mean(dim=0), rtol=1e-3)
    expected = [brute_force_lag(recording[memory][:, 0, unit].numpy(), [len(TEXT)]) for unit in range(3)]
    np.testing.assert_allclose(table["autocorrelation"][:3], expected, atol=1)


def test_a_latch_that_toggles_lasts_longer_than_its_gate_says() -> None:
    table: Any = timescales(latch(unit=3), TEXT).table.set_index("unit")
    assert table["autocorrelation"][3] > 8
    assert table["forget"][3] < 3  # it is shut at each quote, by so much that the mean of ln f is all of that
    assert table["disagree"][3]


def test_units_that_leak_by_themselves_have_the_timescales_of_their_rates() -> None:
    torch.manual_seed(0)
    rates = torch.tensor([0.9, 0.5, 0.99, 1.0, 0.0])
    text = "".join(np.random.default_rng(0).choice(list("abcd"), 2000))
    table: Any = timescales(LinearModel(torch.diag(rates), tokens=4).eval(), text, characters="abcd").table
    np.testing.assert_allclose(table["jacobian"][:3], -1 / np.log(rates[:3].numpy()), rtol=1e-4)
    assert table["jacobian"][3] == np.inf
    assert table["jacobian"][4] == 0
    assert table["forget"].isna().all()
    np.testing.assert_allclose(table["autocorrelation"][:2], [10, 2], atol=2)
    assert not table["disagree"][[0, 1]].any()


def test_units_that_feed_each_other_outlast_their_gates(make_model: Make) -> None:
    model = make_model(cell="lstm", hidden_size=4)
    result: Any = timescales(model, TEXT)
    again = timescales(model, TEXT, seed=0)
    pd.testing.assert_frame_equal(result.table, again.table)
    assert np.isfinite(result.table["jacobian"]).all()


def test_where_the_ways_disagree(make_model: Make) -> None:
    result: Any = timescales(make_model(), TEXT)
    ways = result.table[["forget", "autocorrelation", "jacobian"]].clip(lower=1)
    np.testing.assert_allclose(result.table["ratio"], ways.max(axis=1) / ways.min(axis=1))
    assert (result.table["disagree"] == (result.table["ratio"] > 2)).all()
    assert (result.disagree["ratio"] > 2).all()
    assert result.disagree["ratio"].is_monotonic_decreasing
    assert len(result.disagree) == result.table["disagree"].sum()


def test_every_layer_and_direction_has_its_row(make_model: Make) -> None:
    result: Any = timescales(make_model(cell="rnn", layers=2), TEXT)
    assert list(result.summary.index) == ["l0.h", "l1.h"]
    assert result.table["forget"].isna().all()
    assert np.isfinite(result.table["jacobian"]).all()
    both: Any = timescales(make_model(cell="lstm", bidirectional=True), TEXT)
    assert list(both.summary.index) == ["l0.c", "l0r.c"]
    assert both.table["jacobian"].isna().all()
    assert both.table["forget"].notna().all()


def test_a_trace_has_the_same_but_no_jacobian(make_model: Make) -> None:
    model = make_model()
    traced: Any
    read: Any
    traced, read = timescales(rnnscope.trace(model, TEXT)).table, timescales(model, TEXT).table
    np.testing.assert_allclose(traced["forget"], read["forget"], rtol=1e-4)
    np.testing.assert_array_equal(traced["autocorrelation"], read["autocorrelation"])
    assert traced["jacobian"].isna().all()
    alone: Any = timescales(rnnscope.trace(model, TEXT, signals=["h"])).table
    assert set(alone["signal"]) == {"l0.h"}
    assert alone["ratio"].isna().all()


def test_an_open_file_is_read_once(make_model: Make) -> None:
    found = timescales(make_model(), rnnscope.File(io.BytesIO(TEXT.encode()))).table
    pd.testing.assert_frame_equal(found, timescales(make_model(), TEXT).table)


def test_it_prints_and_draws_itself(make_model: Make) -> None:
    for cell, panels in (("lstm", 3), ("rnn", 1)):
        result = timescales(make_model(cell=cell), TEXT)
        text = printed(result)
        assert "12 units" in text
        assert max(map(len, text.splitlines())) <= 80
        axes = result.plot()
        assert len(axes) == panels
        assert axes[0].get_xscale() == "log"
    empty = pd.DataFrame(
        {"signal": "l0.h", "unit": [0], "forget": np.nan, "autocorrelation": np.nan, "jacobian": np.nan}
    ).assign(ratio=np.nan, disagree=False)
    Timescales(100, empty).plot()


def test_what_has_no_timescale_is_refused(make_model: Make) -> None:
    with pytest.raises(TextError, match="at least 100 steps; the text has 5"):
        timescales(make_model(), "abcde")
    with pytest.raises(TextError, match="at least 100 steps; the text has 50"):
        timescales(make_model(), TEXT, limit=50)
    with pytest.raises(ArgumentError, match="limit is a whole number of at least 1; got 'a'"):
        timescales(make_model(), TEXT, limit="a")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="seed is a whole number"):
        timescales(make_model(), TEXT, seed=-1)
    with pytest.raises(ModelError, match="got str"):
        timescales("model.pt", TEXT)  # pyright: ignore
    with pytest.raises(RecordingError, match="no recurrent layer"):
        timescales(nn.Linear(2, 2), TEXT)
    with pytest.raises(ModelError, match="training mode"):
        timescales(make_model().train(), TEXT)
    broken = make_model()
    broken.rnn.weight_ih_l0.data[0, 0] = torch.nan  # pyright: ignore
    with pytest.raises(RecordingError, match="finite"):
        timescales(broken, TEXT)


def test_a_trace_without_values_is_refused() -> None:
    trace = rnnscope.trace(latch(), TEXT)
    trace["l0.c"].values[:] = np.nan
    with pytest.raises(TextError, match="l0.c: no value in these 660 steps; take a longer text"):
        timescales(trace)


def test_a_network_of_numbers_is_read_as_far_as_its_jacobian_needs() -> None:
    forecaster = rnnscope.load(trained.path("brent-forecaster"))
    series = np.cumsum(np.random.default_rng(0).normal(size=250)) + 100
    rows = [rnnscope.timescales(forecaster, series, limit=limit).table for limit in (150, 250)]
    assert all(np.isfinite(table["jacobian"]).all() for table in rows)
    assert not np.allclose(rows[0]["jacobian"], rows[1]["jacobian"])
    captioner = rnnscope.load(trained.path("digit-captioner"))
    images = np.random.default_rng(0).random((40, 64), np.float32)
    assert not np.isnan(rnnscope.timescales(captioner, images, limit=103).table["jacobian"]).any()

"""The forecaster against the equations, its forecasts against time, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import checkpoint
from rnnscope.errors import ModelError, RecipeError
from rnnscope.models import forecaster
from rnnscope.models.forecaster import Forecaster, ForecasterConfig, changes_of, normal_nats
from tests import equations

VALUES = np.random.default_rng(0).uniform(5, 9, 40)
SHAPES = [{"cell": "lstm"}, {"cell": "gru", "layers": 2}, {"cell": "rnn", "dropout": 0.5}]


def make_forecaster(**config: Any) -> Forecaster:
    torch.manual_seed(0)
    options: dict[str, Any] = {"hidden_size": 6, **config}
    model = Forecaster(ForecasterConfig(**options)).eval()
    model.standardise(0.01, 0.2)
    with torch.no_grad():
        model.head.weight.normal_()
        model.head.bias.normal_()
    return model


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("logarithmic", [True, False])
def test_the_distributions_are_those_of_the_equations(shape: dict[str, Any], logarithmic: bool) -> None:
    model = make_forecaster(logarithmic=logarithmic, **shape)
    read = [0.0]
    for before, after in zip(VALUES, VALUES[1:], strict=False):
        change = np.log(after / before) if logarithmic else after - before
        read.append((change - 0.01) / 0.2)
    zeros = np.zeros((model.config.layers, 1, 6))
    signals = equations.network(model.rnn, np.array(read)[:, None, None], [zeros, zeros])
    h = signals[f"l{model.config.layers - 1}.h"][:, 0]
    out = h @ model.head.weight.detach().double().numpy().T + model.head.bias.detach().double().numpy()
    mean, deviation = model.predict_changes(VALUES)
    np.testing.assert_allclose(mean, 0.01 + 0.2 * out[:, 0], atol=1e-6)
    np.testing.assert_allclose(deviation, 0.2 * np.exp(out[:, 1] / 2), rtol=1e-5)
    expected = VALUES * np.exp(mean) if logarithmic else VALUES + mean
    np.testing.assert_allclose(model.forecast(VALUES.tolist()), expected, rtol=1e-12)


def test_forecasts_do_not_know_what_comes() -> None:
    model = make_forecaster(layers=2)
    whole = model.forecast(VALUES)
    for length in (1, 2, 17):
        np.testing.assert_allclose(model.forecast(VALUES[:length]), whole[:length], rtol=1e-5)


@pytest.mark.parametrize("window", [1, 7, 40])
def test_a_long_series_is_read_in_pieces_with_the_state_carried(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    model = make_forecaster()
    whole = model.forecast(VALUES)
    monkeypatch.setattr(forecaster, "_WINDOW", window)
    np.testing.assert_allclose(model.forecast(VALUES), whole, rtol=1e-5)


def test_log_returns_know_no_unit_of_price() -> None:
    model = make_forecaster()
    np.testing.assert_allclose(model.forecast(VALUES * 159), model.forecast(VALUES) * 159, rtol=1e-5)


def test_an_untrained_network_expects_the_mean_change() -> None:
    torch.manual_seed(0)
    model = Forecaster(ForecasterConfig(hidden_size=4, logarithmic=False))
    model.standardise(3.0, 2.0)
    mean, deviation = model.predict_changes(VALUES)
    assert mean == pytest.approx(3.0) and deviation == pytest.approx(2.0)


def test_nats_are_those_of_a_normal_distribution() -> None:
    changes, mean, log_variance = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)).double()
    expected = -torch.distributions.Normal(mean, (log_variance / 2).exp()).log_prob(changes)
    torch.testing.assert_close(normal_nats(changes, mean, log_variance), expected)


def test_a_checkpoint_keeps_the_scale_and_the_kind_of_change(tmp_path: Path) -> None:
    model = make_forecaster(logarithmic=False)
    checkpoint.save(tmp_path / "model.pt", model, {})
    again = rnnscope.load(tmp_path / "model.pt")
    assert isinstance(again, Forecaster)
    assert again.config == model.config and again.vocabularies == {}
    np.testing.assert_array_equal(again.forecast(VALUES), model.forecast(VALUES))


def test_its_layers_can_be_recorded() -> None:
    model = make_forecaster(cell="gru")
    with rnnscope.record(model) as recording:
        model.forecast(VALUES)
    assert recording["l0.z"].shape == (40, 1, 6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "at least one finite number"),
        ([[1.0, 2.0]], r"shape \(1, 2\)"),
        ([1.0, np.nan, np.inf], "2 numbers that are not finite"),
        ([1.0, 0.0], "the smallest is 0.*logarithmic = false"),
        ([1.0, -2.5], "the smallest is -2.5"),
    ],
)
def test_what_is_no_series_of_prices_is_refused(values: list[float], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        make_forecaster().forecast(values)


def test_differences_may_go_below_zero() -> None:
    np.testing.assert_allclose(changes_of([1.0, -2.5, 0.0], logarithmic=False), [-3.5, 2.5])
    np.testing.assert_allclose(changes_of([1.0, np.e, np.e**3], logarithmic=True), [1, 2])


def test_reading_the_future_is_refused() -> None:
    with pytest.raises(RecipeError, match="bidirectional"):
        ForecasterConfig(bidirectional=True)

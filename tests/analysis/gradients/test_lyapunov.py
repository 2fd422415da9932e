from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rnnscope import CharLanguageModel
from rnnscope.analysis.gradients.lyapunov import LyapunovSpectrum, lyapunov_spectrum
from rnnscope.analysis.gradients.step import step_of
from rnnscope.errors import ArgumentError, ModelError, TextError
from tests.printing import printed

from .linear import LinearModel, normal_matrix

Make = Callable[..., CharLanguageModel]

TEXT = "abcdefghij 'a bad cab', \"if aged\". " * 10
SHORT: dict[str, Any] = {"steps": 40, "warmup": 10, "sequences": 4}


def test_a_linear_network_has_the_logarithms_of_its_eigenvalues() -> None:
    moduli = [1.1, 1.1, 0.7, 0.5, 0.2]
    model = LinearModel(normal_matrix(moduli)).eval()
    result: Any = lyapunov_spectrum(model, "abc" * 200, characters="abc", steps=40, warmup=90, sequences=3)
    np.testing.assert_allclose(result.exponents, np.log(moduli), atol=1e-4)
    assert (result.table["standard_error"] < 1e-4).all()


def test_a_matrix_that_is_not_normal_needs_a_warm_up() -> None:
    matrix = torch.tensor([[0.9, 5.0, -3.0], [0.0, 0.6, 4.0], [0.0, 0.0, 0.3]])
    model = LinearModel(matrix).eval()
    result: Any = lyapunov_spectrum(model, "abc" * 200, characters="abc", steps=40, warmup=90, sequences=3)
    np.testing.assert_allclose(result.exponents, np.log([0.9, 0.6, 0.3]), atol=1e-4)


@pytest.mark.parametrize("options", [{"cell": "lstm"}, {"cell": "gru"}, {"cell": "lstm", "layers": 2}], ids=str)
def test_all_exponents_sum_up_to_the_mean_log_determinant(make_model: Make, options: dict[str, Any]) -> None:
    model = make_model(**options)
    result: Any = lyapunov_spectrum(model, TEXT[:60], exponents=None, steps=50, warmup=0, sequences=1)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT[:51]))
    with torch.no_grad():
        _, state = model(tokens[:1, None])
        assert model.embedding is not None
        x = model.embedding(tokens[1:]).double()
    parts = [part.double() for part in (state if isinstance(state, tuple) else (state,))]  # pyright: ignore
    states = tuple(part[layer] for layer in range(model.config.layers) for part in parts)
    step, logs = step_of(model.rnn), []
    for x_t in x:
        states, slopes = step(x_t[None], states)
        jacobian = step.push(slopes, torch.eye(result.size, dtype=torch.float64)[None])
        logs.append(torch.linalg.slogdet(jacobian[0])[1].item())
    assert len(result.exponents) == result.size
    assert result.exponents.sum() == pytest.approx(np.mean(logs), rel=1e-4)


def test_the_first_exponents_are_those_of_the_whole_spectrum(make_model: Make) -> None:
    options: dict[str, Any] = {"steps": 60, "warmup": 150, "sequences": 1}
    few = lyapunov_spectrum(make_model(), TEXT, exponents=2, **options)
    every = lyapunov_spectrum(make_model(), TEXT, exponents=None, **options)
    np.testing.assert_allclose(few.exponents, every.exponents[:2], atol=0.02)


def test_the_standard_error_is_over_sequences(make_model: Make) -> None:
    result: Any = lyapunov_spectrum(make_model(), TEXT, exponents=3, **SHORT)
    assert result.values.shape == (4, 3)
    expected = np.std(result.values, axis=0, ddof=1) / 2
    np.testing.assert_allclose(result.table["standard_error"], expected)
    one: Any = lyapunov_spectrum(make_model(), TEXT, exponents=3, steps=40, warmup=10, sequences=1)
    assert one.table["standard_error"].isna().all()
    again = lyapunov_spectrum(make_model(), TEXT, exponents=3, **SHORT)
    np.testing.assert_array_equal(result.values, again.values)


def spectrum(*exponents: float, size: int | None = None) -> LyapunovSpectrum:
    table = pd.DataFrame({"exponent": exponents, "standard_error": 0.0}, index=range(1, len(exponents) + 1))
    return LyapunovSpectrum(("l0.h",), 1, 0, np.array([exponents]), size or len(exponents), table)


def test_the_dimension_is_that_of_kaplan_and_yorke() -> None:
    assert spectrum(0.2, 0.0, -0.5).dimension == pytest.approx(2.4)
    assert spectrum(-0.1, -0.2).dimension == 0
    assert spectrum(0.2, -0.1).dimension == 2
    assert np.isnan(spectrum(0.2, -0.1, size=5).dimension)


def test_a_dead_network_has_lost_every_direction(make_model: Make) -> None:
    model = make_model(cell="rnn", nonlinearity="relu")
    model.rnn.bias_ih_l0.data[:] = -100.0  # pyright: ignore
    result: Any = lyapunov_spectrum(model, TEXT, exponents=3, **SHORT)
    assert np.isneginf(result.exponents).all()
    assert result.table["standard_error"].isna().all()
    assert result.dimension == 0
    result.plot()
    assert "-inf" in printed(result)


def test_it_prints_and_draws_itself(make_model: Make) -> None:
    result: Any = lyapunov_spectrum(make_model(), TEXT, exponents=12, **SHORT)
    text = printed(result)
    assert "12 of 24 exponents of l0.h, l0.c, over 4 sequences of 40 steps" in text
    assert f"{result.exponents[0]:+.4f}" in text
    assert result.plot().get_title() == "Lyapunov spectrum"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequences": 100}, "100 sequences of 50 steps each, warm-up included, were asked for; the text of 350"),
        ({"steps": 0}, "steps is a whole number of at least 1"),
        ({"exponents": 0}, "exponents is"),
        ({"warmup": -1}, "warmup is a whole number of at least 0"),
        ({"steps": 2.5}, "steps is a whole number"),
        ({"seed": "a"}, "seed is a whole number"),
        ({"limit": 10}, "has 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(make_model: Make, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ArgumentError, TextError), match=message):
        lyapunov_spectrum(make_model(), TEXT, **{**SHORT, **options})
    with pytest.raises(ModelError, match="training mode"):
        lyapunov_spectrum(make_model().train(), TEXT, **SHORT)

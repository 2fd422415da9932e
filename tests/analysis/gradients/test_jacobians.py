from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import jacrev

from rnnscope import CTRNN, CharLanguageModel
from rnnscope.analysis.gradients import jacobians
from rnnscope.analysis.gradients.jacobians import state_jacobians
from rnnscope.analysis.gradients.step import step_of
from rnnscope.cells import CELLS
from rnnscope.errors import ArgumentError, ModelError, RecordingError, TextError
from rnnscope.recording.recorder import record
from tests.printing import printed
from tests.recording.networks import PROJECTION_WARNING

from .linear import LinearModel, normal_matrix

TEXT = "abcdefghij 'a bad cab', \"if aged\". " * 3
"""Some of the alphabet of `make_model`."""

CELL_OPTIONS = [
    {"cell": "rnn"},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "gru"},
    {"cell": "lstm"},
    {"cell": "rnn", "layers": 2},
    {"cell": "gru", "layers": 2, "bias": False},
    {"cell": "lstm", "layers": 2},
    {"cell": "lstm", "proj_size": 5},
    {"cell": "lstm", "proj_size": 5, "layers": 2},
]

Make = Callable[..., CharLanguageModel]


def states_after(model: CharLanguageModel, x: Tensor) -> tuple[Callable[[Tensor], Tensor], int]:
    """PyTorch's own module in float64 as a function from all states to all states, layer by layer; their size."""
    config = model.config
    kind: Any = CELLS[config.cell].module
    options = {"nonlinearity": config.nonlinearity} if config.cell == "rnn" else {"proj_size": config.proj_size}
    options = {} if config.cell == "gru" else options
    module = kind(x.shape[-1], config.hidden_size, config.layers, bias=config.bias, **options).double()
    module.load_state_dict(model.rnn.state_dict())
    module.requires_grad_(False)
    sizes = [config.proj_size or config.hidden_size, config.hidden_size][: len(CELLS[config.cell].states)]

    def after(state: Tensor) -> Tensor:
        parts = [layer.split(sizes) for layer in state.split(sum(sizes))]
        given = [torch.stack(one)[:, None] for one in zip(*parts, strict=True)]
        _, last = module(x[:, None], tuple(given) if len(given) > 1 else given[0])
        together = last if isinstance(last, tuple) else (last,)
        return torch.cat([part[layer, 0] for layer in range(config.layers) for part in together])

    return after, sum(sizes) * config.layers


def one_place(model: CharLanguageModel, steps: int) -> tuple[str, Tensor, Tensor]:
    """A text with one place for a lag of so many steps; the state there, and what is read from there on."""
    text = TEXT[: steps + 1]
    tokens = torch.from_numpy(model.vocabulary.encode(text))
    with torch.no_grad():
        _, state = model(tokens[:1, None])
        assert model.embedding is not None
        x = model.embedding(tokens[1:]).double()
    parts = state if isinstance(state, tuple) else (state,)
    flat = torch.cat([part[layer, 0] for layer in range(model.config.layers) for part in parts])  # pyright: ignore
    return text, flat.double(), x


@pytest.mark.filterwarnings(PROJECTION_WARNING)
@pytest.mark.parametrize("options", CELL_OPTIONS, ids=str)
@pytest.mark.parametrize("steps", [1, 7])
def test_the_jacobian_is_that_of_the_full_state_by_torch_func(
    make_model: Make, options: dict[str, Any], steps: int
) -> None:
    model = make_model(**options)
    text, state, x = one_place(model, steps)
    after, size = states_after(model, x)
    expected = jacrev(after)(state)
    step = step_of(model.rnn)
    parts = state[None].split([part.shape[-1] for part in state_parts(model, state)], dim=-1)
    found = torch.eye(size, dtype=torch.float64)[None]
    for x_t in x:
        parts, slopes = step(x_t[None], parts)
        found = step.push(slopes, found)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-12)
    values = state_jacobians(model, text, lags=[steps], places=1).singular_values[0, 0]
    np.testing.assert_allclose(np.exp(np.nan_to_num(values, nan=-np.inf)), torch.linalg.svdvals(expected), atol=1e-7)


def state_parts(model: CharLanguageModel, state: Tensor) -> list[Tensor]:
    config = model.config
    sizes = [config.proj_size or config.hidden_size, config.hidden_size][: len(CELLS[config.cell].states)]
    return list(state.split(sizes * config.layers))


def test_the_cell_state_counts(make_model: Make) -> None:
    model = make_model(cell="lstm")
    text, state, x = one_place(model, 5)
    after, _ = states_after(model, x)
    units = model.config.hidden_size
    without_c = torch.linalg.matrix_norm(jacrev(after)(state)[:units, :units], 2).log().item()
    result: Any = state_jacobians(model, text, lags=[5], places=1)
    assert result.signals == ("l0.h", "l0.c")
    assert result.singular_values.shape[-1] == 2 * units
    assert result.singular_values[0, 0, 0] > without_c + 0.1


@pytest.mark.parametrize("columns", [1, 200])
def test_few_columns_and_many_are_pushed_to_the_same(make_model: Make, columns: int) -> None:
    for cell in ("gru", "lstm"):
        model = make_model(cell=cell, layers=2, hidden_size=20)
        model.requires_grad_(False)
        _, state, x = one_place(model, 1)
        step = step_of(model.rnn)
        states = state[None].split([20] * (len(state) // 20), dim=-1)
        _, slopes = step(x, states)
        differences = torch.randn(1, len(state), columns, dtype=torch.float64)
        together = step.push(slopes, differences)
        jacobian = step.push(slopes, torch.eye(len(state), dtype=torch.float64)[None])
        np.testing.assert_allclose(together, jacobian @ differences, rtol=1e-9, atol=1e-12)


class Loop(nn.Module):
    """Token ids of shape (time, batch), and a cell in somebody's own loop."""

    def __init__(self, cell: nn.Module, inputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, inputs)
        self.cell = cell

    def forward(self, tokens: Tensor) -> Tensor:
        state, outputs = None, []
        for x in self.embedding(tokens):
            state = self.cell(x, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs)


class Whole(nn.Module):
    """The same with a layer that is called with whole sequences."""

    def __init__(self, layer: nn.Module, inputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, inputs)
        self.layer = layer

    def forward(self, tokens: Tensor) -> Tensor:
        return self.layer(self.embedding(tokens))[0]


def test_a_cell_in_a_loop_is_the_layer_of_its_weights() -> None:
    torch.manual_seed(0)
    cell, layer = nn.LSTMCell(3, 5), nn.LSTM(3, 5)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    loop, whole = Loop(cell, 3).eval(), Whole(layer, 3).eval()
    whole.embedding = loop.embedding
    one, other = (
        state_jacobians(model, "abcd" * 10, lags=[1, 4], places=5, characters="abcd") for model in (loop, whole)
    )
    np.testing.assert_allclose(one.singular_values, other.singular_values, rtol=1e-4)


@pytest.mark.parametrize("form", ["potential", "rate"])
def test_any_cell_with_an_adapter(form: Any) -> None:
    torch.manual_seed(0)
    layer = CTRNN(3, 6, tau=40.0, nonlinearity="tanh", form=form)
    model = Whole(layer, 3).eval()
    text = "abcdabcd"
    result: Any = state_jacobians(model, text, lags=[3], places=1, characters="abcd", limit=4)
    tokens = torch.tensor([0, 1, 2, 3])
    with record(model) as recording, torch.no_grad():
        model(tokens[:, None])
    layer, x = layer.double().requires_grad_(False), model.embedding(tokens).detach().double()
    names = ("h", "rate") if form == "potential" else ("h",)
    state = torch.cat([recording[f"l0.{name}"][0, 0].double() for name in names])

    def after(state: Tensor) -> Tensor:
        return torch.cat([part[0] for part in run(tuple(part[None] for part in state.split(6)))])

    def run(states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        last = layer(x[1:, None], states)[1]
        return last if isinstance(last, tuple) else (last,)

    found = np.exp(np.nan_to_num(result.singular_values[0, 0], nan=-np.inf))
    np.testing.assert_allclose(found, torch.linalg.svdvals(jacrev(after)(state)), atol=1e-7)


def test_a_linear_network_has_the_slope_of_its_spectral_radius() -> None:
    model = LinearModel(normal_matrix([0.9, 0.9, 0.7, 0.5, 0.2])).eval()
    result: Any = state_jacobians(model, "abc" * 100, lags=[1, 3, 30, 200], places=6, characters="abc")
    assert result.slope == pytest.approx(np.log(0.9), abs=1e-6)
    assert result.slope_error == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(result.singular_values[0, 0], np.log([0.9, 0.9, 0.7, 0.5, 0.2]), atol=1e-6)
    np.testing.assert_allclose(result.table["median"], np.log(0.9) * np.array([1, 3, 30, 200]), atol=1e-4)


def test_a_product_below_what_a_float_can_hold_is_measured() -> None:
    model = LinearModel(normal_matrix([0.01, 0.01, 0.002])).eval()
    result: Any = state_jacobians(model, "abc" * 100, lags=[1, 250], places=2, characters="abc")
    assert result.table["median"][250] == pytest.approx(250 * np.log(0.01), rel=1e-5)
    assert np.isnan(result.table["rank_2"]).sum() == 0


def test_a_relu_network_that_is_dead_has_no_slope(make_model: Make) -> None:
    model = make_model(cell="rnn", nonlinearity="relu")
    model.rnn.bias_ih_l0.data[:] = -100.0  # pyright: ignore
    result: Any = state_jacobians(model, TEXT, lags=[1, 2], places=3)
    assert np.isneginf(result.table["median"]).all()
    assert np.isnan(result.slope)
    result.plot()
    printed(result)


def test_the_same_seed_takes_the_same_places(make_model: Make) -> None:
    one, same, other = (state_jacobians(make_model(), TEXT, lags=[1], places=5, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.singular_values, same.singular_values)
    assert not np.array_equal(one.singular_values, other.singular_values)


def test_wide_states_are_measured_at_fewer_places(make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT * 2
    narrow = state_jacobians(make_model(), text, lags=[1])
    assert len(narrow.singular_values) == 50
    monkeypatch.setattr(jacobians, "_NARROW", 16)
    wide = state_jacobians(make_model(), text, lags=[1])  # of 24 units
    assert len(wide.singular_values) == round(50 * (16 / 24) ** 3)
    np.testing.assert_array_equal(wide.singular_values[[0, -1]], narrow.singular_values[[0, -1]])
    monkeypatch.setattr(jacobians, "_NARROW", 1)
    assert len(state_jacobians(make_model(), text, lags=[1]).singular_values) == 5


def test_places_do_not_reach_across_documents(make_model: Make) -> None:
    with pytest.raises(TextError, match="5 places with 20 steps after each were asked for; the text of 60"):
        state_jacobians(make_model(), [TEXT[:20]] * 3, lags=[20], places=5)
    one, other = (
        state_jacobians(make_model(), texts, lags=[19], places=1).singular_values
        for texts in ([TEXT[:5], TEXT[:20]], TEXT[:20])
    )
    np.testing.assert_array_equal(one, other)


def test_the_bound_lies_above_the_curve(make_model: Make) -> None:
    model = make_model(cell="rnn")
    result: Any = state_jacobians(model, TEXT, lags=[1, 5, 20], places=20)
    assert result.bound is not None
    norms = result.singular_values[:, :, 0]
    assert (norms <= result.bound["log_bound"].iloc[0] * np.array([1, 5, 20]) + 1e-6).all()
    left, right = result.plot()
    assert len(left.get_lines()) == 3
    assert len(right.get_lines()) == 3
    assert "Bound of l0" in printed(result)
    lstm = state_jacobians(make_model(), TEXT, lags=[1, 5], places=3)
    assert lstm.bound is None
    assert len(lstm.plot()[0].get_lines()) == 2


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.GRU(3, 4), nn.GRU(4, 4)


def bad(make_model: Make) -> Iterator[tuple[Any, dict[str, Any], type[Exception], str]]:
    model = make_model()
    yield model, {"lags": [100_000]}, TextError, "Give a longer text, or smaller lags"
    yield model, {"lags": [0, 1]}, ArgumentError, "lags are whole numbers of at least 1"
    yield model, {"lags": []}, ArgumentError, "lags are whole numbers"
    yield model, {"places": 0}, ArgumentError, "places is a whole number of at least 1"
    yield model, {"places": 2.5}, ArgumentError, "places is a whole number"
    yield model, {"lags": 5}, ArgumentError, "whole numbers of at least 1; got 5"
    yield model, {"lags": [1.5]}, ArgumentError, "whole numbers"
    yield model, {"limit": 1}, TextError, "has 0"
    yield model, {"limit": 2.5}, ArgumentError, "limit is a whole number"
    yield model, {"seed": -1}, ArgumentError, "seed is a whole number"
    yield make_model(bidirectional=True), {}, ModelError, "bidirectional"
    yield make_model().train(), {}, ModelError, "training mode"
    yield nn.Linear(2, 3).eval(), {}, RecordingError, "holds no recurrent layer"
    yield Twice().eval(), {}, ModelError, "has 2: one, two"
    yield "model.pt", {}, RecordingError, "an nn.Module; got str"
    broken = make_model()
    broken.rnn.weight_hh_l0.data[0, 0] = torch.nan  # pyright: ignore
    yield broken, {}, ModelError, "not finite"


def test_what_cannot_be_measured_is_refused(make_model: Make) -> None:
    for model, options, error, message in bad(make_model):
        with pytest.raises(error, match=message):
            state_jacobians(model, TEXT, **{"lags": [1, 2], "places": 3, **options})
    with pytest.raises(TextError, match="empty"):
        state_jacobians(make_model(), "")
    with pytest.raises(TextError):
        state_jacobians(make_model(), Path("nowhere.txt"))

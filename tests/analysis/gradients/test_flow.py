"""Gradient flow against brute-force autograd, one target at a time, and against what is known by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.gradients import windows
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.analysis.gradients.flow_result import GradientFlow
from rnnscope.errors import AddressError, ArgumentError, ModelError, RecordingError, TextError
from rnnscope.models import LanguageModelConfig
from tests.handmade import ALPHABET, dialogue, latch, random_network

Make = Callable[..., CharLanguageModel]

TEXT = "abc, 'def' ghij.\n" * 5

STACKS = {
    "rnn": {"cell": "rnn"},
    "relu": {"cell": "rnn", "nonlinearity": "relu"},
    "rnn-2": {"cell": "rnn", "layers": 2},
    "gru": {"cell": "gru"},
    "gru-2": {"cell": "gru", "layers": 2},
    "gru-bare": {"cell": "gru", "bias": False, "layers": 3},
    "lstm": {"cell": "lstm"},
    "lstm-2": {"cell": "lstm", "layers": 2, "dropout": 0.5},
    "lstm-projected": {"cell": "lstm", "layers": 2, "proj_size": 4},
    "lstm-bare": {"cell": "lstm", "bias": False, "embedding_size": 0},
    "lstm-tied": {"cell": "lstm", "hidden_size": 6, "embedding_size": 6, "tied": True},
}


def brute_force(model: CharLanguageModel, text: str, targets: list[int], lags: list[int]) -> dict[str, np.ndarray]:
    """Norms by signal, of shape (target, lag): the text is read anew for each target."""
    tokens = torch.from_numpy(model.vocabulary.encode(text))
    found: dict[str, list[list[float]]] = {}
    for target in targets:
        with rnnscope.unroll(model, ["c", "h"] if model.config.cell == "lstm" else ["h"]) as recording:
            logits, _ = model(tokens[: target + 1, None])
        loss = functional.cross_entropy(logits[-1], tokens[target + 1 : target + 2])
        for address in recording:
            nodes = [recording.steps(address)[target - lag] for lag in lags]
            gradients = torch.autograd.grad(loss, nodes, retain_graph=True)
            found.setdefault(str(address), []).append([gradient.norm().item() for gradient in gradients])
    return {signal: np.array(rows) for signal, rows in found.items()}


@pytest.mark.parametrize("stack", STACKS)
def test_norms_are_those_of_autograd(make_model: Make, stack: str) -> None:
    model = make_model(**STACKS[stack]).double()
    targets, lags = [30, 41, 42, 83], [0, 1, 2, 5, 17, 30]
    flow = gradient_flow(model, TEXT, lags=lags, targets=targets)
    expected = brute_force(model, TEXT, targets, lags)
    assert set(flow.signals) == set(expected)
    for signal, norms in expected.items():
        np.testing.assert_allclose(flow.norms[signal], norms, rtol=1e-10)


@pytest.mark.parametrize("stack", ["rnn", "gru-2", "lstm-2"])
def test_norms_in_float32_are_those_of_autograd(make_model: Make, stack: str) -> None:
    model = make_model(**STACKS[stack], hidden_size=16)
    targets, lags = [20, 33, 50], [0, 1, 3, 8, 20]
    flow = gradient_flow(model, TEXT, lags=lags, targets=targets)
    for signal, norms in brute_force(model, TEXT, targets, lags).items():
        np.testing.assert_allclose(flow.norms[signal], norms, rtol=1e-5)


def test_windows_in_groups_give_what_they_give_together(make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(cell="gru", layers=2).double()
    text = [TEXT * 3, "a", TEXT, "ab" * 4 + TEXT, TEXT]
    places = [9, 10, 11, 60, 61, 90, 200, 258 + 20, 258 + 70, 354 + 7 + 60]
    whole = gradient_flow(model, text, lags=7, targets=places)
    monkeypatch.setattr(windows, "_CHUNK", 16)
    for values in (1, 1_000, 2_600, 4_000):
        monkeypatch.setattr(windows, "_VALUES", values)
        parts = gradient_flow(model, text, lags=7, targets=places)
        np.testing.assert_allclose(parts.losses, whole.losses, rtol=1e-12)
        for name in ("norms", "along", "rest"):
            for signal, norms in getattr(whole, name).items():
                np.testing.assert_allclose(getattr(parts, name)[signal], norms, rtol=1e-10)


def test_each_document_is_read_from_a_zero_state(make_model: Make) -> None:
    model = make_model(cell="lstm").double()
    flow = gradient_flow(model, [TEXT, TEXT], lags=6, targets=[40, 85 + 40])
    for norms in flow.norms.values():
        np.testing.assert_allclose(norms[0], norms[1], rtol=1e-12)


@pytest.mark.parametrize(("stack", "state", "gate"), [("lstm-2", "c", "f"), ("gru-2", "h", "z")])
def test_the_path_along_the_state_is_the_product_of_its_gates(
    make_model: Make, stack: str, state: str, gate: str
) -> None:
    model, lags, target = make_model(**STACKS[stack]).double(), [0, 1, 4, 9], 50
    flow = gradient_flow(model, TEXT, lags=lags, targets=[target])
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT))
    with rnnscope.unroll(model) as recording:
        logits, _ = model(tokens[: target + 1, None])
    loss = functional.cross_entropy(logits[-1], tokens[target + 1 : target + 2])
    assert sorted(flow.along) == [f"l0.{state}", f"l1.{state}"]
    for signal in flow.along:
        nodes = recording.steps(signal)
        gates = recording[f"{signal.split('.')[0]}.{gate}"].detach()
        gradients = torch.autograd.grad(loss, [nodes[target - lag] for lag in lags], retain_graph=True)
        for place, (lag, gradient) in enumerate(zip(lags, gradients, strict=True)):
            along = gradients[0] * gates[target - lag + 1 : target + 1].prod(dim=0)
            assert flow.along[signal][0, place] == pytest.approx(along.norm().item(), rel=1e-10)
            assert flow.rest[signal][0, place] == pytest.approx((gradient - along).norm().item(), rel=1e-8, abs=1e-15)


def test_a_latch_keeps_its_gradient_along_c() -> None:
    model = latch().double()
    text = 'ab:"' + "abc. " * 20 + '"'
    target = len(text) - 2
    flow = gradient_flow(model, text, lags=90, targets=[target])
    along = flow.along["l0.c"][0]
    assert along[90] == pytest.approx(along[60], rel=1e-5)
    assert along[90] > 0.1
    assert flow.summary.loc["l0.c", "half_life"] == math.inf
    assert math.isnan(flow.summary.loc["l0.c", "vanishes"])


def relu_network(matrix: Tensor) -> CharLanguageModel:
    """A relu network whose states are all above zero, so that it is linear."""
    model = random_network(0, "rnn", units=len(matrix))
    model = CharLanguageModel(
        LanguageModelConfig(cell="rnn", nonlinearity="relu", hidden_size=len(matrix), embedding_size=0),
        model.vocabulary,
    )
    model = model.double().eval()
    stack: Any = model.rnn
    stack.weight_hh_l0.data = matrix.double()
    stack.weight_ih_l0.data.abs_()
    stack.bias_ih_l0.data.fill_(0.1)
    return model


def test_the_slope_of_a_linear_network_is_the_log_of_the_spectral_radius() -> None:
    torch.manual_seed(1)
    matrix = torch.rand(6, 6, dtype=torch.float64)
    for radius in (0.9, 1.02):
        scaled = matrix * radius / torch.linalg.eigvals(matrix).abs().max()
        flow = gradient_flow(relu_network(scaled), ALPHABET * 40, lags=range(100, 201), targets=20)
        assert flow.summary.loc["l0.h", "slope"] == pytest.approx(math.log(radius), abs=1e-4)


def test_gradients_beyond_the_range_of_the_type_are_known(make_model: Make) -> None:
    model = relu_network(torch.full((4, 4), 1e-3)).float()
    flow = gradient_flow(model, ALPHABET * 10, lags=60, targets=8)
    double = gradient_flow(model.double(), ALPHABET * 10, lags=60, targets=8)
    np.testing.assert_allclose(flow.norms["l0.h"], double.norms["l0.h"], rtol=1e-5)
    row = flow.summary.loc["l0.h"]
    assert row["zero"] == 0
    assert 0.7 < row["below"] < 0.9
    assert row["vanishes"] == 3


def test_what_is_exactly_zero_is_counted_and_does_not_disturb() -> None:
    model = relu_network(torch.zeros(4, 4))
    flow = gradient_flow(model, ALPHABET * 10, lags=5, targets=7)
    table = flow.table.set_index("lag")
    assert table["median"].iloc[1:].tolist() == [-math.inf] * 5
    assert table["zero"].tolist() == [0, 1, 1, 1, 1, 1]
    row = flow.summary.loc["l0.h"]
    assert row["vanishes"] == 1
    assert math.isnan(row["half_life"])
    assert math.isnan(row["slope"])
    flow.plot()


def test_random_targets_have_their_windows_and_a_seed(make_model: Make) -> None:
    model = make_model(cell="rnn")
    flow = gradient_flow(model, dialogue(np.random.default_rng(0), 400), lags=50, targets=20, limit=300)
    assert len(np.unique(flow.targets)) == 20
    assert flow.targets.min() >= 50
    assert flow.targets.max() <= 298
    assert "the first 300 of" in flow.text
    other = gradient_flow(model, dialogue(np.random.default_rng(0), 400), lags=50, targets=20, limit=300, seed=1)
    assert (flow.targets != other.targets).any()
    every = gradient_flow(model, TEXT, lags=80, targets=1000)
    assert every.targets.tolist() == [80, 81, 82, 83]


def test_unknown_characters_are_read(make_model: Make) -> None:
    assert np.isfinite(gradient_flow(make_model(), "éü" * 20, lags=5, targets=5).losses).all()


def nan_at(model: CharLanguageModel, name: str) -> CharLanguageModel:
    next(p for n, p in model.named_parameters() if n == name).data[0, 0] = math.nan
    return model


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lags": 84}, TextError, "needs 86 characters of one document"),
        ({"lags": -1}, ArgumentError, "lags is a whole number of at least 0; got -1"),
        ({"lags": 2.5}, ArgumentError, "lags are whole numbers"),
        ({"lags": []}, ArgumentError, "lags are whole numbers"),
        ({"lags": [1, -2]}, ArgumentError, "lags are whole numbers"),
        ({"targets": 0, "lags": 5}, ArgumentError, "at least 1"),
        ({"targets": [3], "lags": 5}, TextError, "Step 3 can be no target at a lag of 5"),
        ({"targets": [84], "lags": 5}, TextError, "Those that have: 5 to 83"),
        ({"targets": "ab", "lags": 5}, ArgumentError, "targets are whole numbers"),
        ({"seed": -1, "lags": 5}, ArgumentError, "seed"),
        ({"limit": 1, "lags": 5}, ArgumentError, "limit"),
        ({"loss": lambda logits, tokens: logits.mean(), "lags": 5}, ModelError, "Do not average"),
        ({"loss": 3, "lags": 5}, ModelError, "loss is a callable"),
        ({"loss": lambda logits, tokens: 1.0, "lags": 5}, ModelError, "got float"),
        ({"loss": lambda logits, tokens: logits.detach()[:, 0], "lags": 5}, ModelError, "without a graph"),
    ],
)
def test_bad_options(make_model: Make, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gradient_flow(make_model(cell="rnn"), TEXT, **options)


def test_bad_networks(make_model: Make) -> None:
    with pytest.raises(ModelError, match="needs one of each step: loss="):
        gradient_flow(nn.GRU(3, 4).eval(), torch.zeros(10, 1, 3), lags=2)
    with pytest.raises(ModelError, match="bidirectional"):
        gradient_flow(make_model(bidirectional=True), TEXT, lags=2)
    with pytest.raises(ModelError, match="training mode"):
        gradient_flow(make_model().train(), TEXT, lags=2)
    with pytest.raises(ModelError, match="training mode"):
        gradient_flow(nn.GRU(3, 4), torch.zeros(10, 1, 3), lags=2, loss=lambda output, x: output.sum(dim=-1))
    with pytest.raises(ModelError, match="both directions"):
        gradient_flow(
            nn.GRU(3, 4, bidirectional=True).eval(), torch.zeros(9, 1, 3), lags=2, loss=lambda o, x: o[..., 0]
        )
    with pytest.raises(ModelError, match="batch_first"):
        gradient_flow(nn.GRU(3, 4, batch_first=True).eval(), torch.zeros(9, 1, 3), lags=2, loss=lambda o, x: o[..., 0])
    with pytest.raises(RecordingError, match="an nn.Module"):
        gradient_flow(3, TEXT, loss=lambda output, x: output)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TextError, match="first axis is time"):
        gradient_flow(nn.GRU(3, 4).eval(), "abc", lags=2, loss=lambda output, x: output.sum(dim=-1))
    options: dict[str, Any]
    for options, message in (({}, r"got one of shape \(0, 1, 3\)"), ({"limit": 0}, "limit is a whole number")):
        empty = torch.zeros(10 * len(options), 1, 3)
        with pytest.raises((ArgumentError, TextError), match=message):
            gradient_flow(nn.GRU(3, 4).eval(), empty, lags=2, loss=lambda o, x: o.sum(dim=-1), **options)


def test_losses_that_are_no_numbers(make_model: Make) -> None:
    with pytest.raises(ModelError, match="The loss is nan at target 5, before any gradient"):
        gradient_flow(nan_at(make_model(cell="gru"), "head.weight"), TEXT, lags=5)


def flow_of(model: CharLanguageModel, targets: Any = 10, lags: int = 20) -> GradientFlow:
    return gradient_flow(model, TEXT, lags=lags, targets=targets)


def test_a_map_is_of_targets_in_a_row(make_model: Make) -> None:
    flow = flow_of(make_model(layers=2), range(30, 50))
    axes = flow.map("l1.c")
    mesh: Any = axes.collections[0]
    np.testing.assert_allclose(mesh.get_array(), np.log10(flow.norms["l1.c"]).T, rtol=1e-6)
    assert flow.characters == TEXT[30:50]
    with pytest.raises(AddressError, match="There are: l0.h, l0.c, l1.h, l1.c"):
        flow.map("l2.h")
    with pytest.raises(ModelError, match="follow each other"):
        flow_of(make_model(), [30, 32]).map("l0.h")

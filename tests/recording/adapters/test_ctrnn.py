"""The continuous-time RNN against its published equations in a plain loop."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.errors import ArgumentError, InterventionError
from tests.equations import sigmoid

FUNCTIONS: dict[str, Any] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.log1p(np.exp(x)),
}
FORMS: tuple[Literal["potential", "rate"], ...] = ("potential", "rate")


def make(**options: Any) -> rnnscope.CTRNN:
    torch.manual_seed(0)
    return rnnscope.CTRNN(3, 4, **{"tau": torch.tensor([40, 100, 20, 1000]).double(), **options}).double()


def published(layer: rnnscope.CTRNN, x: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
    V, W, b = (w.detach().numpy() for w in (layer.input.weight, layer.recurrent.weight, layer.input.bias))
    f, alpha, rows = FUNCTIONS[layer.nonlinearity], np.array([0.5, 0.2, 1.0, 0.02]), []
    for x_t in x:
        if layer.form == "potential":
            h = (1 - alpha) * h + alpha * (f(h) @ W.T + x_t @ V.T + b)
        else:
            h = (1 - alpha) * h + alpha * f(h @ W.T + x_t @ V.T + b)
        rows.append(h)
    h = np.stack(rows)
    return {"h": h, "rate": f(h)} if layer.form == "potential" else {"h": h}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nonlinearity", FUNCTIONS)
def test_every_signal_equals_the_loop(form: str, nonlinearity: str) -> None:
    layer = make(form=form, nonlinearity=nonlinearity)
    x = torch.randn(30, 2, 3, dtype=torch.float64)
    expected = published(layer, x.numpy(), np.zeros((2, 4)))
    plain, last = layer(x)
    for context in (rnnscope.record, rnnscope.unroll):
        with context(layer) as recording:
            output, last_after = layer(x)
        torch.testing.assert_close((output, last_after), (plain, last), rtol=0, atol=0)
        assert {str(address) for address in recording} == {f"l0.{name}" for name in expected}
        for name, values in expected.items():
            np.testing.assert_allclose(recording[f"l0.{name}"].detach().numpy(), values, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(plain.detach().numpy(), list(expected.values())[-1], atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_reading_on_with_the_state_equals_reading_at_once(form: str) -> None:
    layer = make(form=form, nonlinearity="sigmoid", batch_first=True)
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    whole, last = layer(x)
    with rnnscope.record(layer) as recording:
        layer(x)
        at_once = recording["l0.h"]
        first, state = layer(x[:, :4])
        second, state = layer(x[:, 4:], state)
    torch.testing.assert_close(torch.cat((first, second), dim=1), whole)
    torch.testing.assert_close(state, last)
    torch.testing.assert_close(recording["l0.h"], at_once[4:])


@pytest.mark.parametrize("form", FORMS)
def test_one_sequence_without_a_batch_axis(form: str) -> None:
    layer = make(form=form, batch_first=True)
    x = torch.randn(9, 3, dtype=torch.float64)
    together, last = layer(x.unsqueeze(0))
    for context in (rnnscope.record, rnnscope.unroll):
        with context(layer) as recording:
            _, state = layer(x[:4])
            alone, state = layer(x[4:], state)
        torch.testing.assert_close(alone, together[0, 4:])
        torch.testing.assert_close(recording["l0.h"][-1], last[0] if form == "potential" else last)


@pytest.mark.parametrize("form", FORMS)
def test_unrolled_gradients_are_those_of_the_layer(form: str) -> None:
    layer = make(form=form, nonlinearity="tanh")
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    expected = torch.autograd.grad(layer(x)[0].square().sum(), tuple(layer.parameters()))
    with rnnscope.unroll(layer) as recording:
        loss = layer(x)[0].square().sum()
    torch.testing.assert_close(torch.autograd.grad(loss, tuple(layer.parameters()), retain_graph=True), expected)
    assert len(torch.autograd.grad(loss, recording.steps("l0.h"))) == 9


def test_a_silenced_unit_is_neither_heard_by_others_nor_put_out() -> None:
    layer = make(nonlinearity="softplus")
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    state = (torch.zeros(2, 4).double(), torch.zeros(2, 4).double())
    with rnnscope.record(layer) as recording, rnnscope.intervene(layer, {"l0.rate.1": rnnscope.ablate()}):
        output, _ = layer(x, state)
    layer.recurrent.weight.data[:, 1] = 0
    deaf, (h, _) = layer(x, state)
    deaf = deaf.detach().clone()
    deaf[..., 1] = 0
    torch.testing.assert_close(output.detach(), deaf)
    torch.testing.assert_close(recording["l0.h"][-1], h.detach())


def test_the_rates_go_two_ways() -> None:
    layer = make(nonlinearity="sigmoid")
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    state = (torch.zeros(2, 4).double(), torch.zeros(2, 4).double())
    _, last = layer(x, state)
    with rnnscope.intervene(layer, {"l0.rate": rnnscope.ablate(on="above")}):
        output, last_after = layer(x, state)
    assert not output.any()
    torch.testing.assert_close(last_after, last)
    with rnnscope.intervene(layer, {"l0.rate": rnnscope.ablate(on="recurrence")}):
        output, (h, rate) = layer(x, state)
    assert not rate.any()
    layer.recurrent.weight.data.zero_()
    deaf, (h_deaf, _) = layer(x, state)
    torch.testing.assert_close((output, h), (deaf, h_deaf))


def test_of_the_potential_there_is_no_way_above() -> None:
    layer = make()
    for on in ("above", "recurrence"):
        with pytest.raises(InterventionError, match=rf"on='{on}' can be said of l0.rate alone, .* got l0.h.2"):
            with rnnscope.intervene(layer, {"l0.h.2": rnnscope.ablate(on=on)}):
                pass


def test_with_alpha_one_it_is_the_vanilla_rnn() -> None:
    layer = make(form="rate", nonlinearity="tanh", tau=20.0)
    rnn = torch.nn.RNN(3, 4).double()
    ours = (layer.input.weight, layer.recurrent.weight, layer.input.bias, torch.zeros(4))
    for theirs, value in zip(rnn.parameters(), ours, strict=True):
        theirs.data.copy_(value)
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0], rnn(x)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": 10.0}, "dt is positive and not longer"),
        ({"dt": 0.0}, "dt is positive"),
        ({"tau": [100.0, 100.0]}, "tau is one number or 4"),
        ({"tau": float("nan")}, "dt is positive"),
        ({"nonlinearity": "cos"}, "nonlinearity is relu, tanh, sigmoid or softplus; got 'cos'"),
        ({"form": "spikes"}, "form is potential or rate; got 'spikes'"),
    ],
)
def test_an_option_without_meaning_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(**options)

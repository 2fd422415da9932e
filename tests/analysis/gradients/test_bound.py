from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.gradients.bound import recurrent_bound
from rnnscope.errors import ModelError, RecordingError

Make = Callable[..., CharLanguageModel]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_bound_is_the_largest_singular_value(make_model: Make, nonlinearity: str) -> None:
    model = make_model(cell="rnn", nonlinearity=nonlinearity, layers=2)
    rnn: Any = model.rnn
    rnn.weight_hh_l1.data *= 1.7 * torch.rand(12, 12)
    table: Any = recurrent_bound(model)
    assert list(table.index) == ["l0", "l1"]
    sigma = np.linalg.svd(rnn.weight_hh_l1.detach().double().numpy())[1][0]
    assert table["sigma"]["l1"] == pytest.approx(sigma)
    assert table["gamma"].eq(1).all()
    assert table["log_bound"]["l1"] == pytest.approx(np.log(sigma))
    assert table["log_bound"]["l0"] == pytest.approx(0, abs=1e-6)  # its first weights are orthogonal


def test_a_sigmoid_lets_a_quarter_through() -> None:
    layer = rnnscope.CTRNN(3, 5, tau=1.0, dt=1.0, nonlinearity="sigmoid", form="rate")
    table: Any = recurrent_bound(layer)
    sigma = torch.linalg.matrix_norm(layer.recurrent.weight.detach(), 2).item()
    assert table["gamma"]["l0"] == 0.25
    assert table["log_bound"]["l0"] == pytest.approx(np.log(sigma / 4), abs=1e-5)


def test_a_leak_is_no_vanilla_rnn() -> None:
    with pytest.raises(ModelError, match="got CTRNN"):
        recurrent_bound(rnnscope.CTRNN(3, 5, tau=2.0, dt=1.0, nonlinearity="sigmoid", form="rate"))


def test_cells_in_a_loop_and_both_directions_have_theirs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.both = nn.RNNCell(2, 3), nn.RNN(3, 4, bidirectional=True)

    table: Any = recurrent_bound(Two())
    assert list(table.index) == ["cell.l0", "both.l0", "both.l0r"]


def test_a_network_without_recurrence_is_bounded_by_nothing_at_all(make_model: Make) -> None:
    model = make_model(cell="rnn")
    model.rnn.weight_hh_l0.data[:] = 0.0  # pyright: ignore
    table: Any = recurrent_bound(model)
    assert table["log_bound"]["l0"] == -np.inf


def test_other_cells_are_refused(make_model: Make) -> None:
    for cell in ("gru", "lstm"):
        with pytest.raises(ModelError, match="vanilla RNN"):
            recurrent_bound(make_model(cell=cell))
    with pytest.raises(RecordingError):
        recurrent_bound(nn.Linear(2, 2))
    model = make_model(cell="rnn")
    model.rnn.weight_hh_l0.data[0, 0] = torch.nan  # pyright: ignore
    with pytest.raises(ModelError, match="not finite"):
        recurrent_bound(model)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope import CTRNN, CharLanguageModel, MinGRU, SequenceClassifier
from rnnscope.analysis.gates.saturation import Counts, Saturation, saturation
from rnnscope.errors import ModelError, RecordingError, TextError
from rnnscope.recording.recorder import record
from tests.handmade import dialogue, latch
from tests.printing import printed

Make = Callable[..., CharLanguageModel]

TEXT = dialogue(np.random.default_rng(0), 600)


def loud(model: CharLanguageModel) -> CharLanguageModel:
    """With weights so large that gates saturate now and then."""
    for parameter in model.rnn.parameters():
        parameter.data *= 6
    return model


def gates_of(model: CharLanguageModel, text: str) -> dict[str, np.ndarray]:
    """By address, of shape (time, unit), from one plain reading."""
    tokens = torch.from_numpy(model.vocabulary.encode(text))[:, None]
    with record(model) as recording, torch.no_grad():
        model(tokens)
    return {str(address): recording[address][:, 0].numpy() for address in recording}


def brute_force(model: CharLanguageModel, text: str, gates: list[str]) -> pd.DataFrame:
    """A comparison for each unit and step."""
    rows = []
    signals = gates_of(model, text)
    for gate in gates:
        for unit in range(signals[gate].shape[1]):
            left = sum(value < 0.1 for value in signals[gate][:, unit]) / len(text)
            right = sum(value > 0.9 for value in signals[gate][:, unit]) / len(text)
            rows.append({"signal": gate, "unit": unit, "left": left, "right": right})
    return pd.DataFrame(rows)


def assert_same(result: Saturation, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(result.table, expected, check_dtype=False, atol=2e-3)


@pytest.mark.parametrize(
    ("options", "gates"),
    [
        ({"cell": "lstm"}, ["l0.i", "l0.f", "l0.o"]),
        ({"cell": "gru", "layers": 2}, ["l0.r", "l0.z", "l1.r", "l1.z"]),
        ({"cell": "gru", "bidirectional": True}, ["l0.r", "l0.z", "l0r.r", "l0r.z"]),
    ],
)
def test_shares_of_time_are_counted_unit_by_unit(make_model: Make, options: dict[str, Any], gates: list[str]) -> None:
    model = loud(make_model(**options))
    expected: Any = brute_force(model, TEXT, gates)
    assert 0.02 < expected["left"].mean() < 0.9
    assert_same(saturation(model, TEXT), expected)


def last_window_only(signals: dict[str, np.ndarray], gate: str, window: int) -> np.ndarray:
    """A mistake of public code: the gates of each window replace those of the one before."""
    right = np.zeros(0)
    for start in range(0, len(signals[gate]), window):
        right = (signals[gate][start : start + window] > 0.9).mean(axis=0)
    return right


def over_units(signals: dict[str, np.ndarray], gate: str) -> np.ndarray:
    """Another: the share of units at each step, instead of the share of steps for each unit."""
    return (signals[gate] > 0.9).mean(axis=1)


def test_all_of_a_text_counts_and_not_its_last_window_alone(make_model: Make) -> None:
    model, text = loud(make_model(alphabet='abcd .:"\n')), "abcd" * 300 + "...." * 25
    right = brute_force(model, text, ["l0.f"])["right"].to_numpy()
    mistaken = last_window_only(gates_of(model, text), "l0.f", 100)
    found = saturation(model, text).table.query("signal == 'l0.f'")["right"].to_numpy()
    assert np.abs(mistaken - right).max() > 0.3
    np.testing.assert_allclose(found, right, atol=2e-3)


def test_the_mean_is_over_time_and_not_over_units() -> None:
    model = latch(unit=3)
    right = brute_force(model, TEXT, ["l0.f"])["right"].to_numpy()
    mistaken = over_units(gates_of(model, TEXT), "l0.f")
    found = saturation(model, TEXT).table.query("signal == 'l0.f'")["right"].to_numpy()
    assert found.shape == right.shape != mistaken.shape
    assert mistaken.max() < found.max() - 0.3  # no step has all units open, yet the latch is open nearly always
    np.testing.assert_allclose(found, right, atol=2e-3)
    assert found[3] == pytest.approx(1 - TEXT.count('"') / len(TEXT), abs=1e-3)


def test_a_value_out_of_range_is_noted() -> None:
    counts = Counts(4)
    counts.update(torch.rand(100, 4))
    assert (counts.steps, counts.leaves) == (100, False)
    counts.update(torch.full((1, 4), -0.5))
    assert counts.leaves


def test_a_trace_has_the_same(make_model: Make) -> None:
    model = loud(make_model())
    traced = saturation(rnnscope.trace(model, TEXT))
    pd.testing.assert_frame_equal(traced.table, saturation(model, TEXT).table, atol=2e-3)
    some = saturation(rnnscope.trace(model, TEXT, units=[2, 5]))
    assert list(some.table["unit"]) == [2, 5] * 3


def test_other_tasks_are_read_whole() -> None:
    torch.manual_seed(0)
    config = SequenceClassifier.config_type(cell="lstm", hidden_size=4, embedding_size=3, bidirectional=True)
    model = SequenceClassifier.build(config, {"characters": tuple("abc "), "labels": ("no", "yes")}).eval()
    result = saturation(model, ["abc", "cab abc", "b"])
    assert result.steps == 11
    assert list(result.summary.index) == ["l0.i", "l0.f", "l0.o", "l0r.i", "l0r.f", "l0r.o"]


class Reader(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.embedding, self.layer = nn.Embedding(4, 3), layer

    def forward(self, tokens: Tensor) -> Tensor:
        return self.layer(self.embedding(tokens))[0]


def test_gates_of_other_cells_are_those_that_stay_between_0_and_1() -> None:
    torch.manual_seed(0)
    result = saturation(Reader(MinGRU(3, 6)).eval(), "abcd" * 20, characters="abcd")
    assert list(result.summary.index) == ["l0.z"]


def test_the_summary_counts_units_that_are_mostly_saturated() -> None:
    table = pd.DataFrame({"signal": "l0.f", "unit": range(4), "left": [0.95, 0, 0, 0], "right": [0, 1, 0.95, 0.9]})
    row = Saturation(10, table).summary.loc["l0.f"]
    assert (row["left_saturated"], row["right_saturated"], row["units"]) == (0.25, 0.5, 4)
    assert row["left"] == pytest.approx(0.2375)


def test_it_prints_and_draws_itself(make_model: Make) -> None:
    result = saturation(loud(make_model(layers=2)), TEXT)
    text = printed(result)
    assert "l1.f" in text
    assert max(map(len, text.splitlines())) <= 80
    panels = result.plot()
    assert [panel.get_title() for panel in panels] == ["gate i", "gate f", "gate o"]
    assert panels[0].get_xlabel() == "share of time above 0.9"
    assert panels[0].get_legend() is None
    legend = panels[-1].get_legend()
    assert legend is not None
    assert [entry.get_text() for entry in legend.get_texts()] == ["l0", "l1"]


def test_what_has_no_gate_is_refused(make_model: Make) -> None:
    with pytest.raises(ModelError, match="has states alone.*vanilla RNN has no gate"):
        saturation(make_model(cell="rnn"), TEXT)
    with pytest.raises(ModelError, match="states alone"):
        saturation(Reader(CTRNN(3, 4)).eval(), "abcd", characters="abcd")
    with pytest.raises(ModelError, match="got str"):
        saturation("model.pt", TEXT)  # pyright: ignore
    with pytest.raises(RecordingError, match="no recurrent layer"):
        saturation(nn.Linear(2, 2), TEXT)
    with pytest.raises(TextError, match="empty"):
        saturation(make_model(), "")
    with pytest.raises(ModelError, match="training mode"):
        saturation(make_model().train(), TEXT)
    with pytest.raises(RecordingError, match="needs a text"):
        saturation(make_model())
    broken = make_model()
    broken.rnn.weight_ih_l0.data[0, 0] = torch.nan  # pyright: ignore
    with pytest.raises(RecordingError, match="finite"):
        saturation(broken, TEXT)

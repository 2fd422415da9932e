"""Traces of modules that anybody wrote: token ids in, whatever comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import rnnscope
from rnnscope.errors import ModelError, RecordingError, RnnscopeError, TextError
from tests.recording.networks import PROJECTION_WARNING, Loop

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

CHARACTERS = "abcdefg"
TEXT = "abcabcgfedcba" * 20
IDS = [CHARACTERS.index(character) for character in TEXT]


class Network(nn.Module):
    """An embedding, a recurrent layer and a head over what it puts out."""

    def __init__(self, layer: nn.Module, width: int = 6, tokens: int = len(CHARACTERS)) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(CHARACTERS), 3)
        self.layer = layer
        self.head = nn.Linear(width, tokens)

    def forward(self, tokens: Tensor) -> Any:
        output, state = self.layer(self.embedding(tokens))
        return self.head(output), state


class Alone(Network):
    """Logits and nothing else."""

    def forward(self, tokens: Tensor) -> Any:
        return super().forward(tokens)[0]


class Classifier(Network):
    """One answer a text."""

    def forward(self, tokens: Tensor) -> Any:
        return super().forward(tokens)[0][-1]


def logits_of(network: nn.Module, batch_axis: int) -> Tensor:
    with torch.no_grad():
        returned = network(torch.tensor(IDS).unsqueeze(batch_axis))
    return (returned[0] if isinstance(returned, tuple) else returned).squeeze(batch_axis)


def assert_expected(trace: rnnscope.Trace, logits: Tensor) -> None:
    """That nll and guesses are those of the logits one step before."""
    root = trace.tree.dataset
    costs = functional.cross_entropy(logits[:-1], torch.tensor(IDS[1:]), reduction="none")
    assert np.isnan(root["nll"].values[0])
    np.testing.assert_allclose(root["nll"].values[1:], costs, atol=1e-5)
    assert trace.tree.attrs["mean_nll"] == pytest.approx(costs.mean().item(), abs=1e-5)
    odds, ranked = logits[:-1].softmax(dim=-1).topk(5)
    np.testing.assert_array_equal(root["guess"].values[1:], ranked)
    np.testing.assert_allclose(root["guess_probability"].values[1:], odds, atol=1e-6)
    assert root["guess"].values[0].tolist() == [-1] * 5


def assert_nothing_expected(trace: rnnscope.Trace) -> None:
    root = trace.tree.dataset
    assert np.isnan(root["nll"]).all()
    assert root["guess"].shape == root["guess_probability"].shape == (len(trace), 0)
    assert trace.tree.attrs["mean_nll"] is None


LAYERS: dict[str, Any] = {
    "rnn": lambda **options: nn.RNN(3, 6, **options),
    "gru": lambda **options: nn.GRU(3, 6, 2, **options),
    "lstm": lambda **options: nn.LSTM(3, 6, 2, **options),
    "minGRU": lambda **options: rnnscope.MinGRU(3, 6, **options),
}


@pytest.mark.parametrize("make", [Network, Alone])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("layer", LAYERS)
def test_signals_and_costs_are_those_of_a_plain_pass(make: Any, batch_first: bool, layer: str) -> None:
    network = make(LAYERS[layer](batch_first=batch_first)).eval()
    batch_axis = 0 if batch_first else 1
    trace = rnnscope.trace(network, TEXT, characters=CHARACTERS)
    with rnnscope.record(network) as recording:
        network(torch.tensor(IDS).unsqueeze(batch_axis))
    assert trace.addresses == tuple(recording)
    for address in recording:
        np.testing.assert_allclose(trace[address], recording[address][:, 0], atol=2e-6)
    assert_expected(trace, logits_of(network, batch_axis))
    assert trace.text == TEXT
    assert trace.characters == tuple(CHARACTERS)
    assert trace.tree.attrs["model"] == make.__name__


@pytest.mark.parametrize("layer", [nn.LSTM(3, 6, batch_first=True), Loop(nn.GRUCell(3, 6))], ids=["layer", "loop"])
def test_documents_are_read_one_by_one(layer: nn.Module) -> None:
    network = Network(layer).eval()
    texts = ["abc", "gf", "abcdefgabc"]
    trace = rnnscope.trace(network, texts, characters=CHARACTERS)
    alone = [rnnscope.trace(network, text, characters=CHARACTERS) for text in texts]
    for address in trace.addresses:
        np.testing.assert_array_equal(trace[address], np.concatenate([one[address] for one in alone]))
    for name in ("token", "step", "nll", "guess"):
        expected = np.concatenate([one.tree.dataset[name] for one in alone])
        np.testing.assert_array_equal(trace.tree.dataset[name], expected)
    assert trace.tree.dataset["document"].values.tolist() == [0] * 3 + [1] * 2 + [2] * 10


@pytest.mark.parametrize("cell", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_a_cell_in_a_loop_is_traced(cell: Any) -> None:
    network = Network(Loop(cell(3, 6))).eval()
    trace = rnnscope.trace(network, TEXT, characters=CHARACTERS)
    with rnnscope.record(network) as recording:
        network(torch.tensor(IDS).unsqueeze(1))
    for address in recording:
        np.testing.assert_allclose(trace[address], recording[address][:, 0], atol=1e-6)
    assert_expected(trace, logits_of(network, 1))


def test_modules_with_several_layers_have_a_node_for_each() -> None:
    class Two(Network):
        def __init__(self) -> None:
            super().__init__(nn.LSTM(3, 4))
            self.second = nn.ModuleList([nn.GRU(4, 6)])

        def forward(self, tokens: Tensor) -> Any:
            return self.head(self.second[0](self.layer(self.embedding(tokens))[0])[0])

    trace = rnnscope.trace(network := Two().eval(), TEXT, characters=CHARACTERS, signals=["c", "second.0.l0.z"])
    assert [str(address) for address in trace.addresses] == ["layer.l0.c", "second.0.l0.z"]
    assert trace["layer.l0.c"].shape == (len(TEXT), 4)
    assert trace["second.0.l0.z.5"].shape == (len(TEXT),)
    assert_expected(trace, logits_of(network, 1))


def test_an_answer_a_text_is_no_expectation() -> None:
    trace = rnnscope.trace(Classifier(nn.LSTM(3, 6)).eval(), TEXT, characters=CHARACTERS)
    assert_nothing_expected(trace)
    assert trace["l0.c"].shape == (len(TEXT), 6)


@pytest.mark.parametrize("ids", [[6], [6, 1, 2]], ids=str)
@pytest.mark.parametrize("make", [Classifier, Alone])
def test_an_answer_of_other_classes_than_the_tokens_is_no_expectation(make: Any, ids: list[int]) -> None:
    network = make(nn.LSTM(3, 6), tokens=2).eval()
    assert_nothing_expected(rnnscope.trace(network, ids, characters=CHARACTERS))
    assert rnnscope.trace(network, ids)["l0.h"].shape == (len(ids), 6)


def test_hidden_states_that_come_first_are_no_expectation() -> None:
    class Encoder(Network):
        def forward(self, tokens: Tensor) -> Any:
            return self.layer(self.embedding(tokens))

    assert_nothing_expected(rnnscope.trace(Encoder(nn.LSTM(3, 6)).eval(), TEXT, characters=CHARACTERS))
    assert rnnscope.trace(Encoder(nn.LSTM(3, 6)).eval(), IDS)["l0.h"].shape == (len(TEXT), 6)


def test_a_network_that_reads_ahead_expects_nothing() -> None:
    network = Network(nn.LSTM(3, 3, bidirectional=True)).eval()
    trace = rnnscope.trace(network, TEXT, characters=CHARACTERS)
    assert_nothing_expected(trace)
    with rnnscope.record(network) as recording:
        network(torch.tensor(IDS).unsqueeze(1))
    np.testing.assert_allclose(trace["l0r.c"], recording["l0r.c"][:, 0], atol=2e-6)


def test_an_h_that_is_projected_is_traced_at_its_own_width(tmp_path: Path) -> None:
    network = Network(nn.LSTM(3, 6, proj_size=2), width=2).eval()
    trace = rnnscope.trace(network, TEXT, tmp_path / "t.zarr", characters=CHARACTERS)
    assert trace["l0.h"].shape == (len(TEXT), 2)
    assert trace["l0.c"].shape == (len(TEXT), 6)
    assert trace["l0.c"].dims == trace["l0.h"].dims == ("time", "unit")
    assert_expected(trace, logits_of(network, 1))


def test_without_characters_token_ids_are_read_and_the_text_is_unknown_symbols() -> None:
    trace = rnnscope.trace(network := Network(nn.GRU(3, 6)).eval(), IDS[:30])
    assert trace.text == rnnscope.Vocabulary.UNKNOWN * 30
    assert trace.characters == ()
    assert trace.unknown == {}
    whole = rnnscope.trace(network, TEXT[:30], characters=CHARACTERS)
    np.testing.assert_array_equal(trace["l0.h"], whole["l0.h"])
    np.testing.assert_array_equal(trace.tree.dataset["nll"], whole.tree.dataset["nll"])


@pytest.mark.parametrize(
    "characters", [CHARACTERS, tuple(CHARACTERS), list(CHARACTERS)], ids=lambda c: type(c).__name__
)
def test_characters_and_token_ids_give_the_same_trace(characters: Any) -> None:
    network = Network(nn.GRU(3, 6)).eval()
    traces = [rnnscope.trace(network, text, characters=characters) for text in (TEXT, IDS, np.array(IDS, "uint8"))]
    for trace in traces:
        assert trace.text == TEXT
        np.testing.assert_array_equal(trace.tree.dataset["token"], IDS)
        np.testing.assert_array_equal(trace["l0.h"], traces[0]["l0.h"])


def test_a_trace_on_disk_is_opened_again_and_its_units_are_ranked(tmp_path: Path) -> None:
    network = Network(nn.LSTM(3, 6)).eval()
    written = rnnscope.trace(network, rnnscope.Document("alphabet", TEXT), tmp_path / "t.zarr", characters=CHARACTERS)
    opened = rnnscope.open_trace(tmp_path / "t.zarr")
    for address in written.addresses:
        np.testing.assert_array_equal(opened[address], rnnscope.trace(network, TEXT, characters=CHARACTERS)[address])
    assert opened.text == TEXT
    assert opened.tree.attrs["documents"] == ["alphabet"]
    assert str(opened.memory) == "l0.c"
    ranked = rnnscope.rank_units(opened["l0.c"]).table
    assert sorted(ranked.index) == [f"l0.c.{unit}" for unit in range(6)]
    assert ranked.equals(rnnscope.rank_units(written["l0.c"]).table)


def test_a_unit_that_is_driven_by_one_character_is_ranked_first() -> None:
    network = Network(nn.GRU(3, 6)).eval()
    with torch.no_grad():
        network.embedding.weight.zero_()[0, 0] = 20.0  # a drives all
        network.layer.get_parameter("weight_ih_l0").zero_()[12 + 4, 0] = 1.0  # n of unit 4
        network.layer.get_parameter("weight_hh_l0").zero_()
    text = "aaaabbbb" * 40
    ranked = rnnscope.rank_units(rnnscope.trace(network, text, characters=CHARACTERS)["l0.n"])
    assert ranked.table.index[0] == "l0.n.4"
    assert ranked.table["on"].iloc[0] == pytest.approx(0.5)
    assert ranked.table["dwell"].iloc[0] == pytest.approx(4)


@pytest.mark.parametrize(
    ("text", "characters", "error", "said"),
    [
        (TEXT, None, TextError, "Network does not say which characters it knows"),
        ("abz", CHARACTERS, TextError, "does not know 'z'"),
        ("", CHARACTERS, TextError, "empty"),
        ([], None, TextError, "empty"),
        ([0, 7], CHARACTERS, TextError, "from 0 to 6; got 0 to 7"),
        ([-1, 0], None, TextError, "from 0 on; got -1 to 0"),
        ([0, 7], None, RecordingError, r"Network cannot read token ids of shape \(2, 1\)"),
        ([0.5], None, TextError, "whole numbers"),
        ([[0, 1]], None, TextError, "shape"),
        ("ab", "aab", TextError, "distinct and single"),
        ("ab", ["ab", "c"], TextError, "distinct and single"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said(text: Any, characters: Any, error: type[RnnscopeError], said: str) -> None:
    with pytest.raises(error, match=said):
        rnnscope.trace(Network(nn.GRU(3, 6)).eval(), text, characters=characters)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (nn.LSTM(1, 6), "LSTM cannot read token ids of shape"),
        (nn.Sequential(nn.Linear(1, 3), nn.LSTM(3, 6)), "Sequential cannot read token ids of shape"),
        (Network(nn.Linear(3, 6)), "Network holds no recurrent layer"),
        (nn.ModuleList([nn.GRU(3, 6)]), "ModuleList cannot read token ids"),
    ],
    ids=["floats", "floats inside", "not recurrent", "no forward"],
)
def test_a_network_that_cannot_read_is_said(network: nn.Module, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        rnnscope.trace(network.eval(), IDS)
    assert not [module for module in network.modules() if "forward" in vars(module)]


def test_a_network_that_wants_more_than_tokens_is_said() -> None:
    class Conditioned(Network):
        def forward(self, tokens: Tensor, condition: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            return super().forward(tokens + condition)

    with pytest.raises(RecordingError, match="missing 1 required positional argument: 'condition'"):
        rnnscope.trace(Conditioned(nn.GRU(3, 6)).eval(), IDS)


def test_a_layer_that_is_called_twice_has_no_one_series() -> None:
    class Twice(Network):
        def forward(self, tokens: Tensor) -> Any:
            super().forward(tokens)
            return super().forward(tokens)

    with pytest.raises(RecordingError, match="called 2 times"):
        rnnscope.trace(Twice(nn.GRU(3, 6)).eval(), IDS)


def test_training_mode_is_refused() -> None:
    with pytest.raises(ModelError, match=r"Call model\.eval\(\) first"):
        rnnscope.trace(Network(nn.GRU(3, 6)), TEXT, characters=CHARACTERS)


def test_a_network_with_a_vocabulary_keeps_its_own(make_model: Any) -> None:
    with pytest.raises(TextError, match="has its own vocabulary"):
        rnnscope.trace(make_model(), "abc", characters=CHARACTERS)


def test_a_changed_network_is_traced_as_changed() -> None:
    network = Network(nn.LSTM(3, 6)).eval()
    with rnnscope.intervene(network, {"l0.c.2": rnnscope.clamp(0.25)}):
        trace = rnnscope.trace(network, TEXT, characters=CHARACTERS)
        expected = logits_of(network, 1)
    assert (trace["l0.c.2"] == 0.25).all()
    assert_expected(trace, expected)

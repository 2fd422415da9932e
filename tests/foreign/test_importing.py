"""Imported networks compute what they computed where they were trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnscope
from rnnscope import checkpoint, import_model
from rnnscope.errors import CheckpointError, ModelError
from rnnscope.models import CharLanguageModel
from tests.foreign.networks import CHARACTERS, CellNetwork, ScriptableNetwork, assert_same, make, scripted, write

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

WRAPPINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "bare": lambda weights: weights,
    "state_dict": lambda weights: {"epoch": 3, "state_dict": weights, "optimizer": {"state": {0: torch.ones(2, 2)}}},
    "model_state_dict": lambda weights: {"model_state_dict": weights, "loss": torch.tensor(1.5)},
    "model": lambda weights: {"model": weights, "ema": dict(weights)},
    "nested": lambda weights: {"checkpoint": {"net": weights}},
    "unheard of": lambda weights: {"my_lovely_net": weights, "adam": {"state": {"a": torch.ones(2, 2)}}},
    "beside tensors": lambda weights: {"losses": torch.ones(3), "best": weights},
    "parallel": lambda weights: {f"module.{name}": tensor for name, tensor in weights.items()},
    "compiled": lambda weights: {f"_orig_mod.module.{name}": tensor for name, tensor in weights.items()},
    "lightning": lambda weights: {"state_dict": {f"model.{name}": tensor for name, tensor in weights.items()}},
}


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["rnn", "gru", "lstm"]))
    options = {
        "kind": kind,
        "hidden": draw(st.integers(2, 7)),
        "embedding": draw(st.integers(0, 7)),
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "head_bias": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }
    if kind == "rnn":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "lstm":
        options["proj_size"] = draw(st.integers(0, options["hidden"] - 1))
    return options


@settings(max_examples=150, deadline=None)
@given(options=networks(), wrapping=st.sampled_from(sorted(WRAPPINGS)))
def test_logits_are_those_of_the_foreign_network(
    tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any], wrapping: str
) -> None:
    network = make(**options)
    path = write(tmp_path_factory.getbasetemp() / "net.pt", WRAPPINGS[wrapping](network.state_dict()))
    model = import_model(path, vocabulary=CHARACTERS, nonlinearity=options.get("nonlinearity"))
    assert_same(model, network)
    assert not model.training
    assert model.card is not None
    prefix = "model." if wrapping == "lightning" else ""
    assert model.card.training["imported"]["found"]["recurrent layers"] == f"{prefix}rnn"
    config = model.config
    assert (config.cell, config.layers, config.hidden_size) == (
        options["kind"],
        options["num_layers"],
        options["hidden"],
    )
    assert config.embedding_size == options["embedding"]
    assert config.proj_size == options.get("proj_size", 0)
    assert (config.bias, config.bidirectional, config.tied) == (options["bias"], options["bidirectional"], False)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 3, 11])
@pytest.mark.parametrize("bias", [True, False])
def test_cells_in_a_loop_are_a_stack(tmp_path: Path, kind: str, layers: int, bias: bool) -> None:
    network = make(kind, layers=layers, bias=bias, of=CellNetwork)
    model = import_model(write(tmp_path / "net.pt", network.state_dict()), vocabulary=CHARACTERS)
    assert_same(model, network)
    assert model.config.layers == layers


def test_numbered_modules_in_a_chain_are_a_stack_and_this_is_said(tmp_path: Path) -> None:
    whole, named = make("gru", num_layers=2), {}
    for name, tensor in whole.state_dict().items():
        named[name.replace("rnn", "gru2").replace("_l1", "_l0") if "_l1" in name else name.replace("rnn", "gru1")] = (
            tensor
        )
    model = import_model(write(tmp_path / "net.pt", named), vocabulary=CHARACTERS)
    assert_same(model, whole)
    assert "gru1, gru2 are taken for one stack" in notes(model)[0]


def test_numbered_modules_that_do_not_fit_are_several_networks(tmp_path: Path) -> None:
    weights = {name.replace("rnn", "rnn1"): tensor for name, tensor in make().state_dict().items()}
    weights |= {name.replace("rnn1", "rnn2"): tensor for name, tensor in weights.items() if "rnn1" in name}
    path = write(tmp_path / "net.pt", weights)
    with pytest.raises(CheckpointError, match="several recurrent networks: rnn1, rnn2"):
        import_model(path, vocabulary=CHARACTERS)


@pytest.mark.parametrize("compile_", ["script", "trace"])
def test_torchscript_gives_the_same_network_with_its_vocabulary(tmp_path: Path, compile_: str) -> None:
    network = make(of=ScriptableNetwork)
    scripted(network, compile_).save(tmp_path / "net.pt")
    vocabulary = None if compile_ == "script" else CHARACTERS
    model = import_model(tmp_path / "net.pt", vocabulary=vocabulary)
    assert_same(model, network)
    assert model.vocabulary == rnnscope.Vocabulary(CHARACTERS)


def test_torchscript_frozen_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.freeze(scripted(make(of=ScriptableNetwork), "script")).save(tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="torch.jit.freeze.*before it was frozen"):
        import_model(tmp_path / "net.pt", vocabulary=CHARACTERS)


def test_the_format_before_pytorch_1_6_is_read(tmp_path: Path) -> None:
    network = make()
    path = write(tmp_path / "net.pt", network.state_dict(), _use_new_zipfile_serialization=False)
    assert_same(import_model(path, vocabulary=CHARACTERS), network)


@pytest.mark.parametrize(
    ("kind", "gates", "permutation"),
    [
        ("lstm", "i,f,o,g", [0, 1, 3, 2]),
        ("lstm", "ifco", [0, 1, 2, 3]),
        ("lstm", ["o", "g", "f", "i"], [3, 2, 1, 0]),
        ("gru", "z,r,h", [1, 0, 2]),
        ("gru", "n, r, z", [2, 0, 1]),
    ],
)
@pytest.mark.parametrize("options", [{}, {"embedding": 0, "num_layers": 2, "bidirectional": True}])
def test_gates_in_another_order_are_rearranged(
    tmp_path: Path, kind: str, gates: str | list[str], permutation: list[int], options: dict[str, Any]
) -> None:
    network = make(kind, **options)
    weights = dict(network.state_dict())
    for name, tensor in weights.items():
        if name.startswith("rnn."):
            blocks = tensor.chunk(len(permutation))
            weights[name] = torch.cat([blocks[k] for k in permutation])
    path = write(tmp_path / "net.pt", weights)
    assert_same(import_model(path, vocabulary=CHARACTERS, gates=gates), network)
    if permutation != sorted(permutation):
        with pytest.raises(AssertionError, match="not close"):
            assert_same(import_model(path, vocabulary=CHARACTERS), network)


def test_gates_of_a_projected_lstm_leave_the_projection_alone(tmp_path: Path) -> None:
    network = make(hidden=8, proj_size=4)
    weights = dict(network.state_dict())
    for name, tensor in weights.items():
        if name.startswith("rnn.") and "weight_hr" not in name:
            i, f, g, o = tensor.chunk(4)
            weights[name] = torch.cat([i, f, o, g])
    model = import_model(write(tmp_path / "net.pt", weights), vocabulary=CHARACTERS, gates="ifog")
    assert_same(model, network)


def test_tied_weights_stay_tied_and_equal_sizes_alone_do_not_tie(tmp_path: Path) -> None:
    for tied in (True, False):
        network = make(embedding=6, tied=tied)
        path = write(tmp_path / "net.pt", network.state_dict())
        model = import_model(path, vocabulary=CHARACTERS)
        assert model.config.tied == tied
        assert_same(model, network)
        checkpoint.save(tmp_path / "model.pt", model, {})
        loaded = checkpoint.load(tmp_path / "model.pt")
        assert isinstance(loaded, CharLanguageModel)
        assert_same(loaded, network)


def test_the_symbol_for_unknown_characters_is_never_expected(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", make(head_bias=False).state_dict())
    model = import_model(path, vocabulary=CHARACTERS)
    odds = model(torch.arange(len(model.vocabulary)))[0].softmax(dim=-1)
    assert odds[:, 0].max() < 1e-30
    assert model.head.bias.tolist() == [-100.0] + [0.0] * len(CHARACTERS)


@pytest.mark.parametrize("embedding", [0, 4])
def test_an_unknown_symbol_of_its_own_becomes_token_zero(tmp_path: Path, embedding: int) -> None:
    network = make(embedding=embedding)
    entries = [*CHARACTERS[:4], "<UNK>", *CHARACTERS[5:-1], "<pad>"]
    model = import_model(write(tmp_path / "net.pt", network.state_dict()), vocabulary=entries)
    assert len(model.vocabulary) == len(CHARACTERS)
    assert model.vocabulary.characters[-1] == "\ue000"
    there = torch.tensor([[0, 4, 9, 3, 4]])
    here = torch.from_numpy(model.vocabulary.encode("a?\ue000d?"))
    order = [4, 0, 1, 2, 3, 5, 6, 7, 8, 9]
    with torch.no_grad():
        torch.testing.assert_close(model(here)[0], network(there)[0][:, order], atol=1e-6, rtol=1e-6)
    assert "'<UNK>' is what the network reads for characters that it does not know" in notes(model)
    assert "'<pad>' is written as the character U+E000" in notes(model)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 1e-2), (torch.bfloat16, 1e-1), (torch.float64, 1e-10)]
)
def test_other_precisions_become_float32_and_this_is_said(tmp_path: Path, dtype: torch.dtype, tolerance: float) -> None:
    network = make()
    weights = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
    model = import_model(write(tmp_path / "net.pt", weights), vocabulary=CHARACTERS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert_same(model, network, tolerance)
    assert notes(model) == [f"weights converted to float32 from {str(dtype).removeprefix('torch.')}"]


def test_a_vanilla_network_is_assumed_to_be_tanh_and_this_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", make("rnn").state_dict())
    assert "tanh is assumed" in notes(import_model(path, vocabulary=CHARACTERS))[0]
    model = import_model(path, vocabulary=CHARACTERS, nonlinearity="relu")
    assert (model.config.nonlinearity, notes(model)) == ("relu", [])


def test_options_settle_what_is_ambiguous_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    network, other = make(), make(hidden=5)
    weights = {**network.state_dict(), "second.weight": torch.ones(10, 6), "second.bias": torch.ones(10)}
    weights |= {"other" + name[3:]: tensor for name, tensor in other.state_dict().items() if name.startswith("rnn.")}
    weights["table.weight"] = torch.ones(10, 4)
    path = write(tmp_path / "net.pt", weights)

    def read(**options: str) -> rnnscope.CharLanguageModel:
        return import_model(path, vocabulary=CHARACTERS, **options)

    with pytest.raises(CheckpointError, match="several recurrent networks: rnn, other. Choose one with --rnn"):
        read()
    with pytest.raises(CheckpointError, match="decoder.weight, second.weight could be the head. Choose with --head"):
        read(rnn="rnn")
    with pytest.raises(CheckpointError, match="encoder.weight, table.weight could be the embedding.*--embedding"):
        read(rnn="rnn", head="decoder")
    model = read(rnn="rnn", head="decoder", embedding="encoder.weight")
    assert_same(model, network)
    for name in ("other.weight_ih_l0", "second.weight", "second.bias", "table.weight"):
        assert name in notes(model)[0]


def test_one_of_numbered_modules_can_be_chosen(tmp_path: Path) -> None:
    network = make(embedding=6)
    weights = {name.replace("rnn", "rnn1"): tensor for name, tensor in network.state_dict().items()}
    weights |= {name.replace("rnn1", "rnn2"): tensor + 1 for name, tensor in weights.items() if "rnn1" in name}
    path = write(tmp_path / "net.pt", weights)
    assert import_model(path, vocabulary=CHARACTERS).config.layers == 2
    assert_same(import_model(path, vocabulary=CHARACTERS, rnn="rnn1"), network)


@pytest.mark.parametrize("swapped", [False, True])
def test_equal_shapes_are_told_apart_by_bias_or_name(tmp_path: Path, swapped: bool) -> None:
    for bias in (True, False):
        network = make(embedding=6, head_bias=bias)
        weights = network.state_dict()
        weights = dict(reversed(weights.items())) if swapped else dict(weights)
        assert_same(import_model(write(tmp_path / "net.pt", weights), vocabulary=CHARACTERS), network)
    names = {"encoder.weight": "a.weight", "decoder.weight": "b.weight"}
    weights = {names.get(name, name): tensor for name, tensor in weights.items()}
    path = write(tmp_path / "net.pt", weights)
    with pytest.raises(CheckpointError, match="could be the head"):
        import_model(path, vocabulary=CHARACTERS)
    assert_same(import_model(path, vocabulary=CHARACTERS, head="b"), network)
    assert_same(import_model(path, vocabulary=CHARACTERS, embedding="a"), network)


def test_weights_of_a_loss_function_do_not_matter(tmp_path: Path) -> None:
    network = make()
    path = write(tmp_path / "net.pt", {**network.state_dict(), "criterion.weight": torch.ones(10)})
    assert_same(import_model(path, vocabulary=CHARACTERS), network)


def notes(model: rnnscope.CharLanguageModel) -> list[str]:
    assert model.card is not None
    return model.card.training["imported"]["notes"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "gru", "num_layers": 2, "bidirectional": True}, "gru, 2 layers of 6 units in both directions"),
        ({"proj_size": 3, "bias": False}, "lstm, 1 layer of 6 units, without biases, projected to 3, embedding of 4"),
    ],
)
def test_a_card_says_what_was_found_and_where(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    model = import_model(write(tmp_path / "net.pt", make(**options).state_dict()), vocabulary=CHARACTERS)
    checkpoint.save(tmp_path / "model.pt", model, model.card.training)  # pyright: ignore[reportOptionalMemberAccess]
    card = checkpoint.load(tmp_path / "model.pt").card
    assert card == model.card
    assert card is not None
    assert card.name == "imported from net.pt"
    assert words in card.architecture
    rows = dict(card.rows())
    assert rows["source"].startswith("net.pt, sha256 ")
    assert rows["input"] == "encoder.weight"
    assert rows["head"] == "decoder.weight, with bias"
    assert rows["tokens"] == "10, as given"
    assert "| recurrent layers | rnn |" in card.markdown()
    assert str(tmp_path) not in card.markdown()


@pytest.mark.parametrize("record", [{}, {"file": "a"}, [], {"file": "a", "sha256": "b", "found": [1], "notes": []}])
def test_a_record_of_an_import_that_is_none_is_refused(tmp_path: Path, record: object) -> None:
    model = import_model(write(tmp_path / "net.pt", make().state_dict()), vocabulary=CHARACTERS)
    checkpoint.save(tmp_path / "model.pt", model, {"imported": record})
    with pytest.raises(CheckpointError, match="damaged or made by hand"):
        checkpoint.load(tmp_path / "model.pt")


def test_a_bidirectional_network_is_traced_in_one_pass_and_refuses_to_write(tmp_path: Path) -> None:
    network = make("gru", hidden=5, num_layers=2, bidirectional=True)
    model = import_model(write(tmp_path / "net.pt", network.state_dict()), vocabulary=CHARACTERS)
    text = "abc def.\n" * 2000  # more than a chunk of a trace
    trace = rnnscope.trace(model, text, signals=["h"])
    tokens = torch.tensor([[CHARACTERS.index(c) for c in text]])
    with torch.no_grad():
        output = network.rnn(network.encoder(tokens))[0][0].numpy()
    assert abs(trace["l1.h"].values - output[:, :5]).max() < 1e-5
    assert abs(trace["l1r.h"].values - output[:, 5:]).max() < 1e-5
    with pytest.raises(ModelError, match="bidirectional network cannot write"):
        next(model.generate("a", 1))

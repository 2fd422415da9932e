"""Files without a network of the kind that is imported, and options that fit nothing, are refused with the reason."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import checkpoint, import_model
from rnnscope.errors import CheckpointError, RnnscopeError, TextError
from tests.foreign.networks import CHARACTERS, ScriptableNetwork, make, scripted, write


def changed(**changes: Any) -> dict[str, Any]:
    """The weights of the usual network, some of them replaced, or left out where the change is None."""
    content = dict(make().state_dict()) | {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in content.items() if value is not None}


ONES = torch.ones


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (nn.Sequential(nn.Linear(3, 3)).state_dict(), "no recurrent layer among the weights"),
        (changed(decoder__weight=None, decoder__bias=None), "a linear head of 6 columns"),
        (changed(encoder__weight=None), "expected an embedding of 4 columns"),
        (changed(encoder__weight=ONES(11, 4)), "expected an embedding of 4 columns.*encoder.weight 11 x 4"),
        (changed(encoder__weight=ONES(10, 5)), "expected an embedding of 4 columns"),
        (changed(decoder__weight=ONES(10, 7)), "a linear head of 6 columns"),
        (changed(decoder__bias=ONES(9)), r"decoder.bias has the shape \(9,\); \(10,\) is expected"),
        (changed(rnn__weight_hh_l0=ONES(24, 5)), "24 rows for 5 units; expected 4 times"),
        (changed(rnn__weight_hh_l0=ONES(12, 6)), "12 rows for 6 units"),
        (changed(rnn__weight_hh_l0=ONES(24)), r"weight_hh_l0 has the shape \(24,\); a matrix"),
        (changed(rnn__weight_hh_l0=None), "lacks weight_hh: the file is incomplete"),
        (changed(rnn__weight_ih_l0=None), "lacks weight_ih"),
        (changed(rnn__bias_ih_l0=None), r"a bias_ih of shape nothing where \(24,\)"),
        (changed(rnn__bias_hh_l0=ONES(23)), r"a bias_hh of shape \(23,\) where \(24,\)"),
        (changed(rnn__weight_ih_l0=ONES(24, 0)), "a matrix is expected"),
        (changed(rnn__weight_ih_l2=ONES(24, 6)), "lacks layer 1"),
        (changed(rnn__weight_ih_l1=ONES(24, 6), rnn__weight_hh_l1=ONES(24, 6)), "layer 1, differs"),
        (changed(rnn__weight_ih_l0_reverse=ONES(24, 4)), "reverse, lacks weight_hh"),
        (changed(rnn__weight_hr_l0=ONES(3, 6)), r"a weight_hh of shape \(24, 6\) where \(24, 3\)"),
        (changed(norm__weight=ONES(6), norm__bias=ONES(6)), "computes more than this.*norm.weight 6, norm.bias 6"),
        (changed(norm__num_batches_tracked=torch.tensor(1)), "computes more than this.*num_batches_tracked"),
        (changed(middle__weight=ONES(6, 6), middle__bias=ONES(6)), "computes more than this.*rnnscope.record"),
        (
            changed(rnn__weight_hh_l0=ONES(18, 3), rnn__weight_ih_l0=ONES(18, 4), rnn__weight_hr_l0=ONES(3, 6)),
            "18 rows for 6 units; expected 4 times as many as units for an LSTM",
        ),
        (
            changed(
                rnn__weight_ih_l1=ONES(24, 7),
                rnn__weight_hh_l1=ONES(24, 6),
                rnn__bias_ih_l1=ONES(24),
                rnn__bias_hh_l1=ONES(24),
            ),
            "weight_ih_l1 has 7 columns; 6 are expected",
        ),
        (changed(encoder__weight=ONES(0, 4), decoder__weight=ONES(0, 6), decoder__bias=ONES(0)), "expected an embedd"),
        (changed(h0=ONES(1, 1, 6)), "computes more than this.*h0 1 x 1 x 6"),
        (changed(rnn__weight_hh_l0=torch.full((24, 6), torch.nan)), "144 weights that are NaN or infinite"),
        (changed(decoder__bias=torch.full((10,), 1e300, dtype=torch.float64)), "10 weights that are NaN or infinite"),
        (changed(decoder__bias=ONES(10, dtype=torch.int64)), "decoder.bias holds torch.int64"),
        (changed(decoder__bias=ONES(10, dtype=torch.complex64)), "decoder.bias holds torch.complex64"),
        (changed(encoder__weight=ONES(10, 4).to_sparse()), "encoder.weight holds"),
        ({"a": {"b": {"c": make().state_dict()}}}, "no weights by name"),
        ({"a": make().state_dict(), "b": make().state_dict()}, "several sets of weights: a, b"),
        ({}, "no weights by name"),
        ([ONES(2)], "no weights by name"),
        (ONES(2), "no weights by name"),
        ({"state_dict": {}}, "no weights by name"),
        ({"weight": torch.tensor(1.0)}, "no weights by name"),
    ],
)
def test_what_is_no_such_network_is_refused_with_the_reason(tmp_path: Path, weights: object, said: str) -> None:
    path = write(tmp_path / "net.pt", weights)
    with pytest.raises(CheckpointError, match=said) as error:
        import_model(path, vocabulary=CHARACTERS)
    assert "net.pt" in str(error.value)


def test_a_layer_between_embedding_and_rnn_is_refused(tmp_path: Path) -> None:
    weights = {**make().state_dict(), "encoder.weight": ONES(10, 3), "into.weight": ONES(4, 3), "into.bias": ONES(4)}
    with pytest.raises(CheckpointError, match="encoder.weight 10 x 3, .*into.weight 4 x 3"):
        import_model(write(tmp_path / "net.pt", weights), vocabulary=CHARACTERS)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("lstm", {"gates": "i,f,o"}, "'i,f,o'; for this lstm network expected each of i, f, g, o once"),
        ("lstm", {"gates": "iffo"}, "each of i, f, g, o once"),
        ("lstm", {"gates": ""}, "each of i, f, g, o once"),
        ("gru", {"gates": "rzx"}, "each of r, z, n once"),
        ("rnn", {"gates": "i"}, "a vanilla RNN has no gates"),
        ("lstm", {"nonlinearity": "relu"}, "is a lstm, which has its own"),
        ("rnn", {"nonlinearity": "gelu"}, "tanh or relu"),
        ("lstm", {"rnn": "gru"}, "no recurrent layers named 'gru'. There are: rnn."),
        ("lstm", {"head": "rnn"}, "--head rnn names no matrix whose columns fit. That fit: decoder.weight"),
        ("gru", {"embedding": "decoder", "head": "encoder"}, "--embedding decoder names no matrix"),
        ("lstm", {"embedding": "decoder"}, "--embedding decoder names no matrix.* fit: encoder.weight"),
    ],
)
def test_options_that_fit_nothing_are_refused(tmp_path: Path, kind: str, options: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "net.pt", make(kind).state_dict())
    with pytest.raises(RnnscopeError, match=said):
        import_model(path, vocabulary=CHARACTERS, **options)


@pytest.mark.parametrize("options", [{}, {"head": "decoder"}, {"head": "decoder", "embedding": "encoder"}])
def test_what_is_no_other_choice_is_not_left_out(tmp_path: Path, options: dict[str, str]) -> None:
    path = write(tmp_path / "net.pt", {**make().state_dict(), "gate": ONES(10, 6), "scale": ONES(10)})
    with pytest.raises(CheckpointError, match="computes more than this.*gate 10 x 6, scale 10"):
        import_model(path, vocabulary=CHARACTERS, **options)


def test_a_layer_before_the_head_is_not_left_out_because_the_head_was_named(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", {**make().state_dict(), "middle.weight": ONES(6, 6), "middle.bias": ONES(6)})
    with pytest.raises(CheckpointError, match="computes more than this.*middle.weight 6 x 6, middle.bias 6"):
        import_model(path, vocabulary=CHARACTERS, head="decoder")


def test_a_head_is_no_embedding_by_the_users_word_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", make(embedding=6).state_dict())
    with pytest.raises(CheckpointError, match="--embedding decoder names no matrix.*That fit: encoder.weight"):
        import_model(path, vocabulary=CHARACTERS, embedding="decoder")
    path = write(tmp_path / "net.pt", make(embedding=0, hidden=10, head_bias=False).state_dict())
    with pytest.raises(CheckpointError, match="expected an embedding"):
        import_model(path, vocabulary=CHARACTERS, embedding="decoder")


def test_dicts_in_a_circle_hold_no_weights(tmp_path: Path) -> None:
    circle: dict[str, Any] = {}
    circle["vocab"] = circle["model"] = circle
    with pytest.raises(CheckpointError, match="no weights by name"):
        import_model(write(tmp_path / "net.pt", circle))
    with pytest.raises(TextError, match="holds no vocabulary"):
        import_model(write(tmp_path / "net.pt", {"state_dict": make().state_dict(), "a": circle}))


def test_a_vocabulary_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", make().state_dict())
    with pytest.raises(TextError, match="net.pt: The network knows 10 tokens, but the vocabulary as given has 9"):
        import_model(path, vocabulary=CHARACTERS[:-1])
    with pytest.raises(TextError, match="net.pt: The file holds no vocabulary for the 10 tokens.*--vocab"):
        import_model(path)


def test_a_checkpoint_of_rnnscope_is_said_to_be_one(
    tmp_path: Path, make_model: Callable[..., rnnscope.CharLanguageModel]
) -> None:
    checkpoint.save(tmp_path / "model.pt", make_model(), {})
    with pytest.raises(CheckpointError, match="an rnnscope checkpoint already: try rnnscope info"):
        import_model(tmp_path / "model.pt")


class Touch:
    """Pickled, it is a call that makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_a_file_with_code_in_it_is_refused_unrun(tmp_path: Path, how: str) -> None:
    path, marker = tmp_path / "net.pt", tmp_path / "marker"
    content = {"state_dict": make().state_dict(), "vocab": Touch(marker)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        write(path, content, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(CheckpointError, match="could run code"):
        import_model(path, vocabulary=CHARACTERS)
    assert not marker.exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt", nn.LSTM(3, 4))
    with pytest.raises(CheckpointError, match="could run code.*save its state_dict alone"):
        import_model(path, vocabulary=CHARACTERS)


def saved(path: Path, how: str) -> Path:
    """A network in one of the formats of torch.save, or as torchscript."""
    if how == "torchscript":
        scripted(make(of=ScriptableNetwork), "script").save(path)
        return path
    return write(path, make().state_dict(), _use_new_zipfile_serialization=how == "zip")


@pytest.mark.parametrize("how", ["zip", "legacy", "torchscript"])
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, how: str) -> None:
    path = saved(tmp_path / "net.pt", how)
    data = path.read_bytes()
    for length in range(0, len(data) - 1, max(1, len(data) // 40)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            import_model(path, vocabulary=CHARACTERS)


@pytest.mark.parametrize("how", ["zip", "legacy", "torchscript"])
def test_a_damaged_byte_is_refused_or_harmless(tmp_path: Path, how: str) -> None:
    path = saved(tmp_path / "net.pt", how)
    data, surprises, refused = path.read_bytes(), [], 0
    for offset in range(0, len(data), max(1, len(data) // 300)):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 4]) + data[offset + 1 :])
        try:
            import_model(path, vocabulary=CHARACTERS)
        except RnnscopeError:
            refused += 1
        except Exception as error:
            surprises.append((offset, repr(error)))
    assert not surprises
    assert refused


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(CheckpointError, match="no file that torch.save wrote"):
        import_model(tmp_path / "notes.txt")
    with pytest.raises(CheckpointError, match="no file .*absent.pt"):
        import_model(tmp_path / "absent.pt")


def test_load_says_that_a_foreign_file_can_be_imported(tmp_path: Path) -> None:
    write(tmp_path / "net.pt", make().state_dict())
    scripted(make(of=ScriptableNetwork), "script").save(tmp_path / "script.pt")
    for name in ("net.pt", "script.pt"):
        with pytest.raises(CheckpointError, match="rnnscope import"):
            checkpoint.load(tmp_path / name)

"""The transducer against the equations, its checkpoints, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import rnnscope
from rnnscope import checkpoint
from rnnscope.cli import main
from rnnscope.errors import CheckpointError, RecipeError, TextError
from rnnscope.models.transducer import Transducer, TransducerConfig
from rnnscope.problems.known import PROBLEMS
from rnnscope.problems.problem import generator
from tests import equations

SHAPES = [{"cell": "lstm"}, {"cell": "gru", "layers": 2}, {"cell": "rnn", "dropout": 0.5, "problem": "flip-flop"}]


def make_transducer(**config: Any) -> Transducer:
    torch.manual_seed(0)
    options: dict[str, Any] = {"hidden_size": 6, "problem": "copy", "length": 7, **config}
    return Transducer(TransducerConfig(**options)).eval()


@pytest.mark.parametrize("shape", SHAPES)
def test_answers_are_those_of_the_equations(shape: dict[str, Any]) -> None:
    model = make_transducer(**shape)
    inputs = model.problem.batch(generator(0), 3, 7).inputs
    zeros = np.zeros((model.config.layers, 3, 6))
    signals = equations.network(model.rnn, inputs.astype(float), [zeros, zeros])
    h = signals[f"l{model.config.layers - 1}.h"]
    expected = h @ model.head.weight.detach().double().numpy().T + model.head.bias.detach().double().numpy()
    np.testing.assert_allclose(model(torch.from_numpy(inputs)).detach().numpy(), expected, atol=1e-6)
    assert expected.shape[2] == model.problem.output_size


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_rating_is_over_all_sequences_whatever_the_batches(name: str) -> None:
    model = make_transducer(problem=name)
    large = model.problem.batch(generator(0), 12, 7)
    parts = [large._make(part[:, place] for part in large) for place in (slice(0, 2), slice(2, 12))]
    whole, divided = model.rate([large]), model.rate(parts)
    assert divided.loss == pytest.approx(whole.loss, rel=1e-5) and divided.success == pytest.approx(whole.success)
    with torch.no_grad():
        outputs = model(torch.from_numpy(large.inputs)).numpy()
    assert whole.success == model.problem.success(outputs, large.targets, large.mask).mean()


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_untrained_network_is_no_better_than_the_floor(name: str) -> None:
    model = make_transducer(problem=name, length=12)
    rating = model.rate([model.problem.batch(generator(0), 400, 12)])
    assert rating.loss > 0.97 * model.problem.floor(12)
    assert rating.success <= model.problem.chance(12) + 0.05


def test_a_checkpoint_keeps_the_problem_and_its_length(tmp_path: Path) -> None:
    model = make_transducer(problem="dyck1", length=31)
    checkpoint.save(tmp_path / "model.pt", model, {})
    again = rnnscope.load(tmp_path / "model.pt")
    assert isinstance(again, Transducer) and again.config == model.config and again.vocabularies == {}
    assert (again.problem.name, again.config.length) == ("dyck1", 31)
    inputs = torch.from_numpy(model.problem.batch(generator(0), 3, 7).inputs)
    assert torch.equal(again(inputs), model(inputs))


def test_its_layers_can_be_recorded() -> None:
    model = make_transducer()
    with rnnscope.record(model) as recording:
        model.rate([model.problem.batch(generator(0), 5, 7)])
    assert recording["l0.c"].shape == (27, 5, 6)


def test_its_sequences_can_be_traced() -> None:
    model = make_transducer(problem="flip-flop", layers=2)
    inputs = model.problem.batch(generator(0), 2, 3).inputs
    trace = rnnscope.trace(model, inputs)
    assert trace.documents == ("sequence 0", "sequence 1")
    assert set(trace.text) <= set("012.")
    assert [trace.text[step] == "." for step in range(15)] == (inputs[:, 0] == 0).all(axis=1).tolist()
    with rnnscope.record(model, ["l1.c"]) as recording, torch.no_grad():
        outputs = model(torch.from_numpy(inputs))
    columns = np.stack([trace.tree.ds[f"output_{number}"] for number in range(3)], axis=-1)
    np.testing.assert_allclose(columns.reshape(2, 15, 3).swapaxes(0, 1), outputs, atol=1e-6)
    np.testing.assert_allclose(trace["l1.c"][15:], recording["l1.c"][:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("aabb", "trained on the problem anbn and reads vectors, not texts"),
        (np.zeros((4, 2)), r"shape \(time, sequence, 2\) was expected; got shape \(4, 2\)"),
        (np.zeros((4, 1, 3)), r"got shape \(4, 1, 3\)"),
        (np.zeros((0, 1, 2)), r"got shape \(0, 1, 2\)"),
    ],
)
def test_what_cannot_be_traced_is_refused(given: Any, words: str) -> None:
    with pytest.raises(TextError, match=words):
        rnnscope.trace(make_transducer(problem="anbn"), given)


def test_the_command_line_says_what_it_is(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model.pt", make_transducer(cell="gru"), {})
    result = CliRunner().invoke(main, ["info", str(tmp_path / "model.pt")])
    assert result.exit_code == 0
    assert "gru, 1 layer of 6 units, 10 numbers in and 9 out at each step" in " ".join(result.output.split())


def test_a_problem_that_a_newer_rnnscope_may_know_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model.pt", make_transducer(), {})
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    content["config"]["problem"] = "parity"
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="no problem 'parity'"):
        rnnscope.load(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"bidirectional": True}, "bidirectional to be false"),
        ({"problem": ""}, "no problem ''. Known: adding"),
        ({"problem": "anbn", "length": 3}, "needs a length from 4 to 10,000; got 3"),
    ],
)
def test_what_cannot_be_built_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make_transducer(**config)

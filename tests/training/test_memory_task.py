"""Memory tasks: shares of a batch, scores beside the floor, resuming, and recipes with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import checkpoint
from rnnscope.errors import RecipeError, TrainingError
from rnnscope.models.transducer import Transducer
from rnnscope.problems.known import PROBLEMS
from rnnscope.training.loop import Run
from rnnscope.training.recipe_file import recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.memory_task import MemoryTask

TRAINING = {"batch_size": 7, "warmup": 0, "learning_rate": 0.02, "validate_every": 15, "epochs": 0.3}


def content(name: str = "flip-flop", length: int = 6, seed: int = 0, **training: Any) -> dict[str, Any]:
    return {
        "name": "small",
        "task": "memory-task",
        "seed": seed,
        "corpus": {"name": name, "length": length},
        "model": {"hidden_size": 8},
        "training": TRAINING | training,
    }


def make_task(*arguments: Any, **options: Any) -> MemoryTask:
    return MemoryTask(recipe_of(content(*arguments, **options)))


def write(folder: Path, **options: Any) -> Path:
    lines = []
    for name, value in content(**options).items():
        table = isinstance(value, dict)
        lines.append(f"[{name}]" if table else f"{name} = {value!r}")
        lines += [f"{key} = {of!r}" for key, of in value.items()] if table else []
    path = folder / "recipe.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_shares_of_a_batch_give_its_mean(name: str, count: int) -> None:
    task = make_task(name)
    torch.manual_seed(0)
    model = task.build().eval()
    for index in (0, 5):
        expected = model.rate([task._drawn(index)]).loss
        shares = [task.loss(model, index, Share(place, count)) for place in range(count)]
        assert float(torch.stack(shares).mean().detach()) == pytest.approx(expected, rel=1e-5)
        for share in shares:
            share.backward()  # an empty share has gradients as well, all zero


def test_each_step_has_sequences_of_its_own_that_follow_from_the_seed() -> None:
    task, same, other = make_task(), make_task(), make_task(seed=1)
    assert np.array_equal(task._drawn(4).inputs, same._drawn(4).inputs)
    assert not np.array_equal(task._drawn(4).inputs, task._drawn(5).inputs)
    assert not np.array_equal(task._drawn(4).inputs, other._drawn(4).inputs)


def test_all_seeds_are_scored_on_the_same_sequences_and_train_on_none_of_them() -> None:
    task, other = make_task("adding", 20), make_task("adding", 20, seed=1)
    digests, others = task.facts["sha256"], other.facts["sha256"]
    assert digests.pop("train") != others.pop("train") and digests == others
    scored = [part.inputs for part in task._scored("validation")] + [part.inputs for part in task._scored("test")]
    sequences = np.concatenate([*scored, task._drawn(0).inputs, task._drawn(1).inputs], axis=1)
    assert sequences.shape[1] == 2014 == len(np.unique(sequences.swapaxes(0, 1).reshape(2014, -1), axis=0))


def test_scores_are_loss_and_success_beside_the_floor() -> None:
    task = make_task("copy", 4)
    torch.manual_seed(0)
    model = task.build().eval()
    copy = task.problem
    loss, success, *_ = [score for score in task.scores(model) if score.part == "test"]
    assert (loss.measure, success.measure) == ("nats per step", "share of the ten symbols right")
    assert loss.baselines == {"no memory": copy.floor(4)} and success.baselines == {"no memory": 1 / 8}
    rating = model.rate(task._scored("test"))
    assert (loss.value, success.value) == (rating.loss, rating.success)
    assert task.validate(model) == model.rate(task._scored("validation")).loss != rating.loss
    assert task.unit == "nats per step" and make_task("adding").unit == "mean squared error"


def test_a_run_that_is_cut_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = write(tmp_path)
    whole = rnnscope.train(recipe, tmp_path / "whole", device="cpu")

    def cut(run: Run) -> None:
        if run.progress.step == 20:
            run.save()
            raise KeyboardInterrupt
        advance(run)

    advance = Run.advance
    with monkeypatch.context() as patched:
        patched.setattr(Run, "advance", cut)
        with pytest.raises(KeyboardInterrupt):
            rnnscope.train(recipe, tmp_path / "cut", device="cpu")
    rnnscope.train(recipe, tmp_path / "cut", device="cpu", resume=True)
    weights, again = (checkpoint.read(tmp_path / run / "last.pt")["state_dict"] for run in ("whole", "cut"))
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert whole.card is not None and whole.card.training["step"] == 30

    write(tmp_path, length=7)
    with pytest.raises(TrainingError, match="corpus.length was 6 and is 7"):
        rnnscope.train(recipe, tmp_path / "cut", device="cpu", resume=True)


def test_a_network_learns_what_no_constant_answer_gives(tmp_path: Path) -> None:
    recipe = write(tmp_path, name="anbn", length=5, epochs=2, batch_size=32, learning_rate=0.05, validate_every=200)
    model = rnnscope.train(recipe, tmp_path / "run", device="cpu")
    assert isinstance(model, Transducer) and model.card is not None
    assert (model.config.problem, model.config.length) == ("anbn", 5)
    scores = {(s["part"], s["measure"]): s for s in model.card.training["scores"]}
    loss = scores["test", "nats per step"]
    assert loss["value"] < 0.5 * loss["baselines"]["last symbol only"]
    assert scores["test", "share of strings right at each symbol"]["value"] > 0.9
    card = (tmp_path / "run" / "card.md").read_text()
    for words in ("anbn of length 5: a^n b^n", "Gers and Schmidhuber 2001", "| licence | generated |", "train 6,400"):
        assert words in card


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"corpus": {"name": "addition"}}, "no problem 'addition'. Known: adding, copy, anbn, dyck1, flip-flop"),
        ({"corpus": {"name": "adding", "length": 1}}, "adding needs a length from 2 to 10,000; got 1"),
        ({"corpus": {"length": 2_000_000}}, "got 2,000,000"),
        ({"corpus": {"length": 10.5}}, "corpus.length must be a whole number; got 10.5"),
        ({"corpus": {"lenght": 10}}, "Did you mean 'length'"),
        ({"corpus": {"path": "text.txt"}}, "corpus.path must be left out"),
        ({"corpus": {"split": [0.5, 0.3, 0.2]}}, "corpus.split must be left out"),
        ({"model": {"bidirectional": True}}, "bidirectional to be false"),
        ({"training": {"batch_size": 0}}, "training.batch_size must be more than 0"),
        ({"training": {"steps": 100}}, "no key 'training.steps'"),
    ],
)
def test_bad_recipes_are_refused(tables: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipe_of({"name": "small", "task": "memory-task", **tables})


@pytest.mark.parametrize("model", [{"problem": "copy"}, {"length": 30}])
def test_the_problem_is_said_in_one_place(model: dict[str, Any]) -> None:
    (key,) = model
    with pytest.raises(RecipeError, match=rf"model.{key} must be left out: \[corpus\] says it"):
        MemoryTask(recipe_of({"name": "small", "task": "memory-task", "model": model}))

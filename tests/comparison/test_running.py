"""Runs are trained once, side by side, and none by two processes; one that diverges stops nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock

import rnnscope
from rnnscope.comparison import running, worker
from rnnscope.comparison.plan import PlannedRun, open_experiments
from rnnscope.comparison.recipe import read_comparison
from rnnscope.comparison.running import train_all
from rnnscope.errors import TrainingError


def planned(path: Path, folder: Path, rate: float = 0.01, seeds: tuple[int, ...] = (0, 1)) -> list[PlannedRun]:
    (experiment,) = open_experiments(read_comparison(path), path.parent)
    return [experiment.run(folder, "rnn", rate, seed) for seed in seeds]


def test_two_at_a_time_give_what_one_gives(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    weights = []
    for jobs in (1, 2):
        runs = planned(make_comparison(), tmp_path / f"by-{jobs}")
        train_all(runs, jobs=jobs, device="cpu")
        assert [run.progress for run in runs] == [1.0, 1.0]
        weights.append([rnnscope.load(run.folder / "model.pt").state_dict() for run in runs])
    for one, two in zip(*weights, strict=True):
        for name in one:
            torch.testing.assert_close(one[name], two[name])
    assert not all(torch.equal(*pair) for pair in zip(*(one.values() for one in weights[0]), strict=True))


def test_what_a_process_says_is_the_error_and_the_others_are_ended(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(folder: Path, device: str, threads: int) -> list[str]:
        code = "import sys; sys.exit('No memory.')" if "seed0" in folder.name else "import time; time.sleep(100)"
        return [sys.executable, "-c", code]

    monkeypatch.setattr(running, "command", command)
    with pytest.raises(TrainingError, match=r"adding-rnn-rate0.01-seed0-\w+: No memory. Start the comparison again"):
        train_all(planned(make_comparison(), tmp_path), jobs=2, device="cpu")


def test_a_process_that_was_ended_from_outside_is_told_of(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    monkeypatch.setattr(running, "command", lambda *_: end)
    with pytest.raises(TrainingError, match="ended from outside, perhaps for want of memory"):
        train_all(planned(make_comparison(), tmp_path), jobs=2, device="cpu")


def test_what_is_finished_is_not_trained_again(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = planned(make_comparison(), tmp_path)
    train_all(runs, jobs=1, device="cpu")
    monkeypatch.setattr(worker, "train", None)
    train_all(runs, jobs=1, device="cpu")


def test_an_interrupted_run_is_gone_on_with(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = planned(make_comparison(), tmp_path, seeds=(0,))
    train, asked = worker.train, []

    def interrupted(*arguments: object, **options: object) -> None:
        train(*arguments, **options)  # pyright: ignore[reportArgumentType]
        (run.folder / "card.md").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_all([run], jobs=1, device="cpu")
    assert not run.finished
    monkeypatch.setattr(worker, "train", lambda *_, **options: asked.append(options))
    train_all([run], jobs=1, device="cpu")
    assert [(options["resume"], options["force"]) for options in asked] == [(True, False)]
    monkeypatch.setattr(worker, "train", train)
    train_all([run], jobs=1, device="cpu")
    assert run.finished


def test_a_run_that_diverges_leaves_a_note_and_is_not_tried_again(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_comparison()
    recipe = path.with_name("adding.toml")
    recipe.write_text(recipe.read_text().replace("warmup = 2", "warmup = 0\nclip = 1e30\nmethod = 'char-rnn'"))
    recipe.write_text(recipe.read_text() + "[model]\nnonlinearity = 'relu'\n")
    (run,) = planned(path, tmp_path, rate=100.0, seeds=(0,))
    train_all([run], jobs=1, device="cpu")
    assert run.diverged
    assert run.finished
    assert run.validation_loss == float("inf")
    assert "training diverged" in (run.folder / "diverged.txt").read_text()
    monkeypatch.setattr(worker, "train", None)
    train_all([run], jobs=1, device="cpu")


def test_a_failure_that_is_no_divergence_is_an_error(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrainingError("A batch does not fit into memory.")

    monkeypatch.setattr(worker, "train", fail)
    (run,) = planned(make_comparison(), tmp_path, seeds=(0,))
    with pytest.raises(TrainingError, match="does not fit"):
        train_all([run], jobs=1, device="cpu")
    assert not run.finished


def test_two_processes_do_not_work_in_one_folder(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    (run,) = planned(make_comparison(), tmp_path, seeds=(0,))
    run.write()
    with FileLock(run.folder / ".lock"), pytest.raises(TrainingError, match="Another process is at work"):
        train_all([run], jobs=1, device="cpu")


def test_the_progress_of_a_run_is_that_of_its_last_validation(
    make_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    (run,) = planned(make_comparison(), tmp_path, seeds=(0,))
    assert run.progress == 0.0
    run.write()
    (run.folder / "figures.csv").write_text("step,epoch,validation_loss\n10,0.1,0.3\n15,0.15,0.4\n")
    assert run.progress == pytest.approx(0.75)
    assert run.validation_loss == 0.3


def test_a_worker_of_no_recipe_ends_with_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="There is no recipe"):
        worker.main(str(tmp_path), "cpu", "1")

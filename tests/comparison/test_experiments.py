"""An experiment: the best rate is chosen, every seed is trained at it, and nothing is done twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope import checkpoint
from rnnscope.comparison import measuring, worker
from rnnscope.comparison.experiments import run_comparison
from rnnscope.comparison.plan import PlannedRun
from rnnscope.errors import OutputError

SMALL = """
name = "small"
[corpus]
path = "text.txt"
split = [0.5, 0.25, 0.25]
[model]
embedding_size = 4
[training]
epochs = 0.1
streams = 2
window = 10
"""


def test_the_best_rate_is_chosen_and_trained_with_every_seed(
    make_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    found = run_comparison(make_comparison(), tmp_path / "runs", jobs=1, device="cpu")
    for cell, rows in found.sweep.groupby("cell"):
        best = rows.loc[rows["validation_loss"].idxmin()]
        assert rows.loc[rows["chosen"], "learning_rate"].tolist() == [best["learning_rate"]]
        runs = found.runs[found.runs["cell"] == cell]
        assert runs["seed"].tolist() == [0, 1]
        assert set(runs["learning_rate"]) == {best["learning_rate"]}
    assert found.table.index.tolist() == ["rnn", "lstm"]
    assert (abs(found.table["parameters"] / 1580 - 1) < 0.02).all()
    for row in found.runs.to_dict("records"):
        content = checkpoint.read(Path(row["folder"]) / "model.pt")
        record = content["training"]
        assert (record["recipe"]["seed"], content["config"]["cell"]) == (row["seed"], row["cell"])
        scores = {score["measure"]: score["value"] for score in record["scores"] if score["part"] == "test"}
        assert row["test:mean squared error"] == scores["mean squared error"]
    losses = found.runs["test:mean squared error"].to_numpy().reshape(2, 2)  # (cell, seed)
    assert found.table["test:mean squared error"].to_numpy() == pytest.approx(losses.mean(axis=1))
    errors = abs(losses[:, 0] - losses[:, 1]) / 2
    assert found.table["test:mean squared error_error"].to_numpy() == pytest.approx(errors)
    assert any("best at the" in note for note in found.notes)
    assert any("constant answer 0.1667" in note for note in found.notes)


def test_what_was_done_is_not_done_again(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_comparison(("seeds = [0, 1]", "seeds = [0]"))
    first = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu")
    monkeypatch.setattr(worker, "train", None)
    monkeypatch.setattr(measuring, "_take", None)
    second = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu")
    assert second.runs.equals(first.runs)
    assert second.notes == first.notes
    assert second.table["test:mean squared error_error"].isna().tolist() == [True, True]


def test_a_cell_that_diverges_at_every_rate_is_left_out_and_named(
    make_comparison: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_comparison(("seeds = [0, 1]", "seeds = [0]"))
    loss = PlannedRun.validation_loss.fget
    infinite = property(lambda run: float("inf") if run.cell == "rnn" else loss(run))  # pyright: ignore[reportOptionalCall]
    monkeypatch.setattr(PlannedRun, "validation_loss", infinite)
    found = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu")
    assert found.table.index.tolist() == ["lstm"]
    assert "adding: rnn diverged at every learning rate: give smaller ones." in found.notes


def test_a_seed_that_diverges_counts_in_no_mean(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    path = make_comparison(('"rnn", ', ""), ("[1e-2, 1e-3]", "[1e-2]"), ("sweep_epochs = 0.1", ""))
    first = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu")
    assert first.sweep.empty
    folder = Path(first.runs["folder"].tolist()[1])
    (folder / "diverged.txt").write_text("training diverged")
    second = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu")
    assert second.runs["parameters"].isna().tolist() == [False, True]
    name = "test:mean squared error"
    assert second.table.loc["lstm", name] == first.runs[name][0]
    assert "adding: lstm diverged with seed 1 at the rate 0.01, and counts in no mean." in second.notes


def test_language_models_are_measured_on_the_test_part(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text('abc "def" ghi, ' * 100)
    path = make_comparison(
        ("seeds = [0, 1]", "seeds = [0]"), ("1580", "4000"), ("[1e-2, 1e-3]", "[1e-2]"), recipe=SMALL
    )
    found = run_comparison(path, tmp_path / "runs", jobs=1, device="cpu", limit=300)
    assert "small: what is measured on a text, on 300 characters, the first of 375." in found.notes
    for name in ("test:nats per character", "jacobian_slope", "half_life:memory", "effective_context"):
        assert not found.runs[name].hasnans, name


def test_a_folder_of_something_else_is_left_alone(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    path, folder = make_comparison(), tmp_path / "runs"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something other than a comparison"):
        run_comparison(path, folder)
    shutil.copy(path, folder / "comparison.toml")
    path.write_text(path.read_text().replace('name = "cells"', 'name = "others"'))
    with pytest.raises(OutputError, match="holds another comparison, 'cells'; this one is 'others'"):
        run_comparison(path, folder)
    with pytest.raises(OutputError, match="cannot be written"):
        run_comparison(path, path / "runs")

"""Training: it learns, it can be interrupted anywhere, and it says what went wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

import rnnscope
from rnnscope import checkpoint
from rnnscope.corpora.texts import standard_library
from rnnscope.errors import CheckpointError, DeviceError, OutputError, RecipeError, TextError, TrainingError
from rnnscope.training import processes
from rnnscope.training.folder import claimed
from rnnscope.training.loop import Run
from rnnscope.training.recipe_file import read_recipe

RECIPE = """
name = "small"
seed = 3
[corpus]
path = "text.txt"
[model]
hidden_size = 24
embedding_size = 8
layers = 2
dropout = 0.2
[training]
epochs = {epochs}
streams = 16
window = 40
validate_every = {validate_every}
learning_rate = {learning_rate}
"""


@pytest.fixture(scope="module")
def code() -> str:
    """Of Python's standard library."""
    return "".join(document.text for document in standard_library().documents[:20])


@pytest.fixture
def make_recipe(tmp_path: Path, code: str) -> Callable[..., Path]:
    """A recipe over 200 kB of code."""

    def make(
        epochs: float = 0.5, validate_every: int = 50, learning_rate: float = 0.01, characters: int = 200_000
    ) -> Path:
        (tmp_path / "text.txt").write_text(code[:characters])
        path = tmp_path / "recipe.toml"
        path.write_text(RECIPE.format(epochs=epochs, validate_every=validate_every, learning_rate=learning_rate))
        return path

    return make


def rnnscope_train(recipe: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rnnscope.cli", "train", str(recipe), "-o", str(folder), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def start(recipe: Path) -> Run:
    fabric = processes.launch("cpu", "32", "csv", recipe.parent)
    return Run(read_recipe(recipe), recipe.parent, fabric)


def wait_for(path: Path, changed_since: float = 0.0) -> float:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if path.exists() and path.stat().st_mtime > changed_since:
            return path.stat().st_mtime
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


def test_killed_and_interrupted_runs_end_with_the_same_weights(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=1.5, validate_every=30)
    whole, broken = recipe.parent / "whole", recipe.parent / "broken"
    rnnscope.train(recipe, whole, device="cpu")
    last = broken / "last.pt"

    run = rnnscope_train(recipe, broken, "--device", "cpu")
    saved = wait_for(last)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    steps = [checkpoint.read(last)["training"]["step"]]

    run = rnnscope_train(recipe, broken, "--device", "cpu", "--resume")
    wait_for(last, changed_since=saved)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate()
    assert run.returncode == 130
    assert "--resume" in said
    steps.append(checkpoint.read(last)["training"]["step"])

    run = rnnscope_train(recipe, broken, "--device", "cpu", "--resume")
    said, _ = run.communicate()
    assert run.returncode == 0, said
    assert 0 < steps[0] < steps[1] < checkpoint.read(last)["training"]["step"]

    for name in ("last.pt", "model.pt"):
        expected, got = (checkpoint.read(folder / name) for folder in (whole, broken))
        for key, weight in expected["state_dict"].items():
            assert torch.equal(weight, got["state_dict"][key]), f"{name}: {key}"
    for part in ("scores", "clipped_share"):
        records = [checkpoint.read(folder / "model.pt")["training"] for folder in (whole, broken)]
        assert records[0][part] == records[1][part]
    figures = [(folder / "figures.csv").read_text() for folder in (whole, broken)]
    assert figures[0] == figures[1]
    assert not list(broken.glob(".*partial*"))


def without_dropout(recipe: Path, *lines: str) -> Path:
    text = recipe.read_text().replace("dropout = 0.2", "")
    recipe.write_text("\n".join((text, *lines)))
    return recipe


def torchrun(recipe: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    """Two processes on the CPU."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "rnnscope.cli", "train", str(recipe), "-o", str(folder), "--device", "cpu", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def finished(run: subprocess.Popen[str]) -> str:
    said, _ = run.communicate()
    assert run.returncode == 0, said
    return said


def assert_same_run(one: Path, other: Path, weights: float, losses: float) -> None:
    """Equal weights, and equal losses at each validation, but for such differences."""
    held = [checkpoint.read(folder / "last.pt")["state_dict"] for folder in (one, other)]
    torch.testing.assert_close(*held, rtol=0.0, atol=weights)
    figures = [pd.read_csv(folder / "figures.csv") for folder in (one, other)]
    for column in ("step", "train_loss", "validation_loss", "gradient_norm"):
        assert figures[0][column].tolist() == pytest.approx(figures[1][column].tolist(), abs=losses)


def test_two_processes_make_the_network_of_one_and_can_be_interrupted(make_recipe: Callable[..., Path]) -> None:
    recipe = without_dropout(make_recipe(epochs=1, validate_every=40), 'method = "adamw"')
    alone, two, broken = (recipe.parent / name for name in ("alone", "two", "broken"))
    rnnscope.train(recipe, alone, device="cpu")
    said = finished(torchrun(recipe, two))
    assert said.count("clipped") == len(pd.read_csv(two / "figures.csv")) + 1  # said by one of the two alone
    assert_same_run(alone, two, weights=1e-3, losses=1e-5)

    run = torchrun(recipe, broken)
    wait_for(broken / "last.pt")
    run.terminate()  # torchrun asks its processes to end, and they save
    run.communicate()
    assert checkpoint.read(broken / "last.pt")["training"]["step"] < 249
    with pytest.raises(TrainingError, match="made by 2 processes, and this is one of 1"):
        rnnscope.train(recipe, broken, device="cpu", resume=True)
    finished(torchrun(recipe, broken, "--resume"))
    assert_same_run(two, broken, weights=0.0, losses=0.0)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_batch_in_parts_is_the_whole_batch(make_recipe: Callable[..., Path], precision: str) -> None:
    recipe = without_dropout(make_recipe(epochs=0.1, validate_every=10), f'precision = "{precision}"')
    whole, parts = recipe.parent / "whole", recipe.parent / "parts"
    rnnscope.train(recipe, whole, device="cpu")
    recipe.write_text(recipe.read_text() + "\naccumulate = 4")
    rnnscope.train(recipe, parts, device="cpu")
    tolerance = {"32": 1e-3, "bf16": 0.05}[precision]
    assert_same_run(whole, parts, weights=tolerance, losses=tolerance)


def test_half_precision_learns_as_well(make_recipe: Callable[..., Path]) -> None:
    recipe = without_dropout(make_recipe(epochs=1, validate_every=60))
    rnnscope.train(recipe, recipe.parent / "full", device="cpu")
    recipe.write_text(recipe.read_text() + '\nprecision = "bf16"')
    model = rnnscope.train(recipe, recipe.parent / "half", device="cpu")
    assert all(weight.dtype == torch.float32 for weight in model.parameters())
    full, half = (pd.read_csv(recipe.parent / name / "figures.csv") for name in ("full", "half"))
    assert full["validation_loss"].tolist() != half["validation_loss"].tolist()
    assert half["validation_loss"].iloc[-1] == pytest.approx(full["validation_loss"].iloc[-1], abs=0.02)


def test_streams_that_cannot_be_shared_evenly_are_refused(make_recipe: Callable[..., Path]) -> None:
    recipe = without_dropout(make_recipe(epochs=0.1), "accumulate = 3")
    with pytest.raises(RecipeError, match="streams must be a multiple of 3.*got 16"):
        rnnscope.train(recipe, recipe.parent / "run", device="cpu")


def test_a_batch_too_large_for_memory_is_said(
    make_recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(make_recipe())

    def greedy(*_: object) -> torch.Tensor:
        return torch.empty(2**60)

    monkeypatch.setattr(run.task, "loss", greedy)
    with pytest.raises(TrainingError, match=r"Lower training.streams or training.window, raise training.accumulate"):
        run.advance()


@pytest.mark.parametrize("method", ["muon", "adamw", "char-rnn"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_learns_by_every_method(make_recipe: Callable[..., Path], method: str, cell: str) -> None:
    recipe = make_recipe(epochs=3, characters=40_000)
    text = recipe.read_text().replace("[model]", f'[model]\ncell = "{cell}"')
    recipe.write_text(text.replace("[training]", f'[training]\nmethod = "{method}"'))
    model = rnnscope.train(recipe, recipe.parent / "run", device="cpu")
    assert model.card is not None
    figures = pd.read_csv(recipe.parent / "run" / "figures.csv")
    assert figures["validation_loss"].iloc[-1] < 3.6
    assert figures["train_loss"].is_monotonic_decreasing
    test = model.card.training["scores"][-1]
    assert test["part"] == "test"
    assert test["value"] < 3.6
    again = rnnscope.load(recipe.parent / "run" / "model.pt")
    assert again.card == model.card
    assert f"{test['value']:.4f} nats per character" in (recipe.parent / "run" / "card.md").read_text()


def test_a_loss_that_is_nan_stops_with_the_last_good_checkpoint(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=3, validate_every=10)
    run = start(recipe)
    for _ in range(10):
        run.advance()
    run.validate()
    good = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    with torch.no_grad():
        run.model.get_parameter("head.bias")[3] = torch.nan
    with pytest.raises(TrainingError, match=r"loss became NaN or infinite by step \d+.*last\.pt.*learning_rate"):
        run.fit()
    kept = checkpoint.read(recipe.parent / "last.pt")
    assert kept["training"]["step"] == 10
    assert all(torch.equal(good[name], weight) for name, weight in kept["state_dict"].items())


def test_weights_that_are_nan_are_never_saved(make_recipe: Callable[..., Path]) -> None:
    run = start(make_recipe(validate_every=10))
    run.advance()
    with torch.no_grad():
        run.model.get_parameter("head.bias")[3] = torch.inf
    with pytest.raises(TrainingError, match="weights became NaN or infinite by step 1"):
        run.save()
    assert not (make_recipe().parent / "last.pt").exists()


def test_a_network_too_large_for_memory_is_said(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe()
    recipe.write_text(recipe.read_text().replace("hidden_size = 24", "hidden_size = 100_000_000"))
    with pytest.raises(TrainingError, match="does not fit into memory"):
        rnnscope.train(recipe, device="cpu")


def test_a_folder_with_a_run_is_kept_unless_told(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=0.1)
    folder = recipe.parent / "run"
    rnnscope.train(recipe, folder, device="cpu")
    with pytest.raises(OutputError, match="by --resume, start anew with --force"):
        rnnscope.train(recipe, folder, device="cpu")
    with pytest.raises(OutputError, match="one of the two"):
        rnnscope.train(recipe, folder, device="cpu", force=True, resume=True)
    rnnscope.train(recipe, folder, device="cpu", force=True)


def test_a_run_is_replaced_by_one_that_goes_and_not_before(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=0.1)
    folder = recipe.parent / "run"
    rnnscope.train(recipe, folder, device="cpu")
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    recipe.write_text(recipe.read_text() + "\naccumulate = 3")
    with pytest.raises(RecipeError, match="streams must be a multiple of 3"):
        rnnscope.train(recipe, folder, device="cpu", force=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == held


def test_one_process_at_a_time_is_at_work_in_a_folder(make_recipe: Callable[..., Path]) -> None:
    folder = make_recipe(epochs=0.1).parent / "run"
    with claimed(folder), pytest.raises(TrainingError, match="Another process is at work in .*run. Wait for it"):
        rnnscope.train(make_recipe(epochs=0.1), folder, device="cpu")
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_folder_with_a_network_and_no_run_is_kept_too(make_recipe: Callable[..., Path]) -> None:
    (make_recipe().parent / "run").mkdir()
    precious = make_recipe().parent / "run" / "model.pt"
    precious.write_text("precious")
    with pytest.raises(OutputError, match="already holds model.pt. Start anew with --force"):
        rnnscope.train(make_recipe(), precious.parent, device="cpu")
    assert precious.read_text() == "precious"


def test_resume_refuses_another_recipe_another_text_and_nothing(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=0.1)
    folder = recipe.parent / "run"
    with pytest.raises(TrainingError, match="no last.pt"):
        rnnscope.train(recipe, folder, device="cpu", resume=True)
    rnnscope.train(recipe, folder, device="cpu")
    with pytest.raises(TrainingError, match="training.learning_rate was 0.01 and is 0.5"):
        rnnscope.train(make_recipe(epochs=0.1, learning_rate=0.5), folder, device="cpu", resume=True)
    recipe, content = make_recipe(epochs=0.1), checkpoint.read(folder / "last.pt")
    torch.save(content | {"state_dict": {"head.bias": [0.0]}}, folder / "last.pt")
    with pytest.raises(CheckpointError, match="last.pt does not fit together.*Start anew with --force"):
        rnnscope.train(recipe, folder, device="cpu", resume=True)
    torch.save(content, folder / "last.pt")
    text = recipe.with_name("text.txt")
    text.write_text(text.read_text()[::-1])
    with pytest.raises(TrainingError, match="corpus differs"):
        rnnscope.train(recipe, folder, device="cpu", resume=True)
    (folder / "last.pt").write_bytes((folder / "model.pt").read_bytes())
    with pytest.raises(TrainingError, match="without what training needs to go on"):
        rnnscope.train(recipe, folder, device="cpu", resume=True)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_a_projected_lstm_without_biases_can_be_trained(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=0.1)
    recipe.write_text(recipe.read_text().replace("[training]", "proj_size = 12\nbias = false\n[training]"))
    model = rnnscope.train(recipe, recipe.parent / "run", device="cpu")
    assert "projected to 12" in model.card.architecture  # pyright: ignore[reportOptionalMemberAccess]


def test_a_text_shorter_than_a_window_is_refused_and_nothing_is_written(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(characters=500)
    with pytest.raises(TextError, match="400 characters; 16 streams with a window of 40 need at least 656"):
        rnnscope.train(recipe, recipe.parent / "run", device="cpu")
    assert not (recipe.parent / "run").exists()


def test_a_device_that_is_not_there_is_said(make_recipe: Callable[..., Path]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(DeviceError, match="no device 'cuda'"):
        rnnscope.train(make_recipe(), device="cuda")


def test_a_folder_that_cannot_be_made_is_said(make_recipe: Callable[..., Path]) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        rnnscope.train(make_recipe(), make_recipe() / "below-a-file", device="cpu")


def test_tensorboard_gets_the_figures_too(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe(epochs=0.1, validate_every=10)
    recipe.write_text(recipe.read_text() + 'logger = "tensorboard"\n')
    rnnscope.train(recipe, recipe.parent / "run", device="cpu")
    assert (recipe.parent / "run" / "figures.csv").exists()
    (events,) = (recipe.parent / "run" / "tensorboard").rglob("events.out.tfevents.*")
    assert b"validation_loss" in events.read_bytes()


def test_where_there_is_nothing_to_resume_nothing_is_left(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe()
    with pytest.raises(TrainingError, match="no last.pt to resume from"):
        rnnscope.train(recipe, recipe.parent / "run", device="cpu", resume=True)
    assert not (recipe.parent / "run").exists()

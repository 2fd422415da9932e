"""rnnscope compare as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import rnnscope
from rnnscope import checkpoint
from rnnscope.cli.compare import compare
from rnnscope.comparison import experiments, measures
from tests.comparison.recipes import ADDING

TEXT = 'abc def. "ghij," abc.\n' * 60

RECIPE = """
name = "cells"
cells = ["rnn", "lstm"]
seeds = [0]
[[experiment]]
recipe = "adding.toml"
parameters = 1580
learning_rates = [1e-2]
"""


@pytest.fixture(autouse=True)
def _here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., rnnscope.CharLanguageModel]
) -> None:
    """Two networks, a text and a recipe in the working folder; speeds are taken once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measures, "PATIENCE", 0.0)
    for cell in ("rnn", "lstm"):
        checkpoint.save(f"{cell}.pt", make_model(cell=cell), {})
    Path("text.txt").write_text(TEXT)
    Path("cells.toml").write_text(RECIPE)
    Path("adding.toml").write_text(ADDING)


def run(arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(compare, arguments.split())


def test_networks_are_measured_on_a_text() -> None:
    result = run("rnn.pt lstm.pt text.txt --concepts quotes --table t.csv --save page.png")
    assert result.exit_code == 0, result.output
    assert result.output.split()[:3] == ["networks", "rnn", "lstm"]
    assert "half-life, memory (steps)" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    table = pd.read_csv("t.csv", index_col="name")
    assert table.index.tolist() == ["rnn", "lstm"]
    assert not table["unit:quotes"].hasnans
    assert Path("page.png").read_bytes().startswith(b"\x89PNG")
    assert "Drew page.png" in result.output


def test_json_gives_the_numbers() -> None:
    result = run("lstm.pt rnn.pt text.txt --limit 600 --json --device cpu")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert [row["name"] for row in said["table"]] == ["lstm", "rnn"]
    assert [row["cell"] for row in said["runs"]] == ["lstm", "rnn"]
    assert said["runs"][1]["gates_keep"] is None
    assert said["sweep"] == []
    assert any("600 characters" in note for note in said["notes"])


def test_files_of_one_name_are_called_by_their_folders_or_paths() -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "model.pt").write_bytes(Path("rnn.pt").read_bytes())
        Path(folder, "rnn.pt").write_bytes(Path("rnn.pt").read_bytes())
    said = json.loads(run("one/model.pt two/model.pt one/rnn.pt two/rnn.pt text.txt --limit 50 --json").stdout)
    assert [row["name"] for row in said["table"]] == ["one", "two", "one/rnn.pt", "two/rnn.pt"]


def test_a_recipe_is_trained_by_and_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("cells.toml --jobs 1 --device cpu -o out")
    assert result.exit_code == 0, result.output
    assert "test: mean squared error" in result.output
    again = run("cells.toml --jobs 1 --device cpu -o out")
    assert again.output == result.output

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments, "train_all", interrupted)
    result = run("cells.toml --jobs 1 --device cpu -o out")
    assert result.exit_code == 130
    assert "Interrupted; the same command goes on." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Missing argument"),
        ("cells.toml rnn.pt", "one recipe of a comparison, or networks alone"),
        ("rnn.pt text.txt -o out", "networks that are given are not trained"),
        ("rnn.pt text.txt --jobs 2", "networks that are given are not trained"),
        ("rnn.pt rnn.pt text.txt", "A network is given twice"),
        ("cells.toml --seed 1", "--seed is for networks; the recipe of a comparison names its seeds"),
        ("cells.toml lstm.pt text.txt", "one recipe of a comparison"),
        ("rnn.pt text.txt --limit 1", "--limit"),
        ("cells.toml --jobs 0", "--jobs"),
    ],
)
def test_a_wrong_use_is_explained(arguments: str, said: str) -> None:
    result = run(arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("absent.toml", "There is no recipe absent.toml"),
        ("absent.pt text.txt", "There is no file absent.pt"),
        ("rnn.pt lstm.pt", "compared on a text"),
        ("rnn.pt absent.txt", "There is no file absent.txt"),
        ("rnn.pt text.txt --concepts zzz", "There is no concept 'zzz'"),
        ("rnn.pt text.txt --table t.txt", "ending must be .csv"),
        ("rnn.pt text.txt --table new.csv --save t.gif", "t.gif"),
    ],
)
def test_a_fault_is_an_error_of_the_family(arguments: str, said: str) -> None:
    result = run(arguments)
    assert isinstance(result.exception, rnnscope.RnnscopeError)
    assert said in str(result.exception)

"""The command that finds units, as a user types it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import rnnscope
from rnnscope import checkpoint
from rnnscope.cli import main
from tests.handmade import dialogue, latch

from . import running

run = partial(running.run, "units")

TRAINING = {"method": "adamw", "learning_rate": 0.1, "precision": "32"}
RECORD = {
    "recipe": {"name": "latch", "seed": 0, "description": "", "limits": "", "training": TRAINING},
    "corpus": {"name": "c", "source": "s", "licence": "l", "counted": "characters", "parts": {}, "notes": {}},
    "step": 0,
    "best_step": 0,
    "epoch": 0.0,
    "seconds": 0.0,
    "clipped_share": 0.0,
    "scores": [],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a network that knows quotations, and two texts."""
    monkeypatch.chdir(tmp_path)
    checkpoint.save("latch.pt", latch(unit=5), RECORD)
    for seed, name in enumerate(("one.txt", "two.txt")):
        (tmp_path / name).write_text(dialogue(np.random.default_rng(seed), 2_000))
    return tmp_path


@pytest.mark.usefixtures("here")
def test_it_names_the_unit_of_each_concept() -> None:
    result = run("latch.pt", "one.txt", "two.txt", "--concepts", "quotes,vowel", "--concept", "stop=regex:[.]")
    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if "quotes" in line)
    assert ".5 " in row and "1.000" in row and "0.005" in row
    assert "stop" in result.output and "best of 48 units" in result.output


@pytest.mark.usefixtures("here")
def test_json_has_the_same_as_the_library() -> None:
    result = run("latch.pt", "one.txt", "--concepts", "quotes", "--json", "--signals", "c", "--seed", "3")
    said = json.loads(result.output)
    found = rnnscope.find_units(
        rnnscope.load("latch.pt"), Path("one.txt"), named_quotes(), signals=["c"], seed=3
    ).table.loc["quotes"]
    assert said["units"] == 8 and said["left_out"] == {}
    assert said["concepts"][0]["unit"] == found["unit"] == "l0.c.5"
    assert said["concepts"][0]["iou"] == found["iou"]


def named_quotes() -> list[rnnscope.Concept]:
    from rnnscope.probes.concepts import named

    return named("quotes")


@pytest.mark.usefixtures("here")
def test_names_are_not_markup() -> None:
    result = run("latch.pt", "one.txt", "--concept", "[b]=regex:[ac]", "--concept", "[/green]=regex:z")
    assert result.exit_code == 0, result.output
    assert "[b]" in result.output and "[/green] never holds" in result.output


@pytest.mark.usefixtures("here")
def test_a_text_comes_from_standard_input() -> None:
    result = CliRunner().invoke(
        main, ["units", "latch.pt", "-", "--concepts", "quotes"], input=Path("one.txt").read_text()
    )
    assert result.exit_code == 0 and "1.000" in result.output


@pytest.mark.usefixtures("here")
def test_a_trace_is_searched_and_the_table_and_picture_are_written() -> None:
    assert CliRunner().invoke(main, ["trace", "latch.pt", "one.txt"]).exit_code == 0
    result = run("one.zarr", "--concepts", "quotes,vowel", "--table", "units.parquet", "--save", "units.png")
    assert result.exit_code == 0, result.output
    assert pd.read_parquet("units.parquet").loc["quotes", "score"] == 1.0
    with Image.open("units.png") as picture:
        assert picture.width > 200
    again = run("one.zarr", "--concepts", "quotes", "--table", "units.parquet")
    assert again.exit_code == 2 and "units.parquet" in again.output
    assert run("one.zarr", "--concepts", "quotes", "--table", "units.parquet", "--force").exit_code == 0


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latch.pt"], "Give a model and texts"),
        (["latch.pt", "none.txt"], "none.txt"),
        (["none.zarr"], "There is no trace none.zarr"),
        (["latch.pt", "one.txt", "--concepts", "line-position", "--sort", "iou"], "no column 'iou'"),
        (["nothing.pt", "one.txt"], "nothing.pt"),
        (["latch.pt", "one.txt", "--concepts", "quots"], "Did you mean quotes"),
        (["latch.pt", "one.txt", "--concept", "x=regex:("], "x"),
        (["latch.pt", "one.txt", "--concept", "x=query:cobol:(a) @b"], "cobol"),
        (["latch.pt", "one.txt", "--concepts", "parentheses"], "parentheses never holds"),
        (["latch.pt", "one.txt", "--signals", "l0.q"], "no signal 'q'"),
        (["latch.pt", "one.txt", "--table", "units.xls"], ".csv or .parquet"),
        (["latch.pt", "one.txt", "--save", "units.gif"], "does not name a picture"),
        (["latch.pt", "short.txt"], "at least 1,000 steps"),
    ],
)
def test_bad_input_gets_one_paragraph(arguments: list[str], message: str) -> None:
    Path("short.txt").write_text("0123456789")
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

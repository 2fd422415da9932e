"""Directions on the command line, as a user types it: made, searched, ablated, traced, and compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rnnscope import checkpoint
from rnnscope.recording.directions import Directions
from tests.handmade import dialogue, latch

from .running import run
from .test_units import RECORD


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the latch network and a text."""
    monkeypatch.chdir(tmp_path)
    checkpoint.save("model.pt", latch(), RECORD)
    Path("text.txt").write_text(dialogue(np.random.default_rng(1), 1_200))
    return tmp_path


def works(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_components_are_written_and_then_searched_traced_and_ablated() -> None:
    said = works("directions", "model.pt", "text.txt", "--components", "5")
    assert "Wrote pc.npz: 5 principal components of l0.c, from 1," in said
    assert "along 1," in said
    assert "Next: rnnscope units model.pt text.txt --directions pc.npz --signals l0.pc" in said
    found = works("units", "model.pt", "text.txt", "--directions", "pc.npz", "--signals", "pc", "--concepts", "quotes")
    assert "l0.pc.0" in found
    subject = ("--directions", "pc.npz", "--unit", "l0.pc.0", "--concept", "quotes")
    shown = works("ablate", "model.pt", "text.txt", *subject)
    assert "the coordinate along pc of the cell state c itself" in " ".join(shown.split())
    held = works("clamp", "model.pt", *subject, "--values=0,1", "-n", "10", "--samples", "2")
    assert "quotes while l0.pc.0 is held" in held
    traced = works("trace", "model.pt", "text.txt", "--directions", "pc.npz", "--signals", "c,pc")
    assert "l0: c of 8 units; pc of 5 units" in traced
    assert "l0.pc.0" in works("describe", "text.zarr", "l0.pc.0")
    assert "l0.pc.4" in works("show", "text.zarr", "l0.pc.4", "--length", "50")


def test_a_rotation_is_written_with_its_seed() -> None:
    works("directions", "model.pt", "text.txt", "--kind", "rotation", "--seed", "3", "--signal", "l0.h")
    works("directions", "model.pt", "text.txt", "--kind", "rotation", "--seed", "3", "--signal", "l0.h", "-o", "b.npz")
    works("directions", "model.pt", "text.txt", "--kind", "rotation", "--name", "other", "--limit", "500")
    one, again, other = (Directions.load(f"{name}.npz") for name in ("rotation", "b", "other"))
    np.testing.assert_array_equal(one.vectors, again.vectors)
    assert (one.signal, other.signal, other.name) == ("l0.h", "l0.c", "other")
    both = ("--directions", "rotation.npz", "--directions", "other.npz", "--signals", "rotation,other")
    assert json.loads(works("units", "model.pt", "text.txt", *both, "--concepts", "quotes", "--json"))["units"] == 16


def test_bases_prints_a_table_and_draws_a_picture() -> None:
    said = works("bases", "model.pt", "text.txt", "--concepts", "quotes", "--rotations", "3", "--save", "bases.png")
    assert "The units of l0.c as a basis" in said
    assert "each divided by its standard deviation" in " ".join(said.split())
    assert "Drew bases.png" in said
    with Image.open("bases.png") as picture:
        assert picture.size > (100, 100)
    assert "as they are" in " ".join(works("bases", "model.pt", "text.txt", "--raw", "--rotations", "1").split())


def test_bases_prints_json_of_standard_input() -> None:
    text = Path("text.txt").read_text()
    result = run("bases", "model.pt", "-", "--concept", "quotes", "--rotations", "3", "--json", stdin=text)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["signal"], found["units"], found["standardised"]) == ("l0.c", 8, True)
    (row,) = found["concepts"]
    assert (row["concept"], row["unit"]) == ("quotes", "l0.c.3")
    scores = [rotation["quotes"] for rotation in found["rotations"]]
    assert row["as_well"] == sum(score >= row["unit_score"] for score in scores)
    assert row["p"] == (1 + row["as_well"]) / 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("directions", "model.pt", "text.txt", "-o", "taken.npz"), "taken.npz exists"),
        (("directions", "model.pt", "text.txt", "-o", "pc.csv"), "must be .npz"),
        (("directions", "model.pt", "none.txt"), "none.txt"),
        (("directions", "model.pt", "text.txt", "--signal", "l3.c"), "no layer"),
        (("directions", "model.pt", "text.txt", "--components", "9"), "8 units"),
        (("directions", "model.pt", "text.txt", "--kind", "rotation", "--components", "2"), "of --kind pca"),
        (("directions", "model.pt", "text.txt", "--name", "a.b"), "letters"),
        (("directions", "model.pt", "text.txt", "--name", "h", "-o", "new.npz"), "already"),
        (("bases", "model.pt"), "or a trace alone"),
        (("units", "model.pt", "text.txt", "--directions", "none.npz"), "There is no file none.npz"),
        (("units", "model.pt", "text.txt", "--directions", "taken.npz"), "not a file of directions"),
        (("units", "model.pt", "text.txt", "--directions", "wide.npz"), "has 8"),
        (("trace", "model.pt", "text.txt", "--directions", "h.npz"), "already"),
        (("bases", "model.pt", "text.txt", "--concepts", "nonsense"), "nonsense"),
        (("bases", "model.pt", "text.txt", "--save", "bases.doc"), ".png"),
    ],
)
def test_mistakes_are_one_paragraph(arguments: tuple[str, ...], message: str) -> None:
    Path("taken.npz").write_text("taken")
    Directions("l0.c", "pc", np.eye(9), np.zeros(9)).save("wide.npz")
    Directions("l0.c", "h", np.eye(8), np.zeros(8)).save("h.npz")
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_trace_is_seen_along_directions_and_other_bases() -> None:
    works("trace", "model.pt", "text.txt")
    works("directions", "model.pt", "text.txt")
    search = ("--directions", "pc.npz", "--signals", "pc", "--concepts", "quotes", "--json")
    (row,) = json.loads(works("units", "text.zarr", *search))["concepts"]
    assert row["unit"] == "l0.pc.0" and row["score"] > 0.99
    assert "The units of l0.c as a basis" in works("bases", "text.zarr", "--concept", "quotes", "--rotations", "2")

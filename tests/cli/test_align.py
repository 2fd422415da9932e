"""rnnscope align as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import rnnscope
from rnnscope.analysis.alignment import align_units
from tests import handmade

from . import running

run = partial(running.run, "align")

TEXT = handmade.dialogue(np.random.default_rng(1), 500)
MODELS = {"a": handmade.random_network(0), "b": handmade.random_network(1, cell="gru", units=5)}


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    return store(TEXT, **MODELS)


def test_two_models_are_aligned_on_a_text_and_drawn() -> None:
    result = run("a.pt", "b.pt", "text.txt", "--save", "a.svg")
    assert result.exit_code == 0, result.output
    assert "of 8 units of l0.c" in " ".join(result.output.split())
    assert Path("a.svg").read_text().startswith("<?xml")
    again = run("a.pt", "b.pt", "text.txt", "--save", "a.svg")
    assert again.exit_code == 2 and "a.svg" in again.output


@pytest.mark.parametrize("stdin", [False, True])
def test_json_has_what_python_finds(stdin: bool) -> None:
    given = ("-",) if stdin else ("text.txt",)
    result = run("a.pt", "b.pt", *given, "--json", "--signals", "l0.h", "--shifts", "19", stdin=TEXT if stdin else None)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    first, second = (rnnscope.trace(model, TEXT) for model in MODELS.values())
    known = align_units(first, second, "l0.h", shifts=19)
    assert found["signals"] == ["l0.h", "l0.h"] and found["steps"] == len(TEXT)
    assert [row["partner"] for row in found["table"]] == known.table["partner"].tolist()
    assert [row["correlation"] for row in found["table"]] == pytest.approx(known.table["correlation"].tolist())
    assert (found["first_guess"], found["first_cost"]) == (known.first_guess, known.first_cost)


def test_two_traces_are_aligned_alone() -> None:
    for name, model in MODELS.items():
        rnnscope.trace(model, TEXT, f"{name}.zarr")
    result = run("a.zarr", "b.zarr", "--signals", "l0.c,l0.h", "--json", "--shifts", "19")
    assert result.exit_code == 0 and json.loads(result.stdout)["signals"] == ["l0.c", "l0.h"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a.pt", "b.pt"), "Give a model and texts to read"),
        (("a.pt", "none.pt", "text.txt"), "none.pt"),
        (("a.pt", "b.pt", "none.txt"), "There is no file none.txt"),
        (("a.pt", "b.pt", "text.txt", "--signals", "l0.c"), "There is no signal 'c' in l0"),
        (("a.pt", "b.pt", "text.txt", "--signals", "l0.c.3,l0.h"), "l0.c.3 is one unit"),
        (("a.pt", "b.pt", "text.txt", "--signals", ","), "--signals has one address for both, or two"),
        (("a.pt", "b.pt", "text.txt", "--save", "a.bmp"), "a.bmp"),
    ],
)
def test_what_cannot_be_aligned_is_refused(arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output

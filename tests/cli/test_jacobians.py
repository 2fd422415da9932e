"""rnnscope jacobians as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rnnscope.analysis.gradients.jacobians import state_jacobians
from tests.handmade import dialogue, random_network

from . import running

run = partial(running.run, "jacobians")

TEXT = dialogue(np.random.default_rng(1), 900)
FEW = ("--lags", "1,5", "--places", "4", "--steps", "40", "--warmup", "10", "--sequences", "3", "--exponents", "4")
COMMAND = ("model.pt", "text.txt", *FEW)


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    return store(TEXT, model=random_network(0), rnn=random_network(0, "rnn"))


def test_it_prints_slope_values_and_exponents() -> None:
    result = run(*COMMAND)
    assert result.exit_code == 0, result.output
    for words in ("State Jacobians", "Slope of the norm", "Lyapunov spectrum", "4 of 16 exponents of l0.h, l0.c"):
        assert words in result.output
    assert "Bound" not in result.output
    assert "Bound of l0" in run("rnn.pt", *COMMAND[1:]).output


def test_it_prints_json() -> None:
    result = run(*COMMAND, "--json", "--seed", "3")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    expected = state_jacobians(random_network(0), TEXT, lags=[1, 5], places=4, seed=3)
    assert found["slope"] == pytest.approx(expected.slope)
    assert [row["lag"] for row in found["jacobians"]] == [1, 5]
    assert len(found["lyapunov"]) == 4
    assert found["bound"] is None
    vanilla = json.loads(run("rnn.pt", *COMMAND[1:], "--lags", "2", "--json").stdout)
    assert vanilla["slope"] is None  # of one lag
    assert vanilla["bound"][0]["layer"] == "l0"


def test_it_reads_standard_input_and_draws() -> None:
    result = run("model.pt", "-", *FEW, "--save", "picture.png", stdin=TEXT)
    assert result.exit_code == 0, result.output
    assert "Drew picture.png" in result.output
    with Image.open("picture.png") as picture:
        assert picture.width > picture.height
    assert run(*COMMAND, "--save", "picture.png").exit_code != 0
    assert run(*COMMAND, "--save", "picture.png", "--force").exit_code == 0


def test_lags_are_numbers() -> None:
    result = run(*COMMAND, "--lags", "1,two")
    assert result.exit_code == 2
    assert "no list of numbers" in result.output

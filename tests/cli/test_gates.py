"""rnnscope gates as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import rnnscope
from tests.handmade import dialogue, latch, random_network

from . import running

run = partial(running.run, "gates")

TEXT = dialogue(np.random.default_rng(1), 900)


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    return store(TEXT, model=latch(), rnn=random_network(0, "rnn"))


def test_it_prints_saturation_and_timescales() -> None:
    result = run("model.pt", "text.txt")
    assert result.exit_code == 0, result.output
    for words in ("Gate saturation", "l0.f", "Most right:", "Timescales of units", "l0.c, 8 units"):
        assert words in result.output


def test_it_prints_json() -> None:
    result = run("model.pt", "text.txt", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["saturation"]) == 3 * 8
    assert [row["signal"] for row in found["summary"]] == ["l0.i", "l0.f", "l0.o"]
    assert {row["signal"] for row in found["timescales"]} == {"l0.c"}
    assert found["no_saturation"] is None


def test_a_network_without_gates_has_timescales() -> None:
    result = run("rnn.pt", "text.txt")
    assert result.exit_code == 0, result.output
    assert "The vanilla RNN has no gate" in " ".join(result.output.split())
    assert "l0.h, 8 units" in result.output
    found = json.loads(run("rnn.pt", "text.txt", "--json").stdout)
    assert found["saturation"] is found["summary"] is None
    assert "no gate" in found["no_saturation"]


def test_it_reads_a_trace_or_standard_input() -> None:
    rnnscope.trace(latch(), TEXT, "text.zarr")
    traced = run("text.zarr", "--json")
    assert traced.exit_code == 0, traced.output
    read = run("model.pt", "-", "--json", stdin=TEXT)
    assert read.exit_code == 0, read.output
    assert json.loads(traced.stdout)["saturation"] == json.loads(read.stdout)["saturation"]
    assert run("text.zarr", "text.txt").exit_code == 2
    assert run("model.pt").exit_code == 2


def test_it_draws() -> None:
    result = run("model.pt", "text.txt", "--save", "picture.png")
    assert result.exit_code == 0, result.output
    assert len(list(Path().glob("picture*.png"))) == 2
    assert run("model.pt", "text.txt", "--save", "picture.png").exit_code != 0

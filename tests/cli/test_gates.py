"""rnnscope gates as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import rnnscope
from rnnscope import checkpoint
from rnnscope.cli.gates import gates
from tests.handmade import dialogue, latch, random_network

TEXT = dialogue(np.random.default_rng(1), 900)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two networks and a text."""
    monkeypatch.chdir(tmp_path)
    checkpoint.save("model.pt", latch(), {})
    checkpoint.save("rnn.pt", random_network(0, "rnn"), {})
    Path("text.txt").write_text(TEXT)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(gates, arguments, input=stdin)


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

"""rnnscope report as a user types it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rnnscope import checkpoint
from rnnscope.reports.html import filling
from rnnscope.tracing.making import trace as make_trace
from tests.handmade import dialogue, latch
from tests.reports.html.decoding import decoded

from . import running

run = partial(running.run, "report")

TEXT = dialogue(np.random.default_rng(1), 1_100)


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two latch networks, a text and a trace; without the panels, which take seconds."""
    monkeypatch.setattr(filling, "model_panels", lambda *_, **__: ([], []))
    return store(TEXT, model=latch(), other=latch(unit=5))


@pytest.fixture
def trace() -> str:
    make_trace(checkpoint.load("model.pt"), TEXT[:200], "t.zarr")
    return "t.zarr"


def test_a_report_is_written_and_said_what_it_holds() -> None:
    result = run("model.pt", "text.txt", "--concepts", "quotes")
    assert result.exit_code == 0, result.output
    assert "Wrote report.html" in result.output
    assert f"The text is here whole: {len(TEXT):,} steps" in " ".join(result.output.split())
    assert "Next: open report.html in a browser" in result.output
    page = decoded(Path("report.html")).page
    assert page["models"][0]["concepts"][0]["unit"] in ("l0.c.3", "l0.h.3")
    assert page["title"] == "untrained: text.txt"


def test_a_report_compares_and_ablates_and_prints_json() -> None:
    options = ("--compare", "other.pt", "--concepts", "quotes", "--ablate", "--title", "Two <latches>")
    result = run("model.pt", "text.txt", "-o", "r.html", *options, "--json", "--size", "2")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["path"] == "r.html"
    assert found["bytes"] == Path("r.html").stat().st_size < 2_000_000
    page = decoded(Path("r.html")).page
    assert page["notes"] == found["notes"]
    assert page["title"] == "Two <latches>"
    assert page["models"][0]["ablations"][0]["unit"] in ("l0.c.3", "l0.h.3")
    assert len(page["models"]) == 2


def test_a_trace_gives_a_report(trace: str) -> None:
    assert run(trace, "--unit", "l0.c.3", "-o", "r.html", "--model", "model.pt").exit_code == 0
    page = decoded(Path("r.html")).page
    assert page["text"]["characters"] == TEXT[:200]
    assert any("No concept was searched for: that takes 1,000 steps" in note for note in page["notes"])


def test_concepts_of_prose_are_searched_for_only_where_there_is_text() -> None:
    Path("rates.csv").write_text("\n".join(["value", *(str(50 + place % 7) for place in range(1_100))]))
    assert run("brent-forecaster", "rates.csv", "-o", "r.html").exit_code == 0
    assert not any("oncept" in note for note in decoded(Path("r.html")).page["notes"])
    assert run("model.pt", "text.txt", "--limit", "1000", "--force").exit_code == 0
    assert decoded(Path("report.html")).page["models"][0]["concepts"]


def test_a_trace_is_compared_with(trace: str) -> None:
    make_trace(checkpoint.load("other.pt"), TEXT[:200], "other.zarr")
    assert run(trace, "--compare", "other.zarr", "-o", "r.html").exit_code == 0
    assert len(decoded(Path("r.html")).page["models"]) == 2


def test_standard_input_and_a_limit() -> None:
    result = run("model.pt", "-", "--limit", "50", stdin=TEXT)
    assert result.exit_code == 0, result.output
    assert decoded(Path("report.html")).page["text"]["characters"] == TEXT[:50]
    assert f"the first 50 of {len(TEXT):,} characters" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.pt",), "Give a model and texts"),
        (("none.pt", "text.txt"), "none.pt"),
        (("model.pt", "none.txt"), "There is no file none.txt"),
        (("model.pt", "empty.txt"), "empty.txt is empty"),
        (("t.zarr", "--model", "other.pt"), "not of untrained (sha256"),
        (("model.pt", "text.txt", "--model", "other.pt"), "--model goes with a TRACE"),
        (("model.pt", "text.txt", "-o", "text.txt"), "text.txt exists"),
        (("model.pt", "text.txt", "-o", "nowhere/r.html"), "There is no folder"),
        (("model.pt", "text.txt", "--unit", "l0.c.9"), "Units: 0 to 7"),
        (("model.pt", "text.txt", "--unit", "l9.c.1"), "There is no layer"),
        (("model.pt", "text.txt", "--size", "0"), "--size"),
        (("model.pt", "text.txt", "--size", "0.01"), "MB without the values of units"),
        (("model.pt", "text.txt", "--concepts", "nothing"), "nothing"),
        (("names-classifier", "text.txt", "--compare", "model.pt"), "do not read the same steps"),
        (("model.pt", "text.txt", "--compare", "t.zarr"), "do not read the same steps"),
        (("model.pt", "text.txt", "--compare", "none.zarr"), "There is no trace none.zarr"),
        (("model.pt", "text.txt", "--concepts", "quotes", "-o", "folder"), "folder"),
        (("damaged.zarr",), "damaged"),
    ],
)
@pytest.mark.usefixtures("trace")
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    Path("empty.txt").touch()
    Path("folder").mkdir()
    shutil.copytree("t.zarr", "damaged.zarr")
    Path("damaged.zarr", "zarr.json").write_text("{")
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not Path("report.html").exists()
    assert not list(Path().glob(".partial*"))

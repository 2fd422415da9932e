"""What `rnnscope describe` says of a unit and of a signal, on networks set by hand."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import rnnscope
from tests import handmade

from . import running

run = partial(running.run, "describe")

TEXT = handmade.dialogue(np.random.default_rng(0), 4000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with traces of a latch and of a counter."""
    folder = tmp_path_factory.mktemp("traces")
    rnnscope.trace(handmade.latch(), TEXT, folder / "latch.zarr")
    rnnscope.trace(handmade.counter(), TEXT, folder / "counter.zarr", dtype="float16")
    rnnscope.trace(handmade.latch(), ["ab", "c"], folder / "short.zarr")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


def page(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())
    return result.output


def test_the_card_of_a_latch(here: Path) -> None:
    card = page("latch.zarr", "l0.c.3", "--concepts", "quotes, vowel", "--concept", "b=regex:b")
    assert card.startswith(f"l0.c.3, a switch  {len(TEXT):,} steps\n-1.00 █")
    assert "1 of 8" in card
    raised, lowered = card.index("raised by"), card.index("lowered by")
    assert raised < card.index(':"') and lowered < card.index('."')
    assert "highest" in card and "lowest" in card and "▼" in card
    explained = card.splitlines()[-1].split()
    assert (explained[0], explained[-1]) == ("1.00", "quotes")


def test_no_explanation_without_concepts(here: Path) -> None:
    assert "over the concepts" not in page("latch.zarr", "l0.c.3")


def test_the_card_of_a_counter_of_half_precision(here: Path) -> None:
    card = page("counter.zarr", "l0.c.3")
    assert card.startswith("l0.c.3, a counter")
    assert "1.00 from ⏎" in card


def test_a_whole_signal_has_its_units_by_kind(here: Path) -> None:
    output = page("latch.zarr", "l0.c")
    assert output.startswith("l0.c  8 units: 1 switch-like")
    first = [part.splitlines()[2].split() for part in output.split("\n\n")[1:]]
    assert first[0][0] == "l0.c.3" and first[0][-1] == "switch"
    assert [part.splitlines()[0] for part in output.split("\n\n")[1:]] == [
        "Most switch-like",
        "Best counters",
        "Longest memory",
    ]
    counters = page("counter.zarr", "l0.c").split("Best counters\n")[1].splitlines()[1].split()
    assert counters[0] == "l0.c.3" and counters[-3:] == ["⏎", "1.00", "counter"]


def test_json_says_the_same_in_numbers(here: Path) -> None:
    card = json.loads(page_of_json("latch.zarr", "l0.c.3", "--concepts", "quotes"))
    assert (card["address"], card["kind"], card["steps"], card["ranks"]["switch"]) == ("l0.c.3", "switch", len(TEXT), 1)
    assert card["raised_by"][0]["ngram"] == ':"'
    assert card["explanation"]["best"] == "quotes"
    assert card["explanation"]["formulas"][0]["iou"] == 1.0
    ends = [place["end"] for place in card["contexts"]]
    assert ends[0] == "highest" and ends[-1] == "lowest"
    series = rnnscope.open_trace("latch.zarr")["l0.c.3"].values
    assert card["contexts"][0]["value"] == series.max() == series[card["contexts"][0]["step"]]
    rows = json.loads(page_of_json("latch.zarr", "l0.c"))["units"]
    assert len(rows) == 8 and rows[0]["address"] == "l0.c.3"


def page_of_json(*arguments: str) -> str:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert "NaN" not in result.output
    return result.output


@pytest.mark.parametrize("address", ["l0.c.3", "l0.c", "l0.h.2"])
def test_a_trace_of_a_few_steps_is_no_reason_to_fail(here: Path, address: str) -> None:
    assert address in page("short.zarr", address)
    json.loads(page_of_json("short.zarr", address))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("latch.zarr l0.c.99", "There is no unit 99 in l0.c. Units: 0 to 7."),
        ("latch.zarr l0.r", "There is no signal 'r' in l0"),
        ("latch.zarr l3.c.1", "There is no layer 'l3'"),
        ("latch.zarr quotes", "'quotes' is not an address"),
        ("none.zarr l0.c", "There is no trace none.zarr"),
        ("latch.zarr l0.c.3 --concepts quots", "There is no concept 'quots'"),
        ("latch.zarr l0.c.3 --concept x=regex:(", "x"),
        ("latch.zarr l0.c --concepts quotes", "l0.c is a whole signal"),
        ("short.zarr l0.c.3 --concepts quotes", "At least 200 steps"),
    ],
)
def test_bad_input_is_one_paragraph(here: Path, arguments: str, said: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert said in result.output and "Traceback" not in result.output


def test_a_constant_unit_is_said_to_be_constant(here: Path, tmp_path: Path) -> None:
    model = handmade.latch()
    for parameter in model.rnn.parameters():
        parameter.data[:] = 0.0
    rnnscope.trace(model, TEXT[:300], tmp_path / "zero.zarr")
    card = page(str(tmp_path / "zero.zarr"), "l0.c.0")
    assert "always +0.00" in card and "the unit never changes" in card and "raised by: nothing" in card
    result = run(str(tmp_path / "zero.zarr"), "l0.c.0", "--concepts", "quotes")
    assert result.exit_code == 2 and "does not change in the first half" in result.output

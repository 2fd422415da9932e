"""rnnscope match as a user types it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import rnnscope
from rnnscope.analysis.matching import match

from . import running

run = partial(running.run, "match", "t.zarr")

TEXT = 'abc def. "ghij," abc.\n' * 12


@pytest.fixture
def stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., rnnscope.CharLanguageModel]
) -> Path:
    """A trace of two documents in the working folder."""
    monkeypatch.chdir(tmp_path)
    rnnscope.trace(make_model(layers=2), [TEXT, TEXT[5:]], "t.zarr", signals=["h", "c"])
    return tmp_path


@pytest.mark.usefixtures("stored")
def test_match_prints_the_span_its_units_and_where_they_are_on_again() -> None:
    result = run("--span", "30:34", "--threshold", "0.02", "--count", "5")
    assert result.exit_code == 0, result.output
    expected = match(rnnscope.open_trace("t.zarr"), (30, 34), threshold=0.02, count=5)
    assert "l1.c  steps 30 to 34  threshold 0.02" in result.output
    for address in expected.units.index:
        assert address in result.output
    rows = re.findall(r"^ *\d+/\d+ +\d+ +\d+ +(\d+)  (\d)  text", result.output, re.MULTILINE)
    assert [tuple(map(int, row)) for row in rows] == [
        *zip(expected.table["step"], expected.table["document"], strict=True)
    ]
    assert len(rows) == 5


@pytest.mark.usefixtures("stored")
def test_json_gives_the_numbers_of_the_tables() -> None:
    options = ("--signal", "l0.h", "--threshold", "0.05", "--off-around", "--count", "3")
    result = run("--span", "3:4", "--document", "1", *options, "--json")
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.output)
    trace = rnnscope.open_trace("t.zarr")
    expected = match(trace, (3, 4), "l0.h", document=1, threshold=0.05, off_around=True, count=3)
    assert (numbers["signal"], numbers["threshold"]) == ("l0.h", 0.05)
    start = len(TEXT) + 3
    assert numbers["span"] == {"start": start, "stop": start + 1, "text": TEXT[8]}
    assert [unit["address"] for unit in numbers["units"]] == expected.units.index.tolist()
    assert numbers["matches"] == expected.table.to_dict("records")
    assert len(numbers["matches"]) == 3


@pytest.mark.usefixtures("stored")
def test_match_draws_what_it_found_and_replaces_no_picture() -> None:
    asked = ("--span", "30:34", "--threshold", "0.02", "--count", "2", "--save", "found.svg")
    assert "Drew found.svg" in run(*asked).output
    assert Path("found.svg").read_text().startswith("<?xml")
    refused = run(*asked)
    assert refused.exit_code == 2 and "found.svg" in refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Missing option '--span'"),
        ("--span 3", "'3' is no span START:STOP"),
        ("--span 3:x", "'3:x' is no span"),
        ("--span -3:5", "'-3:5' is no span"),
        ("--span :5", "':5' is no span"),
        ("--span 9:3", "got 9:3"),
        ("--span 4:4", "got 4:4"),
        ("--span 0:9999", "got 0:9999"),
        ("--span 3:5 --document 7", "Documents go from 0 to 1; got 7"),
        ("--span 260:270", "beyond the end of document 0"),
        ("--span 3:5 --threshold 1.5", "below 1; got 1.5"),
        ("--span 3:5 --threshold high", "not a valid float"),
        ("--span 3:5 --threshold 0.99", "The highest at which one is: 0."),
        ("--span 3:5 --signal l0.f", "There is no signal 'f' in l0"),
        ("--span 3:5 --signal quotes", "not an address"),
        ("--span 3:5 --count 0", "not in the range"),
    ],
)
@pytest.mark.usefixtures("stored")
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: str, said: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert said in re.sub(r"\s+", " ", result.output)


def test_a_trace_that_is_not_there() -> None:
    result = run("--span", "3:5")
    assert result.exit_code == 2
    assert "There is no trace t.zarr" in result.output

"""rnnscope memory as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rnnscope import checkpoint
from rnnscope.models.transducer import Transducer, TransducerConfig
from tests.handmade import dialogue, latch

from .running import run

TEXT = dialogue(np.random.default_rng(1), 600)
MEMORY = ("memory", "model.pt", "text.txt", "--targets", "30", "--places", "8", "--horizon", "60")


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    counter = Transducer(TransducerConfig(problem="anbn", length=4, hidden_size=3))
    return store(TEXT, model=latch(), counter=counter)


def test_memory_prints_both_cards() -> None:
    result = run(*MEMORY)
    assert result.exit_code == 0, result.output
    for words in ("Effective context", "Measured at 30 random characters", "Forgetting times", ">60", "l0.c."):
        assert words in result.output


def test_memory_prints_json() -> None:
    result = run(*MEMORY, "--json", "--limit", "200")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"characters", "low", "high", "loss"} <= found.keys()
    assert found["contexts"][0]["condition"] == "full"
    assert found["contexts"][0]["to"] is None
    assert [row["signal"] for row in found["signals"]] == ["l0.h", "l0.c"]
    units = {row["unit"]: row for row in found["units"]}
    assert len(units) == 16
    assert units["l0.c.3"]["censored"] > 0
    assert found["horizon"] == 60


def test_memory_draws_a_picture_reads_standard_input_and_replaces_nothing() -> None:
    arguments = (*MEMORY[:2], "-", *MEMORY[3:], "--save", "memory.png")
    result = run(*arguments, stdin=TEXT)
    assert result.exit_code == 0, result.output
    with Image.open("memory.png") as picture:
        assert picture.width > 500
    assert "memory.png exists" in run(*arguments, stdin=TEXT).output


def test_memory_takes_contexts() -> None:
    result = run(*MEMORY, "--contexts", "3, 9", "--json")
    assert result.exit_code == 0, result.output
    contexts = json.loads(result.stdout)["contexts"]
    assert [row["to"] for row in contexts if row["condition"] == "truncated"] == [3, 9]


def test_a_network_of_a_problem_needs_no_text() -> None:
    result = run("memory", "counter.pt", "--lengths", "4,6", "--save", "counter.png")
    assert result.exit_code == 0, result.output
    for words in ("a^n b^n", "length  success", "units that follow the depth", "Drew counter.png"):
        assert words in result.output
    found = json.loads(run("memory", "counter.pt", "--json").stdout)
    assert (found["problem"], found["trained"], found["solved"]) == ("anbn", 4, None)
    assert [row["length"] for row in found["lengths"]] == [4, 6, 8, 12, 16]
    assert len(found["units"]) == 6


def test_no_unit_is_said_to_count_where_nothing_is_counted() -> None:
    checkpoint.save("adder.pt", Transducer(TransducerConfig(problem="adding", length=4, hidden_size=3)), {})
    result = run("memory", "adder.pt", "--lengths", "4", "--save", "adder.png")
    assert result.exit_code == 0, result.output
    assert "constant answer" in result.output
    assert "depth" not in result.output
    assert json.loads(run("memory", "adder.pt", "--lengths", "4", "--json").stdout)["units"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*MEMORY[:2], "none.txt"), "There is no file none.txt"),
        (("memory", "none.pt", "text.txt"), "none.pt"),
        (("memory", "names-classifier", "text.txt"), "reads forward"),
        ((*MEMORY, "--horizon", "5000"), "Two places with 5,000 characters after them are needed"),
        ((*MEMORY, "--limit", "3"), "at least 4 characters"),
        ((*MEMORY, "--places", "1"), "1 is not in the range"),
        ((*MEMORY, "--save", "memory.txt"), "does not name a picture"),
        (("memory", "model.pt"), "Say which text to read"),
        ((*MEMORY, "--contexts", "10,x"), "'10,x' is no list of numbers"),
        ((*MEMORY, "--contexts", "0"), "contexts are whole numbers of at least 1; got [0]"),
        ((*MEMORY, "--lengths", "10"), "of a text say --contexts"),
        (("memory", "counter.pt", "text.txt", "--limit", "9"), "reads no text: leave text.txt and --limit out"),
        (("memory", "counter.pt", "--lengths", "2"), "anbn needs a length from 4 to 10,000; got 2"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

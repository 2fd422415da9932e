"""rnnscope gradients as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from rnnscope import checkpoint
from tests.handmade import latch, random_network

from .running import run

TEXT = 'abc. ab:"dcb. ab." cc.\n' * 8
GRADIENTS = ("gradients", "latch.pt", "text.txt", "--lags", "10", "--targets", "20")


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    return store(TEXT, latch=latch(), gru=random_network(0, "gru"))


def test_it_prints_a_card_of_one_network() -> None:
    result = run(*GRADIENTS)
    assert result.exit_code == 0, result.output
    card = " ".join(result.output.split())
    for words in ("Gradient flow of lstm, 1 layer of 8 units", "20 targets in 184 characters, lags 0 to 10", "l0.c"):
        assert words in card


def test_it_sets_networks_side_by_side_and_beside_their_first_weights() -> None:
    result = run("gradients", "latch.pt", "gru.pt", "-", *GRADIENTS[3:], "--initial", "--save", "all.png", stdin=TEXT)
    assert result.exit_code == 0, result.output
    for name in ("latch (initial)", "gru (initial)"):
        assert name in result.output
    with Image.open("all.png") as picture:
        assert picture.width > 300


def test_in_a_pipe_each_row_names_its_network() -> None:
    rows = [line.split()[:2] for line in run("gradients", "latch.pt", "gru.pt", *GRADIENTS[2:]).output.splitlines()]
    assert [row for row in rows if row[-1].startswith("l0.")] == [["latch", "l0.h"], ["latch", "l0.c"], ["gru", "l0.h"]]


def test_it_prints_json() -> None:
    result = run("gradients", "latch.pt", "gru.pt", *GRADIENTS[2:], "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["networks"]
    assert (first["name"], second["name"]) == ("latch", "gru")
    assert first["targets"] == 20
    assert [row["signal"] for row in first["summary"]] == ["l0.h", "l0.c"]
    assert len(first["table"]) == 2 * 11
    assert first["loss"] != second["loss"]


def test_weights_kept_in_a_training_are_named_by_their_steps() -> None:
    for folder, name in (("a", "model"), ("a", "step-000000"), ("a", "step-000050"), ("b", "step-000050")):
        Path(folder).mkdir(exist_ok=True)
        checkpoint.save(f"{folder}/{name}.pt", latch(), {})

    def names(*paths: str) -> list[str]:
        result = run("gradients", *paths, *GRADIENTS[2:], "--json")
        return [network["name"] for network in json.loads(result.stdout)["networks"]]

    assert names("a/step-000000.pt", "a/step-000050.pt", "a/model.pt") == ["step-000000", "step-000050", "a"]
    assert names("a/step-000050.pt", "b/step-000050.pt", "a/model.pt") == [
        "a/step-000050.pt",
        "b/step-000050.pt",
        "a",
    ]


def test_it_draws_a_map_of_each_signal() -> None:
    result = run(*GRADIENTS, "--map", "50:70", "--save", "map.pdf", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["networks"][0]["targets"] == 20
    assert Path("map.pdf").stat().st_size > 1000
    again = run(*GRADIENTS, "--map", "50:70", "--save", "map.pdf")
    assert again.exit_code == 2
    assert "map.pdf exists" in again.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*GRADIENTS, "--lags", "500"), "A target at a lag of 500 needs"),
        ((*GRADIENTS, "--lags", "-1"), "-1 is not in the range"),
        ((*GRADIENTS, "--map", "50:70"), "say where to with --save"),
        ((*GRADIENTS, "--map", "70:50", "--save", "map.png"), "two steps or more; got 70:50"),
        ((*GRADIENTS, "--map", "fifty"), "no span START:STOP"),
        ((*GRADIENTS, "--map", "5:9", "--save", "map.png"), "Step 5 can be no target"),
        ((*GRADIENTS, "--save", "flow.txt"), "does not name a picture"),
        (("gradients", "text.txt"), "Missing argument"),
        (("gradients", "latch.pt", *GRADIENTS[1:]), "A network is given twice"),
        (("gradients", "none.pt", "text.txt"), "none.pt"),
        (("gradients", "latch.pt", "none.txt"), "There is no file none.txt"),
        (("gradients", "names-classifier", "text.txt"), "both directions"),
        (("gradients", "german-translator", "text.txt"), "got a translator"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

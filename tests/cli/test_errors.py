"""rnnscope errors as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnnscope import checkpoint
from rnnscope.analysis.mistakes.categories import CATEGORIES
from tests.handmade import dialogue, latch, random_network

from .running import run

ERRORS = ("errors", "latch.pt", "runs/gru/model.pt", "text.txt")
TRAIN = ("--train", "train.txt")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_model: Any) -> None:
    """A working folder with networks, a text to read and one to learn from."""
    monkeypatch.chdir(tmp_path)
    Path("runs/gru").mkdir(parents=True)
    checkpoint.save("latch.pt", latch(), {})
    checkpoint.save("runs/gru/model.pt", random_network(1, "gru"), {})
    checkpoint.save("other.pt", make_model(), {})
    Path("text.txt").write_text(dialogue(np.random.default_rng(1), 600))
    Path("train.txt").write_text(dialogue(np.random.default_rng(2), 2000))


def test_errors_prints_tables() -> None:
    result = run(*ERRORS, *TRAIN)
    assert result.exit_code == 0, result.output
    for words in ("latch", "gru", "7-gram", "first letter", "Loss of the closing quote"):
        assert words in result.output


def test_errors_prints_json() -> None:
    result = run(*ERRORS, *TRAIN, "--ngram", "2", "--ngram", "4", "--json", "--limit", "300")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [row["model"] for row in found["models"]] == ["latch", "gru", "2-gram", "4-gram"]
    assert found["definitions"] == CATEGORIES
    assert len(found["categories"]) == 4 * len(CATEGORIES)
    assert len(found["pairs"]) == 12 * len(CATEGORIES) - 10  # beside an n-gram, "n-gram" is no category
    assert {"classes", "positions", "distances"} <= found.keys()
    assert found["text"].startswith("the first 300 of")


def test_errors_draws_a_picture_and_replaces_nothing() -> None:
    assert run(*ERRORS, "--save", "errors.png").exit_code == 0
    with Image.open("errors.png") as picture:
        assert picture.width > 500
    assert "errors.png exists" in run(*ERRORS, "--save", "errors.png").output


def test_definitions_need_no_model() -> None:
    result = run("errors", "--definitions")
    assert result.exit_code == 0, result.output
    assert all(name in result.output for name in CATEGORIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*ERRORS, "--ngram", "3"), "give train"),
        ((*ERRORS[:3], "none.txt"), "There is no file none.txt"),
        ((*ERRORS[:2], "other.pt", *ERRORS[3:]), "latch and other know different characters"),
        ((*ERRORS[:2], "latch.pt", *ERRORS[3:]), "A network is given twice"),
        (("errors", "names-classifier", *ERRORS[3:]), "reads forward"),
        (("errors", "none.pt", *ERRORS[3:]), "none.pt"),
        (ERRORS[:1], "Missing argument"),
        (("errors", "text.txt"), "Missing argument"),
        ((*ERRORS, "--save", "errors.txt"), "does not name a picture"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

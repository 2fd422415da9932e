"""rnnscope ablate and rnnscope clamp as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.handmade import dialogue, latch

from .running import run

TEXT = dialogue(np.random.default_rng(1), 900)
ABLATE = ("ablate", "model.pt", "text.txt", "--unit", "l0.c.3", "--concept", "quotes")
CLAMP = ("clamp", "model.pt", "--unit", "l0.c.3", "--concept", "quotes", "-n", "20", "--samples", "2")


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path]) -> Path:
    return store(TEXT, model=latch())


def test_ablate_prints_a_card() -> None:
    result = run(*ABLATE)
    assert result.exit_code == 0, result.output
    card = " ".join(result.output.split())
    for words in (
        "quotes without l0.c.3",
        "the cell state c itself",
        "replaced by its mean",
        "7 matched units of l0.c",
    ):
        assert words in card
    assert f"{len(TEXT):,} characters in 1 document" in card


def test_ablate_prints_json() -> None:
    result = run(*ABLATE, "--json", "--controls", "2", "--replaced-by", "mean", "--unit", "l0.c.5", "--seed", "3")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["units"] == ["l0.c.3", "l0.c.5"]
    assert "their mean over this text" in found["what"]
    places = {row["place"]: row for row in found["table"]}
    assert list(places) == ["inside", "outside", "all", "begins", "ends"]
    assert places["ends"]["change"] > 5
    assert places["ends"]["characters"] == found["endings"]['"']
    assert len(found["controls"]) == 2
    alone = json.loads(run(*ABLATE, "--json", "--controls", "0").stdout)
    assert alone["controls"] == []
    assert alone["table"][0]["ratio"] is None


def test_ablate_reads_several_documents_up_to_a_limit_standard_input_and_encodings() -> None:
    result = run(*ABLATE[:3], "-", *ABLATE[3:], "--limit", f"{len(TEXT) + 50}", "--controls", "0", stdin=TEXT)
    assert result.exit_code == 0, result.output
    Path("latin.txt").write_text(TEXT.replace("a", "é"), encoding="latin-1")
    latin = run(*ABLATE[:2], "latin.txt", *ABLATE[3:], "--encoding", "latin-1", "--controls", "0")
    assert latin.exit_code == 0, latin.output
    assert f"{TEXT[1:].count('a')} unknown ones not counted" in " ".join(latin.output.split())
    assert f"first {len(TEXT) + 50:,} of {2 * len(TEXT):,} characters in 2 documents" in " ".join(result.output.split())


def test_ablate_draws_a_picture_and_replaces_none() -> None:
    assert run(*ABLATE, "--controls", "2", "--save", "effect.png").exit_code == 0
    with Image.open("effect.png") as picture:
        assert picture.width > 300
    again = run(*ABLATE, "--save", "effect.png")
    assert again.exit_code == 2
    assert "effect.png exists" in again.output
    assert run(*ABLATE, "--controls", "2", "--save", "effect.png", "--force", "--json").exit_code == 0


def test_clamp_prints_a_table_and_json() -> None:
    result = run(*CLAMP, "--values=-1,0.5")
    assert result.exit_code == 0, result.output
    assert "quotes while l0.c.3 is held" in result.output
    found = json.loads(run(*CLAMP, "--values=-1,0.5", "--json", "--save", "sweep.svg").stdout)
    assert [row["value"] for row in found["table"]] == [None, -1, 0.5]
    assert all(0 <= row["share"] <= 1 and len(row["example"]) == 20 for row in found["table"])
    assert next(iter(found["table"][0])) == "value"
    assert Path("sweep.svg").stat().st_size > 1000
    assert len(json.loads(run(*CLAMP, "--json").stdout)["table"]) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*ABLATE[:4], "l0.c.8", *ABLATE[5:]), "Units: 0 to 7"),
        ((*ABLATE[:6], "nothing"), "nothing"),
        ((*ABLATE[:6], "prose"), "name one of them"),
        ((*ABLATE[:6], "nowhere=regex:XYZ"), "nowhere holds nowhere"),
        ((*ABLATE, "--on", "above"), "h alone, which is read in two ways; got l0.c.3"),
        ((*ABLATE, "--replaced-by", "one"), "'one' is not one of"),
        ((*ABLATE, "--save", "effect.txt"), "does not name a picture"),
        ((*ABLATE, "--controls", "-1"), "-1 is not in the range"),
        (("ablate", "model.pt", "none.txt", *ABLATE[3:]), "There is no file none.txt"),
        (("ablate", "none.pt", *ABLATE[2:]), "none.pt"),
        (("ablate", "names-classifier", *ABLATE[2:]), "reads forward"),
        (("ablate", "model.pt", *ABLATE[3:]), "Missing argument"),
        ((*CLAMP, "--values", "1,two"), "no list of numbers"),
        ((*CLAMP, "--values=inf"), "finite"),
        ((*CLAMP, "--temperature", "0"), "0"),
        ((*CLAMP, "--temperature", "nan"), "temperature"),
        ((*CLAMP, "--prompt", ""), "The prompt is one character or more"),
        (("clamp", "model.pt", "--unit", "l0.q.3", *CLAMP[4:]), "There is no signal"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

"""rnnscope probe as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rnnscope
from rnnscope.recording.directions import Directions
from tests.handmade import dialogue, latch

from .running import run

RECORD = {
    "recipe": {"name": "own", "seed": 0, "training": {"method": "adam", "learning_rate": 0.1, "precision": "32"}},
    "corpus": {"name": "", "source": "", "licence": "", "counted": "texts", "parts": {"train": 200}, "notes": {}},
    **{"step": 1, "epoch": 1.0, "best_step": 1, "seconds": 1.0, "clipped_share": 0.0, "scores": []},
}
"""What is known of a network's training, but for its texts."""

TEXT = dialogue(np.random.default_rng(1), 1_500)
PROBE = ("probe", "model.pt", "text.txt", "--concept", "quotes")


@pytest.fixture(autouse=True)
def here(store: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    return store(TEXT, model=latch())


def test_probe_prints_the_line_that_a_paper_needs() -> None:
    result = run(*PROBE)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert said.startswith("quotes from 8 units of l0.c: accuracy 1.000 (1.000 to 1.000), majority 0.")
    for part in ("untrained 0.", "selectivity 0.", "compression", "k 1 with 1.000 (l0.c.3) Read: quotes at"):
        assert part in said
    assert max(map(len, result.output.splitlines())) <= 80


def test_probe_prints_json() -> None:
    result = run(*PROBE, "--json", "--no-untrained", "--unit", "l0.c.3", "--unit", "l0.h", "--seed", "3")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["probes"]
    figures = {row["figure"]: row for row in found["figures"]}
    assert figures["accuracy"] == {"figure": "accuracy", "value": 1, "low": 1, "high": 1}
    assert figures["untrained"]["value"] is None
    assert figures["selectivity"]["value"] == pytest.approx(1 - figures["control"]["value"])
    assert (found["units"], found["classes"], found["k"]) == (9, ["no", "yes"], 1)
    assert found["single"] == {"unit": "l0.c.3", "accuracy": 1}
    assert found["compression"] > found["frequency_compression"] > 0.9
    assert [row["k"] for row in found["curve"]] == [1, 2, 4, 8, 9]
    assert found["curve"][0]["units"] in (["l0.c.3"], ["l0.h.3"])


def test_several_concepts_are_several_lines_also_of_standard_input() -> None:
    arguments = ("probe", "model.pt", "-", "--concept", "quotes", "--concept", "vowel", "--json")
    both = json.loads(run(*arguments, stdin=TEXT).stdout)["probes"]
    assert [found["concept"] for found in both] == ["quotes", "vowel"]
    assert both[0]["line"] == json.loads(run(*PROBE, "--json").stdout)["probes"][0]["line"].replace("text.txt", "stdin")


def test_a_trace_has_its_text() -> None:
    rnnscope.trace(latch(), TEXT, "text.zarr")
    result = run("probe", "text.zarr", "--concept", "quotes")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "accuracy 1.000" in said
    assert "untrained" not in said


def test_pictures_and_directions_are_written_and_none_replaced() -> None:
    arguments = (*PROBE, "--save", "quotes.png", "--save-direction", "quotes.npz")
    assert run(*arguments).exit_code == 0
    with Image.open("quotes.png") as picture:
        assert picture.width > 300
    directions = Directions.load("quotes.npz")
    assert directions.signal == "l0.c"
    assert np.abs(directions.vectors[0]).argmax() == 3
    ablated = run("ablate", "model.pt", "text.txt", "--directions", "quotes.npz", "--unit", "l0.probe.0", *PROBE[3:])
    assert ablated.exit_code == 0, ablated.output
    again = run(*arguments)
    assert again.exit_code == 2
    assert "quotes.png exists" in again.output
    assert run(*arguments, "--force", "--json").exit_code == 0


def test_directions_are_probed_beside_those_of_the_untrained_network() -> None:
    made = run("directions", "model.pt", "text.txt", "--signal", "l0.c", "-o", "pc.npz")
    assert made.exit_code == 0, made.output
    result = run(*PROBE, "--directions", "pc.npz", "--unit", "l0.pc", "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["probes"]
    figures = {row["figure"]: row["value"] for row in found["figures"]}
    assert figures["accuracy"] > 0.99 > figures["untrained"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*PROBE, "--unit", "l0.c.8"), "Units: 0 to 7"),
        ((*PROBE, "--unit", "l1.c"), "Layers: l0"),
        ((*PROBE[:4], "nothing"), "nothing"),
        ((*PROBE[:4], "prose"), "name one of them"),
        ((*PROBE[:4], "nowhere=regex:XYZ"), "nowhere says no wherever it applies"),
        ((*PROBE[:2], "short.txt", *PROBE[3:]), "at least 1,000 steps, or 10 documents"),
        ((*PROBE[:2], "empty.txt", *PROBE[3:]), "empty"),
        ((*PROBE[:2], "none.txt", *PROBE[3:]), "There is no file none.txt"),
        (("probe", "none.pt", *PROBE[2:]), "none.pt"),
        (("probe", "model.pt", "--concept", "quotes"), "or a trace alone"),
        (("probe", "text.zarr", *PROBE[2:]), "or a trace alone"),
        (("probe", "none.zarr", "--concept", "quotes"), "none.zarr"),
        (PROBE[:3], "for example: --concept quotes"),
        ((*PROBE, "--save", "effect.txt"), "does not name a picture"),
        ((*PROBE, "--save-direction", "d.txt"), ".npz"),
        ((*PROBE, "--concept", "vowel", "--save-direction", "d.npz"), "of one concept"),
        (
            (*PROBE, "--unit", "l0.c.3", "--save-direction", "d.npz"),
            "one whole signal. Name one, such as --unit l0.c.",
        ),
        (
            (*PROBE[:2], "empty.txt", *PROBE[3:], "--unit", "l0.c", "--unit", "l0.h", "--save-direction", "d.npz"),
            "one whole signal",
        ),
        ((*PROBE, "--limit", "1"), "1 is not in the range"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    Path("short.txt").write_text("a")
    Path("empty.txt").write_text("")
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output

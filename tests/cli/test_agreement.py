"""rnnscope agreement as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnscope import checkpoint
from tests.analysis.agreement.agreeing import agreeing, agreeing_pairs
from tests.handmade import random_network

from .running import run

AGREE = ("agreement", "model.pt", "pairs.tsv")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a network that agrees, pairs for it, and a text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rnnscope.probes.experiments.number._FOLDS", 2)
    checkpoint.save("model.pt", agreeing(), {})
    lines = ["kind\tnumber\tattractor\tgood\tbad"]
    lines += ["\t".join([*pair.conditions.values(), pair.good, pair.bad]) for pair in agreeing_pairs()]
    Path("pairs.tsv").write_text("\n".join(lines))
    Path("text.txt").write_text('ab "cd dd". ba cc dd\n' * 20)
    return tmp_path


def test_a_card_with_a_baseline() -> None:
    result = run(*AGREE, "--by", "number", "--train", "text.txt", "--ngram", "3")
    assert result.exit_code == 0, result.output
    for words in ("24 pairs", "singular", "3-gram", "1.00"):
        assert words in result.output


def test_json_and_pictures_of_all_three_parts() -> None:
    options = ("--probe", "--unit", "l0.c.3", "--controls", "2", "--json", "--save", "a.pdf")
    result = run(*AGREE, *options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == ["agreement", "probes", "ablation"]
    assert found["agreement"]["table"][0]["right"] == 1
    assert found["probes"]["table"][-1]["accuracy"] == 1
    ablated = {(row["condition"], row["measure"]): row for row in found["ablation"]["table"]}
    assert ablated["all", "right"]["ablated"] == 0.5 and ablated["all", "auc"]["low"] is None
    assert Path("a.pdf").exists()
    again = run(*AGREE, "--save", "a.pdf")
    assert again.exit_code == 2 and "--force" in again.output


def test_some_pairs_only() -> None:
    found = json.loads(run(*AGREE, "--json", "--only", "kind=bb", "--only", "number=plural").stdout)
    assert found["agreement"]["table"][0]["pairs"] == 6
    either = json.loads(run(*AGREE, "--json", "--only", "kind=bb", "--only", "kind=cc").stdout)
    assert either["agreement"]["table"][0]["pairs"] == 24


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "kind=dd"), "There is bb, cc"),
        (("--only", "colour=red"), "no column colour"),
        (("--only", "plural"), "no column and value"),
        (("--by", "colour"), "no condition 'colour'"),
        (("--unit", "l0.c.99"), "99"),
        (("--before", ""), "before is one character"),
        (("--train", "none.txt"), "none.txt"),
        (("--save", "a.gif"), "a.gif"),
    ],
)
def test_bad_input_is_one_paragraph(options: tuple[str, ...], words: str) -> None:
    result = run(*AGREE, *options)
    assert result.exit_code == 2 and words in " ".join(result.output.split())


def test_a_file_that_is_none_and_a_network_that_is_another() -> None:
    assert run("agreement", "model.pt", "text.txt").exit_code == 2
    assert run("agreement", "model.pt", "nothing.tsv").exit_code == 2
    result = run("agreement", "spam-classifier", "pairs.tsv")
    assert result.exit_code == 2 and "language model" in result.output


def test_a_small_file_is_too_small_for_probes() -> None:
    lines = Path("pairs.tsv").read_text().split("\n")
    Path("small.tsv").write_text("\n".join([lines[0], *(line for line in lines if "ab " in line)]))
    result = run("agreement", "model.pt", "small.tsv", "--probe")
    assert result.exit_code == 2
    assert "at least 4 nouns in sentences of one form" in " ".join(result.output.split())


def test_a_network_that_does_not_agree_is_told_so() -> None:
    checkpoint.save("random.pt", random_network(0), {})
    found = json.loads(run("agreement", "random.pt", "pairs.tsv", "--json").stdout)
    whole = found["agreement"]["table"][0]
    assert whole["right"] < 0.9 and whole["low"] < 0.5


def test_a_direction_can_be_taken_away() -> None:
    made = run("directions", "model.pt", "text.txt", "--signal", "l0.c", "-o", "pc.npz")
    assert made.exit_code == 0, made.output
    result = run(*AGREE, "--directions", "pc.npz", "--unit", "l0.pc.0", "--controls", "2", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ablation"]["units"] == ["l0.pc.0"]
    assert run(*AGREE, "--unit", "l0.pc.0", "--controls", "2").exit_code == 2

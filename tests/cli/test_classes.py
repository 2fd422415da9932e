"""rnnscope classes as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rnnscope import SequenceClassifier, Vocabulary, checkpoint
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.probes.experiments.holding import written_while_held
from tests.handmade import latch
from tests.probes.experiments.test_single_unit import quotations

from .running import run

CLASSES = ("classes", "model.pt", "--labelled", "table.tsv")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the latch network, a classifier, and labelled texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rnnscope.probes.experiments.single_unit._STRENGTHS", (0.01, 0.1))
    checkpoint.save("model.pt", latch(), {})
    torch.manual_seed(0)
    config = ClassifierConfig(cell="gru", hidden_size=6, embedding_size=4)
    judge = SequenceClassifier(config, Vocabulary('abcd .:"\n'), ["inside", "outside"]).eval()
    checkpoint.save("judge.pt", judge, {})
    lines = [f"{example.label}\t{example.text}" for example in quotations(160).examples]
    Path("table.tsv").write_text("\n".join(lines))
    return tmp_path


def test_a_card_and_a_picture() -> None:
    result = run(*CLASSES, "--save", "study.png")
    assert result.exit_code == 0, result.output
    assert "l0.c.3 alone tells 100.0% of the texts" in result.output
    assert Path("study.png").exists()
    assert run(*CLASSES, "--save", "study.png").exit_code == 2


def test_json_of_a_language_model_that_writes_for_a_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    options = dict(written_while_held.__kwdefaults__ or {})
    monkeypatch.setattr(written_while_held, "__kwdefaults__", options | {"length": 5, "samples": 2})
    result = run(*CLASSES, "--judge", "judge.pt", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["unit"] == "l0.c.3" and len(found["curve"]) == 2
    assert found["clamp"]["label"] == "outside" and len(found["clamp"]["table"]) == 8


def test_a_classifier_answers_while_its_unit_is_held() -> None:
    result = run("classes", "judge.pt", "--labelled", "table.tsv", "--clamp", "--save", "c.png")
    assert result.exit_code == 0, result.output
    assert "the network itself" in result.output and "said to be outside while" in result.output
    assert Path("c-1.png").exists() and Path("c-2.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*CLASSES, "--clamp"), "Name a classifier with --judge"),
        ((*CLASSES, "--judge", "model.pt"), "classifier of texts"),
        (("classes", "judge.pt", "--labelled", "table.tsv", "--judge", "judge.pt"), "writes nothing"),
        (("classes", "model.pt", "--labelled", "nothing"), "nothing"),
        ((*CLASSES, "--save", "a.gif"), "a.gif"),
        (("classes", "model.pt"), "--labelled"),
        (("classes", "model.pt", "--labelled", "three.tsv"), "three.tsv has 3."),
        (("classes", "german-translator", *CLASSES[2:]), "A language model or a classifier of rnnscope was expected"),
    ],
)
def test_bad_input_is_one_paragraph(arguments: tuple[str, ...], words: str) -> None:
    Path("three.tsv").write_text("\n".join(f"{label}\t{text}" for label in "xyz" for text in ("ab", "cd")))
    result = run(*arguments)
    assert result.exit_code == 2 and words in " ".join(result.output.split())

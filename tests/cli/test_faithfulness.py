"""rnnscope faithfulness as a user types it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from rnnscope import SequenceClassifier, Vocabulary, checkpoint
from rnnscope.models.classifier import ClassifierConfig
from tests.handmade import latch

from . import running

run = partial(running.run, "faithfulness")

FAST = ("--method", "saliency", "--orders", "3")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a classifier, a language model, lines and labelled texts."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    config = ClassifierConfig(hidden_size=6, embedding_size=4)
    checkpoint.save("classifier.pt", SequenceClassifier(config, Vocabulary("abcde "), ["yes", "no"]).eval(), {})
    checkpoint.save("model.pt", latch(), {})
    Path("lines.txt").write_text("ab cde\nea bbc\n\ndecade\n")
    rows = [f"{'yes' if number % 2 else 'no'}\tab{number:b} cd e\n" for number in range(60)]
    Path("table.tsv").write_text("label\ttext\n" + "".join(rows).replace("0", "d").replace("1", "e"))
    return tmp_path


def test_it_prints_a_line_a_method_and_a_verdict() -> None:
    result = run("classifier.pt", "lines.txt")
    assert result.exit_code == 0, result.output
    card = " ".join(result.output.split())
    for words in ("3 texts", "integrated-gradients", "contextual-decomposition", "rust", "deep-lift. DeepLift"):
        assert words in card


def test_it_prints_json() -> None:
    result = run(
        "classifier.pt",
        "lines.txt",
        *FAST,
        "--method",
        "occlusion",
        "--json",
        "--target",
        "0",
        "--words",
        "--baseline",
        "zero",
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["target"] == "logit of yes"
    assert (found["parts"], found["texts"], found["left_out"], found["orders"]) == ("words", 2, 1, 3)
    assert {row["method"] for row in found["table"]} == {"saliency", "occlusion"}
    assert set(found["verdicts"]) == {"saliency", "occlusion"}
    assert {row["method"] for row in found["curves"]} == {"saliency", "occlusion", "random"}


def test_words_need_two_in_each_text() -> None:
    Path("one.txt").write_text("abc\n")
    result = run("classifier.pt", "one.txt", *FAST, "--words")
    assert result.exit_code == 2
    assert "two words or more that differ" in " ".join(result.output.split())


def test_a_language_model_reads_stretches_and_their_last_characters() -> None:
    Path("text.txt").write_text('ab:"cab dab" abba cd.\n' * 10)
    result = run("model.pt", "text.txt", *FAST, "--json", "--length", "20", "--count", "4")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["texts"] == 4
    assert "log-probability" in found["target"]


def test_labelled_texts_are_those_of_the_test_part() -> None:
    result = run("classifier.pt", "--labelled", "table.tsv", *FAST, "--json", "--count", "1000")
    assert result.exit_code == 0, result.output
    assert 1 <= json.loads(result.stdout)["texts"] < 20


def test_it_draws_and_does_not_overwrite(here: Path) -> None:
    arguments = ("classifier.pt", "-", *FAST, "--save", "picture.png")
    assert "Drew picture.png" in run(*arguments, stdin="abc de\n").output
    with Image.open(here / "picture.png") as picture:
        assert picture.width > picture.height
    again = run(*arguments, stdin="abc de\n")
    assert again.exit_code == 2
    assert run(*arguments, "--force", stdin="abc de\n").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("classifier.pt",), "got neither"),
        (("classifier.pt", "lines.txt", "--labelled", "table.tsv"), "got both"),
        (("classifier.pt", "none.txt"), "no file none.txt"),
        (("classifier.pt", "lines.txt", "--method", "deep-lift"), "DeepLift does not hold"),
        (("classifier.pt", "lines.txt", "--method", "nonsense"), "no method 'nonsense'"),
        (("classifier.pt", "lines.txt", "--target", "perhaps"), "perhaps"),
        (("classifier.pt", "--labelled", "nonsense"), "no labelled texts 'nonsense'"),
        (("classifier.pt", "lines.txt", "--target", "yes@5"), "Name a label (yes, no)"),
        (("nothing.pt", "lines.txt"), "nothing.pt"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output

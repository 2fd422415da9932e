"""rnnscope attribute as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from rnnscope import checkpoint
from rnnscope.cli import Commands, main
from rnnscope.cli.attribute import attribute
from tests.handmade import latch

TEXT = 'ab cd:"abc abcd cab ab'
ATTRIBUTE = ("model.pt", "text.txt", "--target", "l0.c.3@-1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the latch network and a text."""
    monkeypatch.chdir(tmp_path)
    checkpoint.save("model.pt", latch(), {})
    Path("text.txt").write_text(f"{TEXT}\n")
    return tmp_path


def run(*arguments: str, stdin: str | None = None, width: int = 80) -> Result:
    runner = CliRunner(env={"COLUMNS": str(width)})
    return runner.invoke(Commands(commands={"attribute": attribute}), ("attribute", *arguments), input=stdin)


def test_it_shows_the_text_over_bars_and_what_matters_most() -> None:
    result = run(*ATTRIBUTE)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "l0.c.3 at step 21, by integrated-gradients"
    assert "a text of spaces" in result.stdout
    assert "completeness gap 0." in " ".join(result.stdout.split())
    place = lines.index(TEXT)
    assert lines[place + 1] == "      █"
    assert any(line.split()[:2] == ["6", '"'] for line in lines)


def test_several_methods_as_json_of_standard_input_cut_to_a_limit() -> None:
    result = run(
        "model.pt", "-", "--target", "l0.c.3@-1", "--method", "occlusion", "--method", "saliency", "--json", "--words",
        "--limit", "12", stdin=TEXT,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    occlusion, saliency = json.loads(result.stdout)["attributions"]
    assert occlusion["method"] == "occlusion"
    assert occlusion["gap"] is saliency["gap"] is saliency["difference"] is None
    assert "".join(row["character"] for row in occlusion["table"]) == TEXT[:12]
    assert [row["word"] for row in saliency["words"]] == ["ab ", "cd", ":", '"', "abc ", "a"]
    assert max(occlusion["table"], key=lambda row: abs(row["score"]))["step"] == 6
    assert "the first 12 of 22 characters" in result.stderr


def test_it_shows_what_is_owed_to_units() -> None:
    result = run("model.pt", "text.txt", "--target", "a@9", "--signal", "l0.c")
    assert result.exit_code == 0, result.output
    assert "l0.c.3" in result.stdout
    narrow = run("model.pt", "text.txt", "--signal", "l0.c", width=60)
    assert "l0.c.3" in narrow.stdout
    assert "…" not in narrow.stdout
    options = ("--signal", "l0.c", "--method", "conductance", "--json")
    (found,) = json.loads(run("model.pt", "text.txt", *options).stdout)["attributions"]
    assert found["signal"] == "l0.c"
    assert len(found["table"]) == 8


def test_it_draws_and_does_not_write_over() -> None:
    result = run(*ATTRIBUTE, "--save", "one.png")
    assert result.exit_code == 0, result.output
    with Image.open("one.png") as picture:
        assert picture.width > 600
    assert run(*ATTRIBUTE, "--save", "one.png").exit_code == 2
    two = ("--method", "occlusion", "--method", "saliency", "--save", "one.png", "--force")
    assert run(*ATTRIBUTE, *two).exit_code == 0
    assert Path("one-1.png").exists()
    assert Path("one-2.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model.pt", "none.txt"), "There is no file none.txt"),
        (("none.pt", "text.txt"), "none.pt"),
        ((*ATTRIBUTE, "--method", "lime"), "There is no method 'lime'"),
        ((*ATTRIBUTE, "--method", "deep-lift"), "Take integrated-gradients"),
        ((*ATTRIBUTE, "--baseline", "xy"), "one character that the network knows"),
        (("model.pt", "text.txt", "--target", "l0.c.3@99"), "steps 0 to 21"),
        (("model.pt", "text.txt", "--target", "spam"), 'Name "e@120"'),
        (("model.pt", "text.txt", "--target", ""), "no target ''"),
        (("model.pt", "text.txt", "--target", "z@3"), "does not know the character 'z'"),
        ((*ATTRIBUTE, "--save", "one.txt"), "does not name a picture"),
        ((*ATTRIBUTE, "--limit", "0"), "0"),
        ((*ATTRIBUTE, "--signal", "l0.c", "--words"), "--signal shows units"),
        ((*ATTRIBUTE, "--signal", "l0.x"), "no signal 'x'"),
        ((*ATTRIBUTE, "--signal", "l0.c", "--method", "occlusion"), "There is no method 'occlusion' on signals"),
    ],
)
def test_a_mistake_is_one_paragraph(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_an_empty_text_is_refused() -> None:
    for stdin in ("", "\n"):
        result = run("model.pt", "-", stdin=stdin)
        assert result.exit_code == 2
        assert "at least one character" in result.stderr or "1 to 20,000 characters" in result.stderr


def test_a_direction_is_a_target_and_a_signal_of_its_own() -> None:
    made = CliRunner().invoke(main, ["directions", "model.pt", "text.txt", "--signal", "l0.c", "-o", "pc.npz"])
    assert made.exit_code == 0, made.output
    along = ("--directions", "pc.npz", "--json")
    (found,) = json.loads(run("model.pt", "text.txt", "--target", "l0.pc.0@9", *along).stdout)["attributions"]
    assert found["target"] == "l0.pc.0 at step 9"
    options = ("--target", "l0.pc.0@9", "--signal", "l0.pc", "--method", "gradient")
    (found,) = json.loads(run("model.pt", "text.txt", *options, *along).stdout)["attributions"]
    assert {row["unit"] for row in found["table"]} == {f"l0.pc.{number}" for number in range(len(found["table"]))}
    without = run("model.pt", "text.txt", "--target", "l0.pc.0@9")
    assert without.exit_code == 2 and "pc" in without.output

"""Every command's --json: one object on standard output, alone, valid, its keys named in the help."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

from rnnscope import SequenceClassifier, Vocabulary, checkpoint
from rnnscope.cli import main
from rnnscope.models.classifier import ClassifierConfig
from tests.analysis.agreement.agreeing import agreeing_pairs
from tests.foreign.networks import CHARACTERS, make
from tests.handmade import latch, random_network

COMMANDS = {
    "train": "recipe.toml -o run --device cpu --force",
    "import": "net.pt --vocab chars.json -o theirs.pt --force",
    "info": "model.pt",
    "generate": "model.pt -n 5 --prompt ab",
    "trace": "model.pt text.txt --save map.png --force",
    "show": "text.zarr l0.c.3 --start 5 --length 10 --save show.png --force",
    "concepts": "text.txt --concept quotes --length 5",
    "units": "text.zarr --concepts quotes --shifts 19 --signals c --table units.csv --save units.png --force",
    "describe": "text.zarr l0.c.3 --save describe.png --force",
    "match": "text.zarr --span 10:14 --save match.png --force",
    "ablate": "model.pt text.txt --unit l0.c.3 --concept quotes --controls 1 --limit 200 --save ablate.png --force",
    "clamp": "model.pt --unit l0.c.3 --concept quotes --values=0 --length 5 --samples 2 --save clamp.png --force",
    "probe": "model.pt text.txt --concept quotes --no-untrained --save probe.png --force",
    "classes": "classifier.pt --labelled table.tsv --save classes.png --force",
    "agreement": "model.pt pairs.tsv --save agreement.png --force",
    "directions": "model.pt text.txt --force",
    "bases": "text.zarr --concepts quotes --rotations 1 --save bases.png --force",
    "attribute": "model.pt text.txt --target l0.c.3@9 --method saliency --save attribute.png --force",
    "faithfulness": "classifier.pt text.txt --method saliency --orders 2 --count 1 --length 5 --save f.png --force",
    "gradients": "model.pt other.pt text.txt --lags 3 --targets 2 --save gradients.png --force",
    "jacobians": "model.pt text.txt --lags 1,2 --places 2 --steps 3 --sequences 2 --warmup 1 --exponents 2 "
    "--save jacobians.png --force",
    "gates": "model.pt text.txt --limit 200 --save gates.png --force",
    "memory": "model.pt text.txt --contexts 2,3 --targets 5 --places 2 --horizon 5 --save memory.png --force",
    "errors": "model.pt other.pt text.txt --limit 100 --save errors.png --force",
    "compare": "model.pt other.pt text.txt --limit 200 --device cpu --save compare.png --force",
    "report": "model.pt text.txt --limit 200 --concepts quotes --force",
    "align": "model.pt other.pt text.txt --shifts 19 --save align.png --force",
}
"""What each command does on tiny inputs. All commands are here: all of them print a result."""


UNDRAWN = {
    "train": "makes a network",
    "import": "makes a network",
    "info": "a card in words",
    "generate": "a text",
    "concepts": "a text, to be checked by eye",
    "report": "a page of its own",
    "directions": "makes directions; show --save draws them",
}
"""The commands that draw no picture, and why."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny networks, texts and tables."""
    folder = tmp_path_factory.mktemp("json")
    checkpoint.save(folder / "model.pt", latch(), {})
    checkpoint.save(folder / "other.pt", random_network(0), {})
    torch.manual_seed(0)
    classifier = SequenceClassifier(ClassifierConfig(hidden_size=4), Vocabulary('abcd \n."'), ["ham", "spam"]).eval()
    checkpoint.save(folder / "classifier.pt", classifier, {})
    torch.save(make().state_dict(), folder / "net.pt")
    (folder / "chars.json").write_text(json.dumps(CHARACTERS))
    (folder / "text.txt").write_text('ab cd. "dc ba" cab.\n' * 60)
    lines = [f"ham\t{'ab' * (n + 1)}\nspam\t{'cd' * (n + 1)}" for n in range(20)]
    (folder / "table.tsv").write_text("\n".join(lines))
    pairs = ["\t".join([*pair.conditions.values(), pair.good, pair.bad]) for pair in agreeing_pairs()]
    (folder / "pairs.tsv").write_text("\n".join(["kind\tnumber\tattractor\tgood\tbad", *pairs]))
    (folder / "recipe.toml").write_text(
        'name = "t"\n[corpus]\npath = "text.txt"\n[model]\nhidden_size = 4\n'
        "[training]\nepochs = 1\nstreams = 4\nwindow = 10\nvalidate_every = 5\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert CliRunner().invoke(main, ["trace", "model.pt", "text.txt"]).exit_code == 0
    return folder


def strict(text: str) -> object:
    """JSON without the NaN and Infinity that Python's reader lets through."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", main.commands)
def test_a_command_prints_one_object_whose_keys_its_help_names(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, [name, *shlex.split(COMMANDS[name]), "--json"])
    assert result.exit_code == 0, result.output
    found = strict(result.stdout)
    assert isinstance(found, dict)
    (said,) = (option.help for option in main.commands[name].params if option.name == "as_json")  # pyright: ignore[reportAttributeAccessIssue]
    assert said is not None and said.startswith("Print JSON instead: an object with ")
    assert set(found) <= set(re.findall(r"\w+", said))
    assert (re.search(r"^Drew \w", result.stderr, re.MULTILINE) is None) == (name in UNDRAWN)


def test_pictures_are_asked_for_in_the_same_words() -> None:
    for name in set(main.commands) - set(UNDRAWN):
        options = {
            option.name: option.help for option in main.commands[name].params if isinstance(option, click.Option)
        }
        assert options["save"] == "Picture to draw: .png, .svg or .pdf.", name


@pytest.mark.parametrize("name", sorted(set(main.commands) - set(UNDRAWN)))
def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [name, *shlex.split(re.sub(r"(--save \S+)\.png", r"\1.gif", COMMANDS[name]))])
    assert result.exit_code == 2 and "does not name a picture" in result.output


def test_a_picture_is_told_of_beside_the_object(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, ["show", "text.zarr", "l0.c.3", "--length", "9", "--save", "a.png", "--json"])
    found = strict(result.stdout)
    assert isinstance(found, dict)
    assert (found["text"], len(found["values"]), found["steps"]) == ('ab cd. "d', 9, 1200)
    assert Path("a.png").exists() and "Drew a.png" in result.stderr


def test_what_is_no_number_is_null(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = strict(CliRunner().invoke(main, ["show", "text.zarr", "l0.c", "--length", "1", "--json"]).stdout)
    assert isinstance(found, dict)
    assert found["units"][0]["timescale"] is None


def test_generated_text_comes_again_from_the_seed_that_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    arguments = ["generate", "other.pt", "-n", "30", "--json"]
    first = json.loads(CliRunner().invoke(main, arguments).stdout)
    again = json.loads(CliRunner().invoke(main, [*arguments, "--seed", str(first["seed"])]).stdout)
    assert again == first and len(first["text"]) == 30

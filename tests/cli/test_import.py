"""``rnnscope import`` as a user types it: what it finds and says, and that the other commands open what it writes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import torch

from rnnscope import checkpoint
from rnnscope.models import CharLanguageModel
from tests.foreign.networks import CHARACTERS, assert_same, make

from .running import run

TEXT = "abc def.\ng " * 30


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what a char-rnn program leaves behind."""
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text(TEXT)
    Path("chars.json").write_text(json.dumps(CHARACTERS))
    torch.save(make(num_layers=2).state_dict(), "net.pt")
    torch.save({"model": make("rnn", embedding=0).state_dict(), "chars": CHARACTERS}, "rnn.pt")
    torch.save({"model": make("gru", bidirectional=True).state_dict(), "chars": CHARACTERS}, "both.pt")
    return tmp_path


def test_import_says_what_it_found_and_what_is_next(here: Path) -> None:
    result = run("import", "net.pt", "--vocab", "chars.json")
    assert result.exit_code == 0, result.output
    assert result.output == (
        "Wrote model.pt: lstm, 2 layers of 6 units, embedding of 4\n"
        "  recurrent layers  rnn\n"
        "  input             encoder.weight\n"
        "  head              decoder.weight, with bias\n"
        "  tokens            10, from chars.json\n"
        "Next: rnnscope generate model.pt\n"
    )
    model = checkpoint.load("model.pt")
    assert isinstance(model, CharLanguageModel)
    assert_same(model, make(num_layers=2))


def test_import_says_what_it_assumed(here: Path) -> None:
    result = run("import", "rnn.pt", "-o", "mine.pt")
    assert "Wrote mine.pt: rnn (tanh), 1 layer of 6 units, one-hot input\n" in result.output
    assert "note              tanh is assumed" in result.output
    assert "Next: rnnscope generate mine.pt" in result.output
    assert "note" not in run("import", "rnn.pt", "--nonlinearity", "relu").output


def test_every_command_opens_what_was_imported(here: Path) -> None:
    imported = run("import", "net.pt", "--vocab", "chars.json")
    following = shlex.split(imported.output.rpartition("Next: rnnscope ")[2])
    for command in (
        [*following, "-n", "20", "--seed", "1"],
        ["info", "model.pt"],
        ["trace", "model.pt", "input.txt"],
        ["show", "input.zarr", "l1.c.3"],
        ["show", "input.zarr", "l0.f"],
    ):
        result = run(*command)
        assert result.exit_code == 0, result.output
    assert "imported from net.pt" in run("info", "model.pt").output


def test_what_is_next_is_a_prompt_that_the_network_knows(here: Path) -> None:
    letters = [c if c != "\n" else "'" for c in CHARACTERS]
    Path("chars.json").write_text(json.dumps(letters))
    result = run("import", "net.pt", "--vocab", "chars.json")
    following = shlex.split(result.output.rpartition("Next: rnnscope ")[2])
    assert following == ["generate", "model.pt", "--prompt", "a"]
    assert "does not know" not in run(*following, "-n", "5").output


def test_a_bidirectional_network_is_traced_and_told_that_it_cannot_write(here: Path) -> None:
    result = run("import", "both.pt")
    assert "gru, 1 layer of 6 units in both directions" in result.output
    assert "Next: rnnscope trace model.pt TEXT.txt" in result.output
    traced = run("trace", "model.pt", "input.txt")
    assert traced.exit_code == 0, traced.output
    assert "l0r: h, r, z, n of 6 units" in traced.output
    refused = run("generate", "model.pt")
    assert refused.exit_code == 2
    assert "cannot write" in refused.output
    assert refused.output.count("Error") == 1


def corrupt(name: str) -> None:
    """Make one of the files that the bad inputs below name."""
    weights = make().state_dict()
    if name == "cut.pt":
        torch.save(weights, name)
        Path(name).write_bytes(Path(name).read_bytes()[:2000])
    elif name == "code.pt":
        torch.save({"x": Path}, name)
    elif name == "nan.pt":
        weights["decoder.bias"][0] = torch.nan
        torch.save(weights, name)
    elif name == "two.pt":
        torch.save(weights | {"second.weight": torch.ones(10, 6)}, name)
    elif name == "norm.pt":
        torch.save(weights | {"[red]norm.weight": torch.ones(6)}, name)
    elif name == "plain.pt":
        torch.save({"fc.weight": torch.ones(3, 3)}, name)
    else:
        texts = {"short.txt": b"ab", "empty.json": b"[]", "wrong.json": b"{1", "zero.txt": b"a\0", "latin.txt": b"\xe9"}
        Path(name).write_bytes(texts[name])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("missing.pt", "no file missing.pt"),
        (".", "is a directory"),
        ("input.txt", "not a checkpoint"),
        ("cut.pt", "cut short"),
        ("code.pt", "could run code"),
        ("plain.pt", "plain.pt: There is no recurrent layer"),
        ("nan.pt --vocab chars.json", "1 weights that are NaN or infinite"),
        ("two.pt --vocab chars.json", "could be the head. Choose with --head NAME"),
        ("norm.pt --vocab chars.json", "[red]norm.weight 6"),
        ("net.pt", "no vocabulary for the 10 tokens that the network knows. Give it with --vocab"),
        ("net.pt --vocab missing.txt", "no file missing.txt"),
        ("net.pt --vocab .", ". is a folder"),
        ("net.pt --vocab net.pt", "is binary"),
        ("net.pt --vocab zero.txt", "zero byte at offset 1"),
        ("net.pt --vocab latin.txt", "--encoding latin-1"),
        ("net.pt --vocab latin.txt --encoding klingon", "no encoding 'klingon'"),
        ("net.pt --vocab short.txt", "knows 10 tokens, but the vocabulary of the sorted characters of short.txt has 2"),
        ("net.pt --vocab empty.json", "empty.json is empty"),
        ("net.pt --vocab wrong.json", "not JSON"),
        ("net.pt --vocab chars.json --gates ifo", "each of i, f, g, o once"),
        ("net.pt --vocab chars.json --rnn lstm", "no recurrent layers named 'lstm'"),
        ("net.pt --vocab chars.json --head x", "names no matrix"),
        ("net.pt --vocab chars.json --embedding x", "names no matrix"),
        ("net.pt --vocab chars.json --nonlinearity relu", "which has its own"),
        ("net.pt --vocab chars.json --nonlinearity elu", "'elu' is not one of"),
        ("net.pt --vocab chars.json -o input.txt", "input.txt exists"),
        ("net.pt --vocab chars.json -o nowhere/model.pt", "no folder"),
        ("net.pt --vocab chars.json -o net.pt --force", "would replace the file that it is imported from"),
    ],
)
def test_bad_input_is_one_paragraph_exit_code_2_and_nothing_written(here: Path, command: str, said: str) -> None:
    for name in re.findall(r"[a-z]+\.(?:txt|pt|json)", command):
        if not Path(name).exists() and name not in ("missing.txt", "missing.pt", "model.pt"):
            corrupt(name)
    before = {path: path.read_bytes() for path in here.iterdir()}
    result = run("import", *command.split())
    assert result.exit_code == 2, result.output
    assert said.lower() in result.output.lower()
    assert "Traceback" not in result.output
    assert "\n\n" not in result.output.partition("Error: ")[2].strip()
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_what_was_imported_is_said_to_be_a_checkpoint_and_kept_unless_told(here: Path) -> None:
    assert run("import", "net.pt", "--vocab", "chars.json").exit_code == 0
    assert "is an rnnscope checkpoint already" in run("import", "model.pt", "-o", "other.pt").output
    assert "model.pt exists" in run("import", "rnn.pt").output
    assert run("import", "rnn.pt", "--force").exit_code == 0
    assert checkpoint.load("model.pt").config.cell == "rnn"

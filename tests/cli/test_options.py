"""What commands share is called, worded and ordered alike, and what is wrong with it is said alike."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import rnnscope
from rnnscope.cli import main
from rnnscope.progress import screen

OPTIONS = {
    name: [option for option in command.params if isinstance(option, click.Option)]
    for name, command in main.commands.items()
}

LAST = (
    "--directions", "--documents", "--encoding", "--limit", "--seed", "--device", "--output", "--save-direction",
    "--table", "--order", "--width", "--save", "--json", "--force",
)  # fmt: skip
"""What is read, how, and what is written, in the order in which every command lists it, after what it asks."""

OWN_WORDS = {"--unit", "--signal", "--signals", "--name", "--by", "--count", "--lags", "--length", "--units", "--ngram",
             "--concept", "--labelled", "--output", "--start", "--json", "--table"}  # fmt: skip
"""Options that are asked of different things: each command says of what."""


@pytest.mark.parametrize("name", main.commands)
def test_shared_options_come_last_and_in_one_order(name: str) -> None:
    written = [option.opts[-1] for option in OPTIONS[name]]
    shared = [option for option in LAST if option in written]
    assert written[len(written) - len(shared) :] == shared


def test_an_option_has_the_same_words_everywhere() -> None:
    words: dict[str, set[str | None]] = {}
    for options in OPTIONS.values():
        for option in options:
            words.setdefault(option.opts[-1], set()).add((option.help or "").partition(" [default")[0].rstrip("."))
    assert {name: said for name, said in words.items() if len(said) > 1 and name not in OWN_WORDS} == {}


def test_every_command_prints_json_and_every_option_says_what_it_takes() -> None:
    for name, options in OPTIONS.items():
        assert "--json" in [option.opts[-1] for option in options], name
        for option in options:
            assert option.help and (option.is_flag or option.metavar or isinstance(option.type, click.Choice)), option


@pytest.mark.parametrize("name", main.commands)
def test_help_has_no_line_over_80_columns(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80


def test_a_command_shows_its_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(rnnscope, "open_trace", lambda path: shown.append(screen()["console"]))
    CliRunner().invoke(main, ["match", "t.zarr", "--span", "1:2"])
    assert shown[0].stderr
    assert screen()["console"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("clamp x --unit l0.c.1 --concept quotes --values=1,two", "'1,two' is no list of numbers such as 10,20,50."),
        ("clamp x --unit l0.c.1 --concept quotes --temperature nan", "nan is no number"),
        ("memory x t.txt --contexts 10,-2", "'10,-2' is no list of numbers"),
        ("memory x t.txt --contexts 10,9999999999", "is no list of numbers"),
        ("match t.zarr --span 1:99999999999999999999", "is no span START:STOP"),
        ("trace x t.txt --seed 1", "No such option '--seed'"),
    ],
)
def test_what_is_no_number_is_refused(arguments: str, said: str) -> None:
    result = CliRunner().invoke(main, arguments.split())
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())

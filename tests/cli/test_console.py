"""Where commands print: terminals of any width, and what is no terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

import rnnscope
from rnnscope.cli import main
from rnnscope.cli.console import PlainConsole, standard_error, standard_output
from tests.handmade import latch

SENTENCE = "A sentence that is longer than any terminal that people sit before. " * 5
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a trace, and no wish about terminals."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    rnnscope.trace(latch(), 'ab cd. "dc ba" cab.\n' * 20, tmp_path / "t.zarr")
    return tmp_path


def wide(rows: int = 3, columns: int = 12) -> Table:
    """A table of 12 columns with rules and headers of two lines."""
    table = Table(box=SIMPLE_HEAD, title="A title that is not\nnarrow", pad_edge=False, show_edge=False)
    table.add_column("unit", no_wrap=True)
    for number in range(columns):
        table.add_column(f"comp-\nonent {number}\nof all", justify="right", no_wrap=True, max_width=14)
    table.add_column("words", overflow="fold")
    for row in range(rows):
        cells = (f"{row}.{number:08d}" for number in range(columns))
        table.add_row(f"l0.c.{row}", *cells, Text("some words [red] to be read"))
    return table


def in_a_terminal(width: int, *arguments: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    read: list[bytes] = []

    def follow() -> None:
        try:
            while part := os.read(ours, 65536):
                read.append(part)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=follow)
    reader.start()
    with pytest.MonkeyPatch.context() as patch, open(theirs, "w", encoding="utf-8") as screen:
        patch.setattr("rich.console._STD_STREAMS", (screen.fileno(),))  # what rich asks for the width
        patch.setattr(sys, "stdout", screen)
        main([*arguments], standalone_mode=False)
    reader.join()
    os.close(ours)
    return b"".join(read).decode().replace("\r\n", "\n")


def test_a_table_in_a_pipe_has_a_row_a_line_and_columns_two_spaces_apart(capsys: pytest.CaptureFixture[str]) -> None:
    standard_output().print(wide())
    title, narrow, header, *rows = capsys.readouterr().out.splitlines()
    assert [title, narrow] == ["A title that is not", "narrow"]
    assert re.split(" {2,}", header) == ["unit", *(f"component {number} of all" for number in range(12)), "words"]
    for row, line in enumerate(rows):
        cells = (f"{row}.{number:08d}" for number in range(12))
        assert re.split(" {2,}", line) == [f"l0.c.{row}", *cells, "some words [red] to be read"]
    assert len(rows) == 3


def test_tables_side_by_side_stand_below_each_other_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    grid = Table.grid()
    grid.add_row(wide(1, 1), wide(2, 2))
    standard_output().print(grid)
    beside = capsys.readouterr().out
    standard_output().print(wide(1, 1), wide(2, 2))
    assert beside == capsys.readouterr().out


def test_a_sentence_in_a_pipe_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    standard_output().print(SENTENCE.strip(), Text(SENTENCE.strip(), style="bold red"))
    assert capsys.readouterr().out == f"{SENTENCE.strip()} {SENTENCE.strip()}\n"
    standard_error().print(Text(SENTENCE))
    assert capsys.readouterr().err == f"{SENTENCE}\n"


def test_columns_that_are_asked_for_are_kept_to_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (0, 1, 40, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        standard_output().print(wide(), SENTENCE)
        found = capsys.readouterr().out
        assert max(map(cell_len, found.splitlines())) <= max(columns, 20)
        assert not set(found) & set("─━│\x1b")
    monkeypatch.setenv("COLUMNS", "many")
    assert isinstance(standard_output(), PlainConsole)


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 120, 200, 400])
def test_no_word_of_a_table_is_broken_in_a_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(width))
    standard_output().print(wide())
    found = capsys.readouterr().out
    assert max(map(cell_len, found.splitlines())) <= width
    words = found.split()
    for row in range(3):
        assert words.count(f"l0.c.{row}") >= 1
        assert all(words.count(f"{row}.{number:08d}") == 1 for number in range(12))
    assert words.count("[red]") == 3 and "…" not in found
    assert (found.count("l0.c.0") == 1) == (width >= 200)


COMMANDS = (
    "describe t.zarr l0.c",
    "describe t.zarr l0.c.3 --concepts quotes",
    "show t.zarr l0.c",
    "show t.zarr l0.c.3",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_is_filled_and_never_left(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (40, 60, 80, 120, 200):
        lines = CONTROL.sub("", in_a_terminal(width, *command.split())).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert any("l0.c.3" in line.split() or "l0.c.3," in line.split() for line in lines)


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    show = ("show", "t.zarr", "l0.c.3")
    assert re.search(r"\x1b\[[0-9;]*48;", in_a_terminal(80, *show))
    with monkeypatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        assert not re.search(r"\x1b\[[0-9;]*[34]8;", in_a_terminal(80, *show))
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "dumb")
        assert "\x1b" not in in_a_terminal(80, *show)
    assert "\x1b" not in CliRunner().invoke(main, show).output
    with monkeypatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        assert re.search(r"\x1b\[[0-9;]*48;", CliRunner().invoke(main, show).output)


def test_a_file_gets_what_a_pipe_gets(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("out.txt", "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        main(["describe", "t.zarr", "l0.c"], standalone_mode=False)
        monkeypatch.undo()
    monkeypatch.chdir(here)
    assert (here / "out.txt").read_text() == CliRunner().invoke(main, ["describe", "t.zarr", "l0.c"]).output


@pytest.mark.parametrize("arguments", [["show", "t.zarr", "l0.c.3"], ["show", "t.zarr", "l0.c.3", "--json"]])
def test_a_reader_that_has_gone_is_no_error(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    pipe = open(writing, "w", encoding="utf-8")
    with pytest.raises(SystemExit):
        monkeypatch.setattr(sys, "stdout", pipe)
        main(arguments)
    with suppress(BrokenPipeError):
        pipe.close()
    assert capsys.readouterr().err == ""


def test_each_command_says_what_it_does_in_one_line_of_the_list() -> None:
    first_lines = {name: (command.help or "").partition("\n")[0] for name, command in main.commands.items()}
    assert not {name: line for name, line in first_lines.items() if not 10 <= len(line) <= 55}

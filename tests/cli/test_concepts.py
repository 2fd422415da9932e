"""rnnscope concepts: the list, and texts with their labels."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rnnscope.cli import main
from rnnscope.probes.concepts import CONCEPTS

TEXT = 'if (x > "a") {\n\tfoo(1);\n}\n// é日本 [b]end\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("text.c").write_text(TEXT)
    return tmp_path


def run(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["concepts", *arguments], input=stdin)


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    return " ".join(result.output.split())


def test_the_list_has_a_line_for_each_and_fits_the_page() -> None:
    lines = run().output.splitlines()
    assert len(lines) == 1 + len(CONCEPTS)
    assert [line.split()[0] for line in lines[1:]] == list(CONCEPTS)
    assert max(map(len, lines)) <= 80
    assert "if-condition          flag      c, python  inside the condition of an if" in run().output
    assert "line-position         number    all " in run().output


def test_the_list_can_be_of_some_and_of_new_ones() -> None:
    lines = run("--concept", "quotes", "--concept", "url=regex:[b]+", "--concept", "python:comment").output.splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["url", "flag", "-", "in", "a", "match", "of", "[b]+"],
        ["python:comment", "flag", "python", "inside", "a", "comment"],
    ]


def test_several_can_be_named_with_commas() -> None:
    lines = run("--concepts", "quotes, vowel", "--concept", "url=regex:[b]+").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["quotes", "vowel", "url"]


def test_the_list_is_printed_without_loading_what_is_slow() -> None:
    program = "import sys; from rnnscope.cli import main; main(['concepts'], standalone_mode=False); "
    done = subprocess.run([sys.executable, "-c", program + "sys.exit('torch' in sys.modules)"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_category_of_several_lines_is_named_in_one() -> None:
    Path("track.csv").write_text("mine\n" + '"a\nb"\nc\n')
    assert " 0 a⏎b   1 c \n" in run("-", "--concept", "mine=csv:track.csv", stdin="xy").output


def test_json_has_the_same() -> None:
    records = json.loads(run("--json").output)["concepts"]
    assert [record["name"] for record in records] == list(CONCEPTS)
    assert records[0] == {
        "name": "quotes",
        "kind": "flag",
        "families": ["prose"],
        "about": CONCEPTS["quotes"].about,
        "categories": [],
    }


def test_a_text_is_shown_with_marks_below_it() -> None:
    result = run("text.c", "--concept", "if-condition")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "if-condition  inside the condition of an if",
        "on at 20.0% of 40 characters",
        "",
        'if (x > "a") {⏎',
        "   ▔▔▔▔▔▔▔▔",
        "→foo(1);⏎",
        "}⏎",
        "// é日本 [b]end⏎",
        "",
    ]


def test_numbers_and_categories_have_marks_too() -> None:
    output = run("text.c", "--concept", "brace-depth", "--concept", "character-class", "--length", "15").output
    assert "from 0 to 1, mean 0.13" in output
    assert 'if (x > "a") {⏎\n▁▁▁▁▁▁▁▁▁▁▁▁▁██\n' in output
    assert " 0 letter " in output
    assert " 1 digit " not in output  # there is none here
    assert 'if (x > "a") {⏎\n002402424044243\n' in output
    assert "25 more characters: --start 15" in output


def test_where_a_concept_does_not_apply_there_is_no_mark() -> None:
    assert "It applies to no character here.\n\nif (x" in run("text.c", "--concept", "docstring").output
    output = run("-", "--concept", "vowel", stdin="a b.").output
    assert "applies to 50.0% of 4 characters, on at 50.0% of 2 characters" in output


def test_a_terminal_with_colours_gets_colours() -> None:
    output = run(
        "text.c",
        *("--concept", "if-condition", "--concept", "brace-depth", "--concept", "character-class"),
        FORCE_COLOR="1",
        TERM="xterm-256color",
        COLORTERM="truecolor",
    ).output
    assert "if \x1b[7m(" in output
    assert "\x1b[97;48;2;" in output
    assert "▔" not in output


def test_labels_can_be_had_as_json() -> None:
    (record,) = json.loads(run("-", "--concept", "vowel", "--json", "--start", "1", stdin="xab!").output)["concepts"]
    assert (record["name"], record["start"], record["labels"]) == ("vowel", 1, [1, 0, None])


def test_a_track_has_to_be_as_long_as_the_text() -> None:
    Path("track.csv").write_text("mine\n" + "1\n" * 41)
    assert "mine has 41 labels, but what is read has 40 characters" in refused(
        "text.c", "--concept", "mine=csv:track.csv"
    )


def test_bad_input_is_refused_in_a_sentence() -> None:
    assert "Say which labels TEXT is to be shown with" in refused("text.c")
    assert "Did you mean quotes?" in refused("--concept", "qotes")
    assert "There is no file none.txt" in refused("none.txt", "--concept", "quotes")
    assert "there is nothing from character 50 on" in refused("text.c", "--concept", "quotes", "--start", "50")
    assert "no regular expression" in refused("--concept", "a=regex:(")
    assert "pip install tree-sitter-LANGUAGE" in refused("--concept", "a=query:cobol:(a) @b")

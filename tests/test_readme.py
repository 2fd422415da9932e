"""The README and the pages of docs/ do not lie: their code is run and gives the output that they show."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rnnscope import trained
from rnnscope.cli import main
from rnnscope.training.recipe_file import read_recipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").glob("*.md"))
EVERYWHERE = [ROOT / "README.md", *PAGES]
TERMINAL = {"TTY_COMPATIBLE": "1", "TERM": "dumb", "COLUMNS": "80"}
"""A terminal of 80 columns without colours, as a page of text is."""


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def converse(source: str, names: dict[str, Any]) -> int:
    """Run a session with its prompts, see that it gives what it shows, and count its examples."""
    test = doctest.DocTestParser().get_doctest(source, names, "session", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test, clear_globs=False).failed == 0
    names.update(test.globs)
    return len(test.examples)


def session(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a page's sessions with the output shown below it."""
    for block in blocks("console", text):
        for part in block.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "trained" / "prose-lstm"
    folder.mkdir(parents=True)
    shutil.copy(trained.path("prose-lstm").with_name("demo.txt"), folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SESSIONS = [page for page in EVERYWHERE if list(session(page.read_text()))]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("page", SESSIONS, ids=lambda page: page.stem)
def test_each_command_prints_what_its_page_shows(page: Path) -> None:
    for command, output in session(page.read_text()):
        program, *arguments = shlex.split(command)
        assert program == "rnnscope"
        result = CliRunner().invoke(main, arguments, env=TERMINAL)
        assert result.exit_code == 0, result.output
        assert [line.rstrip() for line in result.stdout.splitlines()] == output.splitlines(), command


def test_the_readme_and_the_tutorial_have_sessions() -> None:
    assert {page.stem for page in SESSIONS} > {"README", "tutorial"}


@pytest.mark.usefixtures("here")
def test_the_python_session_gives_what_the_readme_shows() -> None:
    assert converse("\n".join(blocks("python")), {}) >= 4


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks("python", page.read_text()):
        if block.startswith(">>>"):
            converse(block, names)
        else:
            exec(block, names)


RECIPES = [recipe for page in EVERYWHERE for recipe in blocks("toml", page.read_text())]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_one_that_train_reads(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(recipe)
    assert read_recipe(tmp_path / "recipe.toml").name == tomllib.loads(recipe)["name"]


@pytest.mark.parametrize("page", EVERYWHERE, ids=lambda page: page.stem)
def test_commands_without_output_exist(page: Path) -> None:
    lines = [line for block in blocks("sh", page.read_text()) for line in block.splitlines()]
    assert lines or page in PAGES
    for line in lines:
        program, command, *arguments = shlex.split(line, comments=True)
        assert program == "rnnscope"
        main.commands[command].make_context(command, arguments)


@pytest.mark.parametrize("page", EVERYWHERE, ids=lambda page: page.stem)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
    assert targets or page in PAGES
    for target in targets:
        assert (page.parent / target).exists(), target

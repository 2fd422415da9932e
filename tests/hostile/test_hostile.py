"""Bad inputs by number, through the commands: they are refused in words, and nothing is left of the attempt."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from rnnscope.cli import main

from .cases import prepare
from .oracle import findings
from .workshop import INVOCATIONS, furnish


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands read."""
    folder = tmp_path_factory.mktemp("good")
    furnish(folder)
    return folder


@pytest.fixture
def work(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in."""
    folder = shutil.copytree(good, tmp_path / "work")
    monkeypatch.chdir(folder)
    return folder


def test_a_bad_input_is_refused_in_words_and_leaves_nothing(number: int, work: Path) -> None:
    case = prepare(number, work)
    found = findings(case, work)
    assert not found, "\n".join([str(case), *found])


def test_every_command_is_called_as_it_understands(good: Path) -> None:
    assert set(INVOCATIONS) == set(main.commands)
    for name, *words in (shlex.split(call) for calls in INVOCATIONS.values() for call in calls):
        main.commands[name].make_context(name, list(words))
        read = next((word for word in words if Path(word).suffix), None)
        assert read is None or (good / read).exists(), words

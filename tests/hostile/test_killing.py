"""Kill -9 at random moments: under the final name stands nothing or a whole thing, and the next run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from .killing import KILLABLE, furnish, run


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the commands read; the server that forks has started."""
    folder = tmp_path_factory.mktemp("good")
    furnish(folder)
    run(folder, ("--version",))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def undisturbed(good: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, object]]:
    """Of each command, how long it takes, and what it writes if nobody kills it."""
    found = {}
    for name, killable in KILLABLE.items():
        folder = shutil.copytree(good, tmp_path_factory.mktemp(name) / "work")
        code, seconds = run(folder, killable.call)
        assert code == 0, (folder / ".said").read_text()
        found[name] = seconds, killable.check(folder / killable.output)
    return found


def test_a_killed_command_leaves_nothing_or_a_whole_thing_and_can_be_given_again(
    kill: int, good: Path, undisturbed: dict[str, tuple[float, object]], tmp_path: Path
) -> None:
    name = list(KILLABLE)[kill % len(KILLABLE)]
    killable, (seconds, expected) = KILLABLE[name], undisturbed[name]
    folder, output = shutil.copytree(good, tmp_path / "work"), tmp_path / "work" / killable.output
    run(folder, killable.call, kill_after=Random(kill).uniform(0, seconds))

    again = killable.call
    if output.exists():
        killable.check(output)
        again += killable.options(output)
    code, _ = run(folder, again)
    assert code == 0, (folder / ".said").read_text()
    assert killable.check(output) == expected
    assert not [*folder.rglob(".partial*"), *folder.rglob(".replaced*")]

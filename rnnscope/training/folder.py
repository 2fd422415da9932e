"""The folder of a run: whether it is free, whose it is, and whether what it holds is of the same recipe.

It holds

    recipe.toml      what was asked for
    model.pt         the best weights so far, by validation
    last.pt          the last weights, with what is needed to go on
    figures.csv      a row for each validation
    step-000500.pt   the weights after that step, where the recipe asks to keep them
    card.md          at the end: what the network is and how well it does
    .lock            held by the process that is at work there
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rnnscope.errors import OutputError, TrainingError
from rnnscope.output import atomic_path

_OUTPUTS = ("last.pt", "model.pt", "figures.csv", "card.md", "step-*.pt")


def demand_free(folder: Path, resume: bool, force: bool) -> None:
    """Refuse to write over a run or a network without being told to, and to go on with none."""
    if resume and force:
        raise OutputError("--resume goes on with a run and --force replaces it: give one of the two.")
    if resume and not (folder / "last.pt").exists():
        raise TrainingError(f"{folder} holds no last.pt to resume from. Leave out --resume to start.")
    held = sorted(path.name for name in _OUTPUTS for path in folder.glob(name))
    if held and not (resume or force):
        go_on = "Go on with it by --resume, start" if "last.pt" in held else "Start"
        raise OutputError(
            f"{folder} already holds {', '.join(held)}. {go_on} anew with --force, or name another with -o."
        )


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a folder, which is made if there is none, to this process.

    Raises
    ------
    OutputError
        If it cannot be written.
    TrainingError
        If another process is at work there.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise TrainingError(f"Another process is at work in {folder}. Wait for it, or end it.") from None
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def start_folder(folder: Path, recipe: Path) -> None:
    """Take away what a run before has left, and keep the recipe of this one."""
    try:
        for path in (path for name in _OUTPUTS for path in folder.glob(name)):
            path.unlink()
        if recipe.resolve() != (folder / "recipe.toml").resolve():
            with atomic_path(folder / "recipe.toml") as partial:
                shutil.copyfile(recipe, partial)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"{folder} cannot be written: {error.strerror}. Name another folder with -o.")


def demand_same(old: dict[str, Any], new: dict[str, Any], where: str) -> None:
    """Refuse to resume under another recipe; words for the card may change."""
    for key in old.keys() | new.keys():
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            demand_same(before, after, f"{where}{key}.")
        elif before != after and key not in ("description", "limits", "path"):
            raise TrainingError(
                f"The recipe changed since last.pt was written: {where}{key} was {before!r} and is {after!r}. "
                "Put it back to resume, or start anew with --force."
            )

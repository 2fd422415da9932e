"""Outputs appear whole or not at all, and refusals say what to do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.errors import OutputError
from rnnscope.output import atomic_path, new_path


def write_file(path: Path, text: str) -> None:
    path.write_text(text)


def write_folder(path: Path, text: str) -> None:
    path.mkdir()
    (path / f"{text}.txt").write_text(text)


def content(path: Path) -> dict[str, str]:
    """What stands in a folder, at any depth."""
    return {p.relative_to(path).as_posix(): p.read_text() for p in path.rglob("*") if p.is_file()}


KINDS = pytest.mark.parametrize("write", [write_file, write_folder])
Write = Callable[[Path, str], None]


@KINDS
def test_an_output_is_replaced_only_at_the_end(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "result"
    write(path, "old")
    before = content(path.parent)
    with atomic_path(path) as partial:
        write(partial, "new")
        assert partial.parent == path.parent
        assert before.items() <= content(tmp_path).items()
    assert set(content(tmp_path).values()) == {"new"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename = tmp_path / "result", os.rename
    write_folder(path, "old")

    def full(one: Path, other: Path) -> None:
        if ".partial" in one.name:
            raise OSError(errno.ENOSPC, "full")
        rename(one, other)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OutputError, match="disk is full"), atomic_path(path) as partial:
        write_folder(partial, "new")
    assert content(tmp_path) == {"result/old.txt": "old"}


@KINDS
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_broken_write_leaves_what_was_there(tmp_path: Path, write: Write, error: type[BaseException]) -> None:
    path = tmp_path / "result"
    write(path, "old")
    before = content(tmp_path)
    with pytest.raises(error), atomic_path(path) as partial:
        write(partial, "new")
        raise error
    assert content(tmp_path) == before
    assert list(tmp_path.iterdir()) == [path]


@KINDS
def test_a_block_that_writes_nothing_leaves_what_was_there(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "result"
    write(path, "old")
    before = content(tmp_path)
    with pytest.raises(OutputError), atomic_path(path):
        pass
    assert content(tmp_path) == before


@KINDS
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_called_that_and_leaves_nothing(tmp_path: Path, write: Write, number: int) -> None:
    path = tmp_path / "result"
    with pytest.raises(OutputError, match="The disk is full: .*result was not written"), atomic_path(path) as partial:
        write(partial, "half")
        raise OSError(number, os.strerror(number))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_truly_full_disk_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="The disk is full"), atomic_path(tmp_path / "result") as partial:
        partial.symlink_to("/dev/full")
        partial.write_text("text")
    assert not list(tmp_path.iterdir())


def test_another_fault_of_the_system_is_said_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "result"
    with (
        pytest.raises(OutputError, match="absent/result cannot be written: No such file"),
        atomic_path(path) as partial,
    ):
        partial.write_text("text")


def test_a_free_name_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert new_path(str(tmp_path / "result")) == tmp_path / "result"
    monkeypatch.chdir(tmp_path)
    assert new_path("result") == Path("result")


@KINDS
def test_a_taken_name_needs_force(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "result"
    write(path, "old")
    with pytest.raises(OutputError, match="result exists.*--force"):
        new_path(path)
    assert new_path(path, force=True) == path


@pytest.mark.parametrize("force", [False, True])
def test_a_missing_folder_is_named(tmp_path: Path, force: bool) -> None:
    with pytest.raises(OutputError, match=f"no folder {tmp_path / 'absent'} to write result in"):
        new_path(tmp_path / "absent" / "result", force)


def test_a_file_is_no_folder_to_write_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no folder .*file to write result in"):
        new_path(tmp_path / "file" / "result")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not (Path(path) == tmp_path and mode & os.W_OK))
    with pytest.raises(OutputError, match=f"The folder {tmp_path} cannot be written"):
        new_path(tmp_path / "result")


def test_a_name_that_the_system_refuses_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="name too long"):
        new_path(tmp_path / ("x" * 300))


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with atomic_path(tmp_path / "result") as partial:
        partial.write_text("text")
        name = partial.name
    for process in (dead.pid, os.getppid()):
        (tmp_path / name.replace(str(os.getpid()), str(process))).write_text("half")
    with atomic_path(tmp_path / "result") as partial:
        partial.write_text("text")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"result", name.replace(str(os.getpid()), str(os.getppid()))}


@pytest.mark.parametrize("path", [".", "/", "a/.."])
def test_a_folder_in_use_is_no_output(path: str) -> None:
    with pytest.raises(OutputError, match="Name an output in it"):
        new_path(path, force=True)


def test_what_a_killed_process_had_set_aside_is_put_back_or_cleared_away(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with atomic_path(tmp_path / "result") as partial:
        write_folder(partial, "old")
    aside = tmp_path / partial.name.replace("partial", "replaced").replace(str(os.getpid()), str(dead.pid))
    (tmp_path / "result").rename(aside)
    with pytest.raises(KeyError), atomic_path(tmp_path / "result"):
        raise KeyError
    assert content(tmp_path) == {"result/old.txt": "old"}
    write_folder(aside, "older")
    with atomic_path(tmp_path / "result") as partial:
        write_folder(partial, "new")
    assert content(tmp_path) == {"result/new.txt": "new"}


def test_a_name_that_is_no_utf_8_is_written_as_it_is(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "caf\udce9") as partial:
        partial.write_text("text")
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on this system")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="a device or a pipe"):
        new_path(tmp_path / "pipe", force=True)

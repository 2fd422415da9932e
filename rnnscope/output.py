"""Writing safely: a file or a folder appears under its name only when it is complete."""

from __future__ import annotations

import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .arguments import as_path
from .errors import OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write a file or a folder to; renamed when the block ends well.

    What stood at ``path`` is replaced, if it is of the same kind. After an exception it is as it
    was, and nothing is left behind.

    Raises
    ------
    OutputError
        If the folder is missing or cannot be written, the disk is full, or a folder would have to
        give way to a file.
    """
    path = as_path(path)
    tag = f"{zlib.crc32(os.fsencode(path.name)):08x}"
    partial = path.with_name(f".partial-{os.getpid()}-{tag}")
    _sweep(path, tag)
    try:
        yield partial
        _replace(partial, path)
    except BaseException as error:
        _remove(partial)
        if isinstance(error, OSError):
            raise OutputError(_reason(path, error)) from error
        raise


def check_table(path: str | Path) -> Path:
    """The path, if its ending names a table that can be written: .csv or .parquet.

    Raises
    ------
    OutputError
    """
    path = as_path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise OutputError(f"{path} does not name a table: its ending must be .csv or .parquet.")
    return path


def write_table(table: Any, path: str | Path) -> Path:
    """Write a DataFrame in the format that the ending of its path names; the path.

    Raises
    ------
    OutputError
    """
    path = check_table(path)
    with atomic_path(path) as partial:
        (table.to_csv if path.suffix == ".csv" else table.to_parquet)(partial)
    return path


def new_path(path: str | Path, force: bool = False) -> Path:
    """A path that may be written: free, or the user said ``force``.

    Raises
    ------
    OutputError
        If something stands there, or there is no such folder to write in.
    """
    path = as_path(path)
    if path.name in ("", ".."):
        raise OutputError(f"{path} is a folder that is in use. Name an output in it.")
    try:
        path.lstat()
        exists = True
    except (FileNotFoundError, NotADirectoryError):
        exists = False
    except OSError as error:
        raise OutputError(_reason(path, error)) from error
    if exists and not force:
        raise OutputError(f"{path} exists. Name another output, or replace it with --force.")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OutputError(f"{path} is a device or a pipe, and not replaced by a file. Name another output.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise OutputError(f"There is no folder {folder} to write {path.name} in. Make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"The folder {folder} cannot be written. Name an output elsewhere.")
    return path


def _sweep(path: Path, tag: str) -> None:
    """Remove what a killed process left of an earlier attempt at the same output; put back what it had set aside."""
    for stale in [*path.parent.glob(f".partial-*-{tag}"), *path.parent.glob(f".replaced-*-{tag}")]:
        if _alive(int(stale.name.split("-")[1])):
            continue
        if stale.name.startswith(".replaced") and not path.exists():
            os.rename(stale, path)
        else:
            _remove(stale)


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True  # there is no harmless question to ask
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _replace(partial: Path, path: Path) -> None:
    if path.is_symlink() and partial.is_dir():
        path.unlink()
    if not path.is_dir() or path.is_symlink():
        os.replace(partial, path)
        return
    if not partial.is_dir():
        raise OutputError(f"{path} is a folder and would have to give way to a file. Name another output.")
    aside = path.with_name(f".replaced-{os.getpid()}-{zlib.crc32(os.fsencode(path.name)):08x}")
    os.rename(path, aside)
    try:
        os.rename(partial, path)
    except BaseException:
        os.rename(aside, path)
        raise
    shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _reason(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {path} was not written. Free some space, or name an output elsewhere."
    return f"{path} cannot be written: {error.strerror}. Name an output elsewhere."

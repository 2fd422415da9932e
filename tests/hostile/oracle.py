"""What a command may do with a bad input: its work, or refuse it in words and leave everything as it was."""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import re
import resource
import signal
import stat
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from rnnscope.cli import main

from .cases import Case

SECONDS = 60
MEMORY = 3 * 2**30
"""Bytes more than the process has."""

_JARGON = re.compile(r"Traceback|object at 0x|NoneType|' object has no attribute|<class '|subscriptable|\bNone\.?\s*$")
_STDIN = b"abc abd.\n" * 3


def findings(case: Case, folder: Path) -> list[str]:
    """What is wrong with what a command does; nothing if all is well."""
    before = contents(folder)
    with limits(), served(folder):
        result = CliRunner().invoke(main, case.arguments, input=_STDIN)
    after = contents(folder)
    as_json = "--json" in case.arguments and "--definitions" not in case.arguments
    return [*_of_result(result, as_json), *_of_files(case, result.exit_code, before, after)]


def _of_result(result: Result, as_json: bool) -> Iterator[str]:
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        yield "".join(traceback.format_exception(result.exception)[-8:])
        return
    if result.exit_code not in (0, 2):
        yield f"exit code {result.exit_code}: {result.output[-500:]}"
    elif result.exit_code == 2:
        said = result.stderr.partition("Error: ")[2]
        if len(said.split()) < 3 or _JARGON.search(result.stderr) or "\n\n" in said.strip():
            yield f"says {result.output[-1500:]!r}"
    elif "Traceback" in result.output:
        yield f"shows a traceback: {result.output[-500:]}"
    elif as_json:
        try:
            json.loads(result.stdout)
        except ValueError:
            yield f"printed no JSON: {result.stdout[:500]!r}"


def _of_files(case: Case, code: int, before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    changed = sorted(name for name, content in before.items() if after.get(name) != content)
    new = sorted(after.keys() - before.keys())
    if code:
        if changed or new:
            yield f"failed, but changed {changed} and left {new}"
    elif changed and not {"--force", "--resume"} & set(case.arguments):
        yield f"changed {changed}"
    if litter := [name for name in new if Path(name).name.startswith((".partial", ".replaced"))]:
        yield f"left {litter}"
    if "ran" in new:
        yield "ran code from a file"


def contents(folder: Path) -> dict[str, str]:
    """What stands in a folder and in the one above: a digest of each file, the target of each link."""
    found = {}
    for path in [*folder.parent.iterdir(), *folder.rglob("*")]:
        mode = path.lstat().st_mode
        name = str(path.relative_to(folder.parent)).removeprefix(f"{folder.name}/")
        if stat.S_ISREG(mode):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path != folder:
            found[name] = os.readlink(path) if stat.S_ISLNK(mode) else str(stat.S_IFMT(mode))
    return found


class _Late(BaseException):
    """Nothing that a command would take for a failure of its own."""


@contextmanager
def limits() -> Iterator[None]:
    """A time and a memory that no small input needs; what hangs in C ends the process, with a traceback."""

    def stop(number: int, frame: object) -> None:
        raise _Late(f"not done after {SECONDS} seconds")

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    bounds = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    faulthandler.dump_traceback_later(SECONDS + 30, exit=True)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, bounds[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, bounds)
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """Somebody who writes a line to each named pipe as soon as it is opened, once."""
    done = threading.Event()
    pipes = [path for path in folder.rglob("*") if stat.S_ISFIFO(path.lstat().st_mode)]
    threads = [threading.Thread(target=_serve, args=(pipe, done)) for pipe in pipes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _serve(pipe: Path, done: threading.Event) -> None:
    while not done.is_set():
        try:
            opened = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            time.sleep(0.01)
            continue
        os.write(opened, _STDIN)
        os.close(opened)
        return

"""Training runs side by side: each in a process of its own, none done twice, all of them safe to interrupt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rnnscope.errors import TrainingError
from rnnscope.progress import screen

from . import worker
from .plan import PlannedRun

_POLL = 0.1  # seconds


def train_all(
    runs: Sequence[PlannedRun],
    *,
    jobs: int | None = None,
    device: str = "auto",
    title: str = "training",
) -> None:
    """Train what is not trained yet, and go on with what was interrupted.

    Parameters
    ----------
    runs : sequence of PlannedRun
    jobs : int, optional
        Runs at a time; as many as there are cores if not given. They share the cores.
    device : str
        As for `rnnscope.train`.
    title : str
        Of the progress bar.

    Raises
    ------
    TrainingError
        If a run cannot be trained. To diverge is no such failure; it leaves a note in the run's folder.
    KeyboardInterrupt
        After Ctrl-C; what was at work has written its ``last.pt``.
    """
    waiting = [run for run in runs if not run.finished]
    if not waiting:
        return
    for run in waiting:
        run.write()
    folders = [run.folder for run in waiting]
    jobs = min(jobs or cores(), len(folders))
    with _RunsBar(runs, title):
        if jobs > 1:
            _train_together(folders, jobs, device)
        else:
            for folder in folders:
                worker.train_run(folder, device)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command(folder: Path, device: str, threads: int) -> list[str]:
    """What trains the run of a folder in a process of its own."""
    return [sys.executable, "-P", "-m", worker.__name__, str(folder), device, str(threads)]


@dataclass(frozen=True, eq=False)
class _Process:
    """A process that trains a run."""

    folder: Path
    process: subprocess.Popen[bytes]
    said: IO[bytes]

    @classmethod
    def start(cls, folder: Path, device: str, threads: int) -> _Process:
        said = tempfile.TemporaryFile()
        process = subprocess.Popen(
            command(folder, device, threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # Ctrl-C in the terminal reaches this process alone, which tells the others
        )
        return cls(folder, process, said)

    def end(self) -> str:
        """Wait for its end, and give what it said on failure."""
        with self.said:
            if self.process.wait() == 0:
                return ""
            self.said.seek(0)
            words = self.said.read().decode(errors="replace").strip()
        return words or "its process was ended from outside, perhaps for want of memory: try fewer --jobs."


def _train_together(folders: Sequence[Path], jobs: int, device: str) -> None:
    """Train in so many processes at a time; if one of them fails or Ctrl-C comes, the others save and end."""
    threads = max(1, cores() // jobs)
    waiting, working = list(folders), list[_Process]()
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                working.append(_Process.start(waiting.pop(0), device, threads))
            for one in [one for one in working if one.process.poll() is not None]:
                working.remove(one)
                if words := one.end():
                    raise TrainingError(f"{one.folder}: {words} Start the comparison again to go on with the rest.")
            time.sleep(_POLL)
    finally:
        for one in working:
            one.process.terminate()
        for one in working:
            one.end()


class _RunsBar(Progress):
    """How many runs are done, those at work counted by their last validation."""

    def __init__(self, runs: Sequence[PlannedRun], title: str) -> None:
        self._runs = runs
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[done]} of {task.fields[runs]} runs"),
            TimeRemainingColumn(),
            **screen(),
            refresh_per_second=1,
            speed_estimate_period=3600,
        )
        self.add_task(title, total=len(runs), done=0, runs=len(runs))

    def get_renderables(self) -> Iterator[RenderableType]:
        done = sum(run.finished for run in self._runs)
        for task in self.task_ids:
            self.update(task, completed=sum(run.progress for run in self._runs), done=done)
        yield from super().get_renderables()

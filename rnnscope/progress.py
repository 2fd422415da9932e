"""Long work: a bar that says how much, how fast and the time left, and an end when the user wants it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text


class RateColumn(ProgressColumn):
    """How many a second, of what is counted."""

    def __init__(self, counted: str) -> None:
        super().__init__()
        self._counted = counted

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._counted}/s", style="progress.data.speed")


def progress_bar(console: Console | None, counted: str = "characters") -> Progress:
    """A bar that counts characters or what is named; silent where there is no console or no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        RateColumn(counted),
        TimeRemainingColumn(),
        console=console,
        disable=console is None or not console.is_terminal,
    )


@contextmanager
def interruption() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that no step of the work is cut in two; a second Ctrl-C is immediate."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

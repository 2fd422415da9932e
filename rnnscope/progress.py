"""Long work: a bar that says how much, how fast and the time left, and an end when the user wants it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

T = TypeVar("T")


class RateColumn(ProgressColumn):
    """How many a second, of what is counted."""

    def __init__(self, counted: str) -> None:
        super().__init__()
        self._counted = counted

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._counted}/s", style="progress.data.speed")


_console: ContextVar[Console | None] = ContextVar("console", default=None)
_bar_stands: ContextVar[bool] = ContextVar("bar_stands", default=False)


@contextmanager
def show_progress(console: Console | None = None) -> Iterator[None]:
    """Show how far all work inside has come: a bar with its rate and the time left, and what is to be known meanwhile.

    Without it the functions of rnnscope are silent, as they are in threads that start inside.

    Parameters
    ----------
    console : rich Console, optional
        Standard error if not given. Where it is no terminal, there are no bars.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> with rnnscope.show_progress():
    ...     trace = rnnscope.trace(model, "He said nothing more.")
    >>> trace
    <Trace of 21 steps, in memory: l0.h, l0.c, l0.i, l0.f, l0.g, l0.o>
    """
    with _set(_console, console or Console(stderr=True)):
        yield


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is shown of the work inside."""
    with _set(_console, None):
        yield


def screen() -> dict[str, Any]:
    """The arguments with which a `Progress` is seen: not where nothing is shown, nor inside work that has a bar."""
    console = _console.get()
    return {"console": console, "disable": console is None or not console.is_terminal or _bar_stands.get()}


@contextmanager
def progress_bar(counted: str = "characters") -> Iterator[Progress]:
    """A bar that counts characters or what is named; nothing is seen of it where nothing is shown."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), RateColumn(counted))
    with Progress(*columns, TimeRemainingColumn(), **screen()) as bar, _set(_bar_stands, True):
        yield bar


def say(what: str) -> None:
    """A sentence to whoever watches the work."""
    if console := _console.get():
        console.print(what, markup=False, soft_wrap=True)


@contextmanager
def _set(variable: ContextVar[T], value: T) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


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

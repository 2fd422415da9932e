"""Progress: shown where the caller says, once; silent elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rnnscope.progress import progress_bar, say, show_progress, silence


@pytest.fixture
def console() -> Console:
    """A terminal whose words can be read."""
    return Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)


def work(name: str) -> None:
    with progress_bar("steps") as bar:
        bar.advance(bar.add_task(name, total=1))


def words(console: Console) -> str:
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_bar_is_seen_where_progress_is_shown_and_not_elsewhere(console: Console) -> None:
    work("before")
    with show_progress(console):
        work("inside")
        with silence():
            work("silenced")
            say("silenced, too")
    work("after")
    assert "inside" in words(console)
    assert not [name for name in ("before", "silenced", "after") if name in words(console)]


def test_work_inside_other_work_has_no_bar_but_may_speak(console: Console) -> None:
    with show_progress(console), progress_bar() as bar:
        bar.add_task("the whole", total=1)
        work("a part")
        say("a [remark]")
    assert "the whole" in words(console) and "a part" not in words(console)
    assert "a [remark]" in words(console)


def test_where_there_is_no_terminal_there_is_no_bar() -> None:
    file = Console(file=io.StringIO(), force_terminal=False)
    with show_progress(file):
        work("unseen")
        say("a remark")
    assert words(file) == "a remark\n"


def test_an_error_ends_the_bar_and_what_is_shown(console: Console) -> None:
    with pytest.raises(ValueError, match="broken"), show_progress(console), progress_bar():
        raise ValueError("broken")
    work("after")
    with show_progress(console):
        work("again")
    assert "after" not in words(console) and "again" in words(console)

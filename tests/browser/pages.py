"""Small reports for the browser: of networks made by hand, and of texts that nobody would like to open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr
from playwright.sync_api import Browser, Page

from rnnscope import Trace, trace
from rnnscope.reports.html.page_of import page_of
from tests.handmade import dialogue, latch


def speech(length: int = 600) -> str:
    """A text of quotations for the network that latches on them."""
    return dialogue(np.random.default_rng(0), length)


def latched(text: str | list | None = None) -> Trace:
    """What the latch did on a text: unit l0.c.3 is high inside quotes."""
    return trace(latch(), speech() if text is None else text)


def with_gaps(whole: Trace, start: int, stop: int) -> Trace:
    """The same trace, its signals without a value from one step to another."""
    tree = whole.tree.copy(deep=True)
    for node in {address.node for address in whole.addresses}:
        for name, signal in tree[node].dataset.data_vars.items():
            inside = (np.arange(len(whole)) >= start) & (np.arange(len(whole)) < stop)
            tree[node][str(name)] = xr.where(xr.DataArray(inside, dims="time"), np.nan, signal).transpose(*signal.dims)
    return Trace(tree)


def write(folder: Path, whole: Trace, **options: object) -> Path:
    """The page of a trace, in a file."""
    path = folder / "report.html"
    path.write_text(page_of(whole, **options), "utf-8")  # pyright: ignore[reportArgumentType]
    return path


@contextmanager
def kept_open(browser: Browser, path: Path) -> Iterator[Callable[..., Page]]:
    """A page that several tests use one after the other, each from a view that it names; it stays silent throughout."""
    page, complaints = browser.new_page(), []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")

    def show(fragment: str = "") -> Page:
        page.mouse.move(0, 0)
        page.evaluate(
            """async (fragment) => {
                 document.activeElement.blur();
                 getSelection().removeAllRanges();
                 clearTimeout(app.store.later);
                 history.replaceState(null, "", location.pathname + fragment);
                 app.store.restore();
                 await app.store.drawing;
               }""",
            fragment,
        )
        return page

    yield show
    page.close()
    assert complaints == []


def colour_at(page: Page, step: int) -> list[int]:
    """The colour that the character of a step stands on: red, green, blue."""
    return page.evaluate(
        """step => getComputedStyle([...document.querySelectorAll("#text span")].find((each) => each.step === step))
             .backgroundColor.match(/[0-9]+/g).map(Number)""",
        step,
    )

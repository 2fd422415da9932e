"""A real browser, headless: Debian's chromium, or the one that the variable CHROMIUM names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from rnnscope import Trace

from .pages import kept_open, latched, write

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium; install it, or name one in the variable CHROMIUM")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"{CHROMIUM} cannot be started: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def whole() -> Trace:
    """What the latch did on a text of quotations."""
    return latched()


@pytest.fixture(scope="session")
def report(whole: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of it."""
    return write(tmp_path_factory.mktemp("report"), whole, title="What the latch holds")


@pytest.fixture(scope="module")
def show(report: Path, browser: Browser) -> Iterator[Callable[..., Page]]:
    """That page, kept open: shows it from a view."""
    with kept_open(browser, report) as show:
        yield show


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file as a double click does; fails at the end if the page asked for anything or complained."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_file(path: Path, fragment: str = "", **context: object) -> Page:
        page = browser.new_context(**context).new_page()  # pyright: ignore[reportArgumentType]
        pages.append(page)
        address = path.absolute().as_uri()
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if not _own(asked.url, address) else None)
        page.goto(address + fragment)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_file
    for page in pages:
        page.context.close()
    assert complaints == []


def _own(url: str, address: str) -> bool:
    """Whether what is asked for is the file itself, or something that it holds."""
    return url.partition("#")[0] == address or url.startswith(("data:", "blob:"))

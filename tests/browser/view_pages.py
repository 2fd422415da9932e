"""Reports for the views: of several networks, and with findings put in by hand."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import FloatRect, Locator, Page

from rnnscope import Trace
from rnnscope.reports.html.building import Contents, build
from rnnscope.reports.html.stretches import stretches_of
from rnnscope.reports.html.subject import study

Change = Callable[[dict[str, Any], Callable[[bytes], str]], None]
"""Changes the data of a page; its second argument adds a block and gives its id."""

_PAGE = re.compile(r'(id="block-page"[^>]*>)(.*?)(</script>)', re.DOTALL)


def write_all(folder: Path, traces: Sequence[Trace], change: Change | None = None, size: float = 20.0) -> Path:
    """The page of networks that have read the same text, in a file; its data changed, if there is a change to make."""
    stretches = stretches_of(traces[0])
    subjects = [study(each, None, stretches, (), 0) for each in traces]
    html = build(Contents("Views", subjects, stretches), size).html
    path = folder / "views.html"
    path.write_text(html if change is None else changed(html, change), "utf-8")
    return path


def changed(html: str, change: Change) -> str:
    """A page with its data changed."""
    added: list[str] = []

    def add(data: bytes) -> str:
        name = f"added-{len(added)}"
        added.append(f'<script type="text/plain" id="block-{name}">{_packed(data)}</script>')
        return name

    def replace(found: re.Match[str]) -> str:
        data = json.loads(gzip.decompress(base64.b64decode(found[2])))
        change(data, add)
        return f"{found[1]}{_packed(json.dumps(data).encode())}{found[3]}{''.join(added)}"

    return _PAGE.sub(replace, html, count=1)


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data)).decode()


def state(page: Page) -> dict[str, Any]:
    """What the page shows, as its address says it."""
    return page.evaluate("app.store.state")


def settled(page: Page) -> None:
    """Wait until all that was asked for is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done))).then(() => app.store.drawing)")


def box_of(element: Locator) -> FloatRect:
    """Where an element is on the screen."""
    box = element.bounding_box()
    assert box is not None, "it is not shown"
    return box


def label_of(element: Locator) -> str:
    """What a screen reader says of an element."""
    return element.get_attribute("aria-label") or ""


def saved(page: Page, button: Locator) -> tuple[str, bytes]:
    """The name and the content of the file that a button saves."""
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()

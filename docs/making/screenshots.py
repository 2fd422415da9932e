"""The pictures of a report that README.md and docs/report.md show: python docs/making/screenshots.py

Takes Debian's chromium, or the one that the variable CHROMIUM names. Look at the pictures before you commit them.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import rnnscope
from rnnscope import trained
from rnnscope.probes.concepts import named

DOCS = Path(__file__).parents[1]
DESK: dict[str, Any] = {"viewport": {"width": 1200, "height": 780}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "report-light": ("#unit=l0.c.170&at=143", DESK | {"color_scheme": "light"}),
    "report-dark": ("#unit=l0.c.170&at=143", DESK | {"color_scheme": "dark"}),
    "report-phone": ("#unit=l0.c.170&at=143", PHONE),
    "report-heatmap": ("#unit=l0.c.170&at=143&tab=heatmap&zoom=120:270&rows=150:190", DESK),
    "report-compare": ("#unit=l0.c.170&at=143&tab=compare", DESK),
}
"""The place in the report, and the screen, of each."""


def write_report(path: Path) -> None:
    model, text = rnnscope.load(trained.path("prose-lstm")), trained.path("prose-lstm").with_name("demo.txt")
    other = rnnscope.load(trained.path("prose-gru"))
    concepts = named("quotes", "vowel", "line-position")
    rnnscope.report(model, text, path, compare=[other], concepts=concepts, ablate=True)


def picture(browser: Browser, address: str, screen: dict[str, Any]) -> Image.Image:
    with browser.new_context(**screen) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(1000)  # what is drawn after a tab is shown
        return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main() -> None:
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder, "report.html")
        write_report(report)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (place, screen) in PICTURES.items():
            picture(browser, report.as_uri() + place, screen).save(DOCS / f"{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()

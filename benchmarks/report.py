"""What a report costs: seconds to make it, bytes of the file, and seconds until a browser shows it.

trace    the network reads the text, and its signals go to disk: what a report begins with
page     the trace packed into a page, without what needs the network again
report   all of it: trace, concepts, panels, page; the peak of its process with torch and all else in it
shown    a fresh page of headless Chromium, from the call until the page says that it is ready; the median of three

The text is the test part of War and Peace, which the shipped networks have not seen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright
from processes import afresh, peak
from rich.console import Console
from timing import machine, table

from rnnscope import load, report, trace, trained
from rnnscope.corpora.texts import war_and_peace
from rnnscope.probes.concepts import named
from rnnscope.reports.html.page_of import page_of
from rnnscope.reports.html.reporting import SIZE

CASES = (("prose-large", 5_000), ("prose-lstm", 100_000))
TURNS = 3
"""Times that a page is shown."""


def text_of(characters: int) -> str:
    text = "".join(document.text for document in war_and_peace().split()["test"])
    if len(text) < characters:
        raise SystemExit(f"The test part has {len(text):,} characters; {characters:,} were asked for.")
    return text[:characters]


def make(name: str, characters: int, to: str, threads: int) -> None:
    """Make a trace, a page and a report in this process; what they took goes to standard output."""
    torch.set_num_threads(threads)
    network, text, folder, seconds = load(trained.path(name)), text_of(characters), Path(to), {}
    began = time.perf_counter()
    traced = trace(network, text, folder / "t.zarr")
    seconds["trace"] = time.perf_counter() - began
    began = time.perf_counter()
    page_of(traced, size=SIZE)
    seconds["page"] = time.perf_counter() - began
    began = time.perf_counter()
    written = report(network, text, folder / "report.html", concepts=named("prose"), force=True)
    seconds["report"] = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": written.size, "notes": written.notes, "peak": peak()}))


def shown(path: Path) -> list[float]:
    """Seconds until the page is ready, each time in a fresh context; none where there is no browser."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        return []
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(1 + TURNS):
            page = browser.new_context().new_page()
            began = time.perf_counter()
            page.goto(path.absolute().as_uri())
            page.wait_for_selector("body[data-ready=true]")
            seconds.append(time.perf_counter() - began)
            page.context.close()
        browser.close()
    return seconds[1:]


def main(cases: list[tuple[str, int]], threads: int) -> None:
    console, told = Console(), []
    console.print(machine())
    rows = table("Seconds, as times of tracing, and megabytes", "", "trace", "page", "report", "MB", "peak", "shown")
    for name, characters in cases:
        with tempfile.TemporaryDirectory() as folder:
            found = afresh(__file__, name, characters, folder, threads)
            ready = shown(Path(folder) / "report.html")
        took, case = found["seconds"], f"{name}, {characters:,}"
        times = [f"{took[each]:.1f} ({took[each] / took['trace']:.1f})" for each in ("page", "report")]
        sizes = f"{found['bytes'] / 1e6:.2f}", f"{found['peak']:,.0f}"
        opened = f"{sorted(ready)[len(ready) // 2]:.1f}" if ready else "-"
        rows.add_row(case, f"{took['trace']:.1f}", *times, *sizes, opened)
        told.append((case, found["notes"]))
    console.print(rows)
    for case, notes in told:
        console.print(f"{case}: {' '.join(notes)}", markup=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="the short text alone")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        make(*options.inside)
    else:
        main(list(CASES[: 1 if options.quick else 2]), options.threads)

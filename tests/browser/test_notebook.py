"""The page in a notebook's frame: it opens at the unit, runs, and reaches nothing outside of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

import rnnscope
from tests.handmade import dialogue, latch


def test_a_unit_shows_itself_in_a_frame(open_page: Callable[..., Page], tmp_path: Path) -> None:
    trace = rnnscope.trace(latch(), dialogue(np.random.default_rng(0), 800))
    shown = "".join(rnnscope.describe_unit(trace, unit)._repr_html_() for unit in ("l0.c.3", "l0.c.5"))
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body data-ready>{shown}</body>", encoding="utf-8")
    notebook = open_page(path)
    frames = notebook.frames[1:]
    assert len(frames) == 2
    for frame, unit in zip(frames, ("l0.c.3", "l0.c.5"), strict=True):
        frame.wait_for_selector("body[data-ready]")
        assert frame.input_value("#address") == unit
        assert frame.evaluate("location.hash") == f"#unit={unit}"
        assert frame.evaluate("origin") == "null"
        frame.wait_for_function("words => document.body.textContent.includes(words)", arg=trace.text[:5])

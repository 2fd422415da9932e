"""A trace and a unit in a notebook: the page of a report in a frame that may do nothing but run its own scripts."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import rnnscope
from rnnscope import inline
from rnnscope.errors import AddressError, ReportError
from rnnscope.models import LanguageModelConfig
from rnnscope.reports.notebook import trace_html
from tests.handmade import dialogue, latch
from tests.results import HOSTILE


@pytest.fixture(scope="module")
def trace() -> rnnscope.Trace:
    return rnnscope.trace(latch(), dialogue(np.random.default_rng(0), 800))


def frames(text: str) -> list[dict[str, Any]]:
    """The attributes of the frames in HTML."""
    found: list[dict[str, Any]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(dict(attrs)) if tag == "iframe" else None
    parser.feed(text)
    return found


def test_a_trace_is_a_page_in_a_frame(trace: rnnscope.Trace) -> None:
    (frame,) = frames(trace_html(trace))
    assert frame["sandbox"] == "allow-scripts allow-downloads"
    assert frame["srcdoc"].lower().startswith("<!doctype html>")
    assert "default-src 'none'" in frame["srcdoc"]
    assert "location.hash = " not in frame["srcdoc"]
    assert frame["title"] == repr(trace)
    assert len(trace_html(trace)) < 2_000_000


def test_a_unit_is_its_card_over_the_page_opened_there(trace: rnnscope.Trace) -> None:
    card = rnnscope.describe_unit(trace, "l0.c.3")
    shown = card._repr_html_()
    assert repr(card).startswith("l0.c.3") and "<pre" in shown
    (frame,) = frames(shown)
    assert '<script>location.hash = "unit=l0.c.3";</script>' in frame["srcdoc"]
    with pytest.raises(AddressError):
        trace_html(trace, "l0.c.99")


def test_a_hostile_text_does_not_leave_the_frame() -> None:
    characters = f"{HOSTILE}\"'></iframe>"
    network = rnnscope.CharLanguageModel(LanguageModelConfig(hidden_size=4), rnnscope.Vocabulary.of(characters))
    read = rnnscope.trace(network.eval(), characters * 3)
    text = trace_html(read)
    assert text.count("<") == 2 and len(frames(text)) == 1
    assert "<script>alert" not in unescape(text)


def test_where_a_page_cannot_be_made_it_is_said(trace: rnnscope.Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*args: object, **options: object) -> str:
        raise ReportError("It is <too> large.")

    monkeypatch.setattr("rnnscope.reports.notebook.page_of", too_much)
    assert "It is &lt;too&gt; large." in trace_html(trace)


def test_the_face_tells_traces_how_to_show_themselves(trace: rnnscope.Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trace._repr_html_() == trace_html(trace)
    monkeypatch.setattr(inline, "views", {})
    assert trace._repr_html_() is None

"""The panels that every report has."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import CharLanguageModel, File
from rnnscope.reports.html import model_panels, panels
from rnnscope.reports.html.panels import Panel
from tests import handmade

TEXT = handmade.dialogue(np.random.default_rng(0), 900)
TITLES = ["Gate saturation", "Timescales of units", "Gradient flow", "Effective context", "Errors"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels without pictures, from few targets."""
    monkeypatch.setattr(panels, "svg", lambda result: b"")
    monkeypatch.setattr(model_panels, "_TARGETS", 20)
    monkeypatch.setattr(model_panels, "_LENGTHS", (1, 10))


def titles(found: list[Panel]) -> list[str]:
    return [shown.title for shown in found]


def test_a_language_model_has_all_panels_and_stays_as_it_is(quick: None) -> None:
    model, file = handmade.latch(), File(io.BytesIO(TEXT.encode()))
    found, notes = model_panels.model_panels(model, file)
    assert titles(found) == TITLES and notes == []
    assert all(map(torch.equal, model.parameters(), handmade.latch().parameters())) and not model.training
    for shown in found:
        assert shown.said and shown.rows
        assert any(re.search(rf"\b{len(TEXT)}\b", said) for said in shown.said), shown.title
        assert json.dumps([shown.rows, shown.said], allow_nan=False)


def test_what_cannot_be_is_left_out_with_the_reason(quick: None, make_model: Callable[..., CharLanguageModel]) -> None:
    found, notes = model_panels.model_panels(make_model(cell="rnn"), TEXT[:150])
    assert titles(found) == TITLES[1:]
    assert [note.partition(":")[0] for note in notes] == ["Gate saturation"]
    lags = next(shown for shown in found if shown.title == "Gradient flow").rows[-1][1]
    assert lags == 150 // 4
    found, notes = model_panels.model_panels(make_model(bidirectional=True), TEXT)
    reason = "(they are for language models that read forward)"
    assert titles(found) == TITLES[:2]
    assert notes == [f"Left out: gradient flow, effective context and errors {reason}."]
    for text in ("a", "ab"):
        found, notes = model_panels.model_panels(handmade.latch(), text)
        assert len(found) + len(notes) == len(TITLES)


def test_a_trace_has_what_it_can_tell(quick: None) -> None:
    trace = rnnscope.trace(handmade.latch(), TEXT)
    found, notes = model_panels.model_panels(trace)
    others = "gradient flow, effective context, errors and timescales by the Jacobian (the network itself is needed)"
    assert titles(found) == TITLES[:2] and notes == [f"Left out: {others}."]
    found, notes = model_panels.model_panels(rnnscope.trace(handmade.latch(), TEXT, signals=["c"]))
    assert titles(found) == TITLES[1:2]
    assert notes == [f"Left out: gate saturation (no gates are recorded); {others}."]


def test_a_large_network_has_timescales_if_its_trace_is_there(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_panels, "_SMALL", 10)
    model = handmade.latch()
    found, notes = model_panels.model_panels(model, TEXT)
    assert "Timescales of units" not in titles(found) and "timescales of units (they take minutes" in notes[0]
    found, notes = model_panels.model_panels(model, TEXT, trace=rnnscope.trace(model, TEXT))
    rows = next(shown for shown in found if shown.title == "Timescales of units").rows
    assert rows and all(row[4] is None for row in rows)
    (note,) = notes
    assert note.startswith("Left out: timescales by the Jacobian (they take minutes")


def test_errors_are_those_of_the_network_by_its_name(quick: None) -> None:
    network = handmade.latch()
    found, _ = model_panels.model_panels(network, TEXT, trace=rnnscope.trace(network, TEXT))
    errors = next(shown for shown in found if shown.title == "Errors")
    assert "a probability below 0.5" in errors.said[0]
    assert errors.said[2].startswith("CharLanguageModel: ")


def test_a_long_text_is_read_from_its_beginning(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_panels, "LIMIT", 300)
    found, _ = model_panels.model_panels(handmade.latch(), [TEXT[:200], TEXT])
    assert any("300 steps" in said for said in found[0].said)

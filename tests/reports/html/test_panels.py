"""Results as panels of the page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

import rnnscope
from rnnscope import CharLanguageModel, File, trained
from rnnscope.errors import ReportError
from rnnscope.reports.html import panels
from rnnscope.reports.html.panels import Panel, model_panels, panel
from rnnscope.reports.html.plain import plain
from rnnscope.style import figure_of, new_axes
from tests import handmade

TEXT = handmade.dialogue(np.random.default_rng(0), 900)
TITLES = ["Gate saturation", "Timescales of units", "Gradient flow", "Effective context", "Errors"]


def test_a_panel_has_the_numbers_of_the_result_and_its_picture() -> None:
    result = rnnscope.saturation(handmade.latch(), TEXT)
    shown = panel(result, ["First of all."])
    assert (shown.id, shown.title) == ("saturation", "Gate saturation")
    assert shown.columns == ["signal", "unit", "left", "right"] and len(shown.rows) == len(result.table) == 24
    for row, known in zip(shown.rows, result.table.to_numpy().tolist(), strict=True):
        assert row[:2] == known[:2] and row[2:] == pytest.approx(known[2:], rel=1e-3)
    assert shown.said[0] == "First of all." and any(f"{len(TEXT)} steps" in said for said in shown.said)
    assert json.dumps([shown.rows, shown.said, shown.columns], allow_nan=False)


def test_a_figure_is_svg_of_its_own_size_and_the_same_at_each_call() -> None:
    result = rnnscope.saturation(handmade.latch(), TEXT)
    figure = panel(result).figure
    assert figure == panel(result).figure
    root = ElementTree.fromstring(figure)
    inches = figure_of(result.plot()).get_size_inches()
    sizes = [float(str(root.get(name)).removesuffix("pt")) for name in ("width", "height")]
    assert sizes == pytest.approx([108 * inch for inch in inches], rel=1e-3)
    assert b"<dc:date>" not in figure and b"<script" not in figure


def test_an_index_that_says_something_is_a_column_and_results_without_words_of_their_own_have_those_of_their_card() -> (
    None
):
    ranking = rnnscope.rank_units(rnnscope.trace(handmade.latch(), TEXT)["l0.c"])
    shown = panel(ranking, title="Units")
    assert shown.title == "Units" and shown.columns[:2] == ["name", "unit"]
    assert [row[0] for row in shown.rows] == list(ranking.table.index)
    forgetting = panel(rnnscope.forgetting_times(handmade.random_network(0), TEXT))
    assert forgetting.id == "forgetting-times" and forgetting.said and forgetting.rows
    assert all(len(said) > 10 and not said.endswith(":") for said in forgetting.said)


class Odd:
    """A result with every kind of value, and a name of characters that XML and matplotlib treat as their own."""

    table = pd.DataFrame({"a": [np.nan, np.inf, -0.123456], "b": ["<script>", None, "$x$"], "c": [True, False, True]})

    def plot(self) -> Any:
        ax = new_axes()
        ax.set_title(r"<script>alert(1)</script> \$")
        return ax

    def __rich_console__(self, *_: Any) -> Any:
        return iter(())


def test_numbers_that_json_lacks_become_words_or_none_and_markup_is_text() -> None:
    shown = panel(Odd())
    assert shown.rows == [[None, "<script>", True], ["inf", None, False], [-0.1235, "$x$", True]]
    assert (shown.id, shown.title, shown.said) == ("odd", "Odd", [])
    assert ElementTree.fromstring(shown.figure) is not None and b"<script" not in shown.figure


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (np.float32(0.25), 0.25),
        (np.int64(3), 3),
        (float("-inf"), "-inf"),
        (pd.NA, None),
        (pd.NaT, None),
        (("a",), "('a',)"),
    ],
)
def test_plain_values(value: object, known: object) -> None:
    assert plain(value) == known and type(plain(value)) is type(known)


@pytest.mark.parametrize("wrong", [3, "saturation", rnnscope.saturation, Odd])
def test_what_is_no_result_is_refused(wrong: object) -> None:
    with pytest.raises(ReportError, match=r"A panel shows a result of rnnscope, such as rnnscope\.saturation"):
        panel(wrong)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels without pictures, from few targets."""
    monkeypatch.setattr(panels, "svg", lambda result: b"")
    monkeypatch.setattr(panels, "_TARGETS", 20)
    monkeypatch.setattr(panels, "_LENGTHS", (1, 10))


def titles(found: list[Panel]) -> list[str]:
    return [shown.title for shown in found]


def test_a_language_model_has_all_panels_and_stays_as_it_is(quick: None) -> None:
    model, file = handmade.latch(), File(io.BytesIO(TEXT.encode()))
    found, notes = model_panels(model, file)
    assert titles(found) == TITLES and notes == []
    assert all(map(torch.equal, model.parameters(), handmade.latch().parameters())) and not model.training
    for shown in found:
        assert shown.said and shown.rows
        assert any(re.search(rf"\b{len(TEXT)}\b", said) for said in shown.said), shown.title
        assert json.dumps([shown.rows, shown.said], allow_nan=False)


def test_what_cannot_be_is_left_out_with_the_reason(quick: None, make_model: Callable[..., CharLanguageModel]) -> None:
    found, notes = model_panels(make_model(cell="rnn"), TEXT[:150])
    assert titles(found) == TITLES[1:]
    assert [note.partition(":")[0] for note in notes] == ["Gate saturation"]
    lags = next(shown for shown in found if shown.title == "Gradient flow").rows[-1][1]
    assert lags == 150 // 4
    found, notes = model_panels(make_model(bidirectional=True), TEXT)
    reason = "(they are for language models that read forward)"
    assert titles(found) == TITLES[:2]
    assert notes == [f"Left out: gradient flow, effective context and errors {reason}."]
    for text in ("a", "ab"):
        found, notes = model_panels(handmade.latch(), text)
        assert len(found) + len(notes) == len(TITLES)


def test_a_trace_has_what_it_can_tell(quick: None) -> None:
    trace = rnnscope.trace(handmade.latch(), TEXT)
    found, notes = model_panels(trace)
    others = "gradient flow, effective context, errors and timescales by the Jacobian (the network itself is needed)"
    assert titles(found) == TITLES[:2] and notes == [f"Left out: {others}."]
    found, notes = model_panels(rnnscope.trace(handmade.latch(), TEXT, signals=["c"]))
    assert titles(found) == TITLES[1:2]
    assert notes == [f"Left out: gate saturation (no gates are recorded); {others}."]


def test_a_large_network_has_timescales_if_its_trace_is_there(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "_SMALL", 10)
    model = handmade.latch()
    found, notes = model_panels(model, TEXT)
    assert "Timescales of units" not in titles(found) and "They take minutes" in notes[0]
    found, notes = model_panels(model, TEXT, trace=rnnscope.trace(model, TEXT))
    rows = next(shown for shown in found if shown.title == "Timescales of units").rows
    assert rows and all(row[4] is None for row in rows)
    (note,) = notes
    assert note.startswith("Left out: timescales by the Jacobian (they take minutes")


def test_errors_are_those_of_the_network_by_its_name(quick: None) -> None:
    network = handmade.latch()
    found, _ = model_panels(network, TEXT, trace=rnnscope.trace(network, TEXT))
    errors = next(shown for shown in found if shown.title == "Errors")
    assert "a probability below 0.5" in errors.said[0]
    assert errors.said[2].startswith("CharLanguageModel: ")


def test_a_network_of_numbers_is_read_as_far_as_its_jacobian_needs() -> None:
    forecaster = rnnscope.load(trained.path("brent-forecaster"))
    series = np.cumsum(np.random.default_rng(0).normal(size=250)) + 100
    rows = [rnnscope.timescales(forecaster, series, limit=limit).table for limit in (150, 250)]
    assert all(np.isfinite(table["jacobian"]).all() for table in rows)
    assert not np.allclose(rows[0]["jacobian"], rows[1]["jacobian"])
    captioner = rnnscope.load(trained.path("digit-captioner"))
    images = np.random.default_rng(0).random((40, 64), np.float32)
    assert not np.isnan(rnnscope.timescales(captioner, images, limit=103).table["jacobian"]).any()


def test_a_long_text_is_read_from_its_beginning(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "LIMIT", 300)
    found, _ = model_panels(handmade.latch(), [TEXT[:200], TEXT])
    assert any("300 steps" in said for said in found[0].said)

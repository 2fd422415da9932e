"""Results as panels of the page."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import rnnscope
from rnnscope.errors import ReportError
from rnnscope.reports.html.panels import panel
from rnnscope.reports.html.plain import plain
from rnnscope.style import figure_of, new_axes
from tests import handmade

TEXT = handmade.dialogue(np.random.default_rng(0), 900)


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

"""Every result shows itself: as a card where it is printed, as safe HTML in a notebook."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

import rnnscope
from rnnscope.card import Card
from rnnscope.probes.examples.examples import Examples
from rnnscope.shown import Shown, card_html, plain, table_html
from tests.printing import printed
from tests.results import HOSTILE_RESULTS, RESULTS, hostile_result, model, result

ROOT = Path(__file__).parents[1]
VOID = {"br", "hr", "img", "meta", "col", "input"}


class Reading(HTMLParser):
    """Reads HTML; fails where an element is closed that is not open. Keeps the words and the names of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def read(text: str) -> Reading:
    """What a browser would find in well-formed HTML that is safe to put on a page."""
    text.encode()
    assert not [character for character in text if ord(character) < 32 and character != "\n"]
    reading = Reading()
    reading.feed(text)
    reading.close()
    assert reading.open == []
    assert reading.seen <= {"pre", "span", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"}
    return reading


def shown_classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes with a card, read from the files."""
    for folder in ("rnnscope", "probes"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and node.name != "Shown":
                    if any(getattr(part, "name", "") == "__rich_console__" for part in node.body):
                        yield f"{path.relative_to(ROOT)}: {node.name}", node


def test_all_that_has_a_card_shows_it() -> None:
    classes = list(shown_classes())
    assert len(classes) >= len(RESULTS)
    for name, node in classes:
        assert "Shown" in map(ast.unparse, node.bases), name
        for decorator in map(ast.unparse, node.decorator_list):
            assert not decorator.startswith("dataclass(") or "repr=False" in decorator, name


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_printed_as_its_card(name: str) -> None:
    card = [line.rstrip() for line in printed(result(name), 100).splitlines()]
    lines = repr(result(name)).splitlines()
    assert lines == "\n".join(card).strip("\n").splitlines()
    assert all(line == line.rstrip() and len(line) <= 100 for line in lines)
    assert str(result(name)) == repr(result(name)) and "\x1b" not in repr(result(name))


@pytest.mark.parametrize("name", [name for name in RESULTS if name != "UnitCard"])
def test_a_result_is_a_card_over_its_table_in_a_notebook(name: str) -> None:
    """A unit's card stands over its trace instead, see tests/reports/test_notebook.py."""
    found = read(result(name)._repr_html_())
    assert repr(result(name)).splitlines()[0].strip()[:20] in found.words
    assert f"Table: {len(result(name).table):,} row" in found.words
    assert "table" in found.seen and len(result(name)._repr_html_()) < 60_000


@pytest.mark.parametrize("name", HOSTILE_RESULTS)
def test_a_hostile_text_stays_text(name: str) -> None:
    found = read(hostile_result(name)._repr_html_())
    assert "script" not in found.seen
    assert all(ord(character) >= 32 or character == "\n" for character in repr(hostile_result(name)))


class Said(Shown):
    """A result that says what it is told to."""

    def __init__(self, text: str, **values: Any) -> None:
        self.text, self.table = text, pd.DataFrame(values)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text, style="bold on red")


def test_what_is_said_is_escaped_and_can_be_encoded() -> None:
    said = Said("<b>&\ud800</b>", **{"<i>": ["<script>x</script>\x00\n\ud800", 1.25, np.nan]})
    assert repr(said) == "<b>&\\ud800</b>"
    found = read(said._repr_html_())
    assert "<b>&" in found.words and "<i>" in found.words and "<script>x</script>\ufffd⏎" in found.words
    assert "nan" not in found.words.lower()


def test_a_table_is_cut_and_says_so() -> None:
    found = read(table_html(pd.DataFrame({"a": range(1_000), "b": 0.123456789}), rows=5))
    assert "1,000 rows, 2 columns (the first 5)" in found.words
    assert found.words.count("0.1235") == 5
    several = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("<x>", 1)], names=["one", "two"]))
    assert "<x>" in read(table_html(several)).words and "one" in read(table_html(several)).words
    assert "0 rows" in read(table_html(pd.DataFrame({"a": []}))).words


def test_colours_are_kept_in_html_and_not_in_text() -> None:
    assert "background-color" in card_html(Text("x", style="on #ff0000"))
    assert plain(Text("x  ", style="bold on red")) == "x"
    assert plain(Text("a" * 150)).splitlines() == ["a" * 100, "a" * 50]


def test_examples_say_how_many_they_are_and_not_each_value() -> None:
    ones = np.zeros(6, int)
    examples = Examples(np.zeros((6, 2)), np.array([0, 1, 1, 1, 0, 1]), ("no", "yes"), ("a", "b"), ones, ones, "<x>")
    assert repr(examples) == "<x>\n6 examples of 2 units in 1 group: no 2, yes 4."
    assert "<x>" in read(examples._repr_html_()).words


def test_a_network_is_its_card() -> None:
    words = read(model()._repr_html_()).words
    assert "language-model" in words and model().architecture in words
    network = rnnscope.CharLanguageModel(model().config, model().vocabulary)
    network.card = Card("language-model", "<lstm>", 1_234, {"characters": 9}, "0" * 64, {})
    assert "<lstm>" in read(network._repr_html_()).words and "1,234" in read(network._repr_html_()).words

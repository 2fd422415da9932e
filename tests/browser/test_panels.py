"""The tab of the model: its card and the panels, with their numbers and figures as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

import rnnscope
from tests.browser.pages import kept_open, speech
from tests.browser.view_pages import saved, settled, write_all
from tests.handmade import latch

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20" viewBox="0 0 30 20">'
    b'<style>.x { fill: #ff0000 }</style><rect class="x" width="30" height="20" style="stroke: #00ff00"/></svg>'
)
NASTY = 'a "b",\n<script>throw 1</script>'
COLUMNS = ["layer", "lag", 'the "norm"']
ROWS = [["l0", 1, 0.5], [NASTY, 20, None], ["=1+1", 300, -0.25], ["l1", 4000, 2e-5]]


def panels(page, add):
    panel = {
        "title": "Gradient flow",
        "said": ["It halves in nine steps.", NASTY],
        "columns": COLUMNS,
        "rows": ROWS,
        "figure": add(SVG),
    }
    page["models"][0]["card"] = [["Trained on", "invented words"], ["Note", NASTY]]
    page["models"].append({**page["models"][0], "name": "the other"})
    page["panels"] = [
        {**panel, "id": "flow", "model": 0},
        {**panel, "id": "own", "model": 1, "title": "Of the other", "figure": None},
        {**panel, "id": "shared", "model": None, "title": "Of both"},
    ]


@pytest.fixture(scope="module")
def show(tmp_path_factory, browser: Browser) -> Iterator[Callable[..., Page]]:
    path = write_all(tmp_path_factory.mktemp("panels"), [rnnscope.trace(latch(), speech(200))], panels)
    with kept_open(browser, path) as show:
        yield show


def titles(page: Page) -> list[str]:
    settled(page)
    return page.locator(".panels h3").all_inner_texts()


def test_the_card_stands_in_words(show):
    page = show("#tab=model")
    assert page.locator("#tab-model dt").all_inner_texts() == ["Trained on", "Note"]
    assert page.locator("#tab-model dd").all_text_contents() == ["invented words", NASTY]


def test_each_model_has_its_own_panels(show):
    assert titles(show("#tab=model")) == ["Gradient flow", "Of both"]
    assert titles(show("#tab=model&model=1")) == ["Of the other", "Of both"]
    assert show("#tab=model&model=1").locator("#panel-own img, #panel-own [aria-label*=SVG]").count() == 0


def test_the_figure_is_a_picture_with_words_for_those_who_do_not_see_it(show):
    page = show("#tab=model")
    image = page.locator("#panel-flow img")
    expect(image).to_have_js_property("naturalWidth", 30)
    assert image.get_attribute("alt").startswith("Gradient flow. It halves in nine steps.")
    colour = image.evaluate(
        """async (image) => {
             await image.decode();
             const pen = new OffscreenCanvas(30, 20).getContext("2d");
             pen.drawImage(image, 0, 0);
             return [...pen.getImageData(15, 10, 1, 1).data];
           }"""
    )
    assert colour == [255, 0, 0, 255]  # the policy of the page does not take the figure's own style away


def test_the_numbers_open_as_a_table(show):
    page = show("#tab=model")
    table = page.locator("#panel-flow table")
    assert table.count() == 0
    page.locator("#panel-flow summary").click()
    expect(table).to_be_visible()
    assert table.locator("th").all_inner_texts() == ["layer", "lag", 'the "norm"']
    cells = [row.locator("td").all_text_contents() for row in table.locator("tbody tr").all()]
    assert cells == [["l0", "1", "0.500"], [NASTY, "20", "–"], ["=1+1", "300", "−0.250"], ["l1", "4,000", "2.0e−5"]]


def test_numbers_and_figure_are_saved(show):
    page = show("#tab=model")
    panel = page.locator("#panel-flow")
    name, content = saved(page, panel.get_by_role("button", name="CSV"))
    assert name == "flow.csv"
    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert read[0] == COLUMNS
    assert [row[:2] for row in read[1:]] == [[row[0], str(row[1])] for row in ROWS]
    assert [float(row[2]) if row[2] else None for row in read[1:]] == [row[2] for row in ROWS]
    assert saved(page, panel.get_by_role("button", name="SVG")) == ("flow.svg", SVG)
    name, png = saved(page, panel.get_by_role("button", name="PNG"))
    assert name == "flow.png" and png.startswith(b"\x89PNG")
    assert [int.from_bytes(png[place : place + 4], "big") for place in (16, 20)] == [60, 40]

"""Two networks side by side: whose units go together, where they part, and what the characters cost them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import rnnscope
from rnnscope import Trace
from tests.browser.pages import kept_open
from tests.browser.view_pages import box_of, label_of, saved, settled, state, write_all
from tests.handmade import dialogue, latch, random_network

PAIRS = [
    {"unit": "l0.c.0", "partner": "l0.c.1", "correlation": 0.2, "slope": 0.5, "diverges": None},
    {"unit": "l0.c.3", "partner": "l0.c.5", "correlation": 1.0, "slope": 1.0, "diverges": 500},
    {"unit": "l0.c.4", "partner": "l0.c.2", "correlation": -0.4, "slope": -2.0, "diverges": 12},
]


def aligned(page, add):
    page["models"][1]["name"] = "the other"
    page["alignments"] = [
        {
            "models": [0, 1],
            "signals": ["l0.c", "l0.c"],
            "pairs": PAIRS,
            "first_guess": 41,
            "said": ["Three units have partners."],
        }
    ]


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    rng = np.random.default_rng(0)
    texts = [dialogue(rng, 300), dialogue(rng, 300)]
    return [rnnscope.trace(latch(), texts), rnnscope.trace(random_network(7), texts)]


@pytest.fixture(scope="module")
def show(traces: list[Trace], tmp_path_factory, browser: Browser) -> Iterator[Callable[..., Page]]:
    with kept_open(browser, write_all(tmp_path_factory.mktemp("compare"), traces, aligned)) as show:
        yield show


def compared(show: Callable[..., Page], fragment: str = "") -> Page:
    page = show(f"#tab=compare{fragment}")
    settled(page)
    return page


def panes(page: Page) -> list[str]:
    settled(page)
    return page.locator(".pane h3").all_inner_texts()


def test_it_is_offered_where_there_are_several_models(show, traces, tmp_path, open_page):
    assert show().locator("#open-compare").is_visible()
    alone = open_page(write_all(tmp_path, traces[:1]), "#tab=compare")
    assert alone.locator("#open-compare").is_hidden()
    assert alone.locator("#tab-text").is_visible()


def test_a_unit_stands_beside_its_partner_from_either_side(show, traces):
    name = traces[0].tree.attrs["model"]
    page = compared(show, "&unit=l0.c.3")
    assert [each.split() for each in panes(page)] == [[*name.split(), "l0.c.3"], ["the", "other", "l0.c.5"]]
    assert [each.split()[-1] for each in panes(compared(show, "&model=1&unit=l0.c.5"))] == ["l0.c.5", "l0.c.3"]
    assert [each.split()[-1] for each in panes(compared(show, "&unit=l0.c.4"))] == ["l0.c.4", "l0.c.2"]


def test_both_texts_have_the_colours_of_their_units(show, traces):
    page = compared(show, "&unit=l0.c.3")
    table = np.array(page.evaluate("app.colours.table"))
    for side, (whole, unit) in {"left": (traces[0], "l0.c.3"), "right": (traces[1], "l0.c.5")}.items():
        pane = page.locator(f".pane.{side} .pane-text")
        length = whole.steps_of(0).stop
        shown = pane.evaluate(
            """pane => [...pane.querySelectorAll("span")].map((each) =>
                 getComputedStyle(each).backgroundColor.match(/[0-9]+/g).map(Number))"""
        )
        assert len(shown) == length
        reach = page.evaluate("([model, unit]) => app.signals.range(model, unit)[1]", [int(side == "right"), unit])
        places = np.clip((whole[unit].values[:length] / reach + 1) * 128, 0, 255).astype(int)
        assert np.abs(np.array(shown) - table[places]).max() < 16


def test_correlation_is_that_of_the_part_that_is_shown(show, traces):
    for stretch in (0, 1):
        steps = traces[0].steps_of(stretch)
        told = np.corrcoef(traces[0]["l0.c.4"].values[steps], traces[1]["l0.c.2"].values[steps])[0, 1]
        said = compared(show, f"&unit=l0.c.4&stretch={stretch}").locator(".compare-facts").inner_text()
        shown = float(re.search(r"correlation ([+−][\d.]+) in this part", said)[1].replace("−", "-"))  # pyright: ignore
        assert shown == pytest.approx(told, abs=0.01)
        assert "−0.40 where they were paired" in said


def test_buttons_go_where_the_pair_and_where_the_guesses_part(show, traces):
    page = compared(show, "&unit=l0.c.3")
    page.locator(".compare-facts").get_by_role("button", name="step 41").click()
    settled(page)
    assert (state(page)["at"], state(page)["tab"]) == (41, "compare")
    marked = page.locator(".pane-text [data-at]")
    assert marked.count() == 2 and set(marked.all_text_contents()) == {traces[0].text[41].replace("\n", "⏎")}
    page.locator(".compare-facts").get_by_role("button", name="step 500").click()
    settled(page)
    assert (state(page)["at"], state(page)["stretch"]) == (500, 1)
    for pane in page.locator(".pane-text").all():
        box, own = box_of(pane), box_of(pane.locator("[data-at]"))
        assert box["y"] <= own["y"] < box["y"] + box["height"]


def test_the_two_texts_scroll_together(show):
    page = compared(show, "&unit=l0.c.3")
    left, right = page.locator(".pane-text").all()
    for pane in (left, right):
        pane.evaluate("pane => pane.style.maxHeight = '60px'")
    left.evaluate("pane => pane.scrollTop = 50")
    expect(right).to_have_js_property("scrollTop", 50)
    right.evaluate("pane => pane.scrollTop = 20")
    expect(left).to_have_js_property("scrollTop", 20)


def test_a_partner_is_chosen_by_hand_and_let_go(show):
    page = compared(show, "&unit=l0.c.3")
    field = page.get_by_label("Partner")
    field.fill("l0.h.6")
    field.press("Enter")
    assert panes(page)[1].split()[-1] == "l0.h.6"
    assert "partner=l0.h.6" in page.evaluate("app.store.fragment")
    field.fill("l9.c.1")
    field.press("Enter")
    expect(page.locator("#partner-said")).to_have_text("the other has no unit l9.c.1 in this page. Try l0.h.6.")
    assert panes(page)[1].split()[-1] == "l0.h.6"
    page.get_by_role("button", name="By correlation").click()
    assert panes(page)[1].split()[-1] == "l0.c.5"
    assert [each.split()[-1] for each in panes(compared(show, "&unit=l0.c.0&partner=l0.f.2"))] == ["l0.c.0", "l0.f.2"]


def test_pairs_are_listed_the_closest_first(show):
    page = compared(show)
    table = page.locator("#tab-compare table")
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert rows == [
        ["l0.c.3 – l0.c.5", "+1.00", "500"],
        ["l0.c.4 – l0.c.2", "−0.40", "12"],
        ["l0.c.0 – l0.c.1", "+0.20", "–"],
    ]
    table.get_by_role("button", name="l0.c.4").click()
    settled(page)
    assert state(page)["unit"] == "l0.c.4"
    assert table.locator("[aria-current]").inner_text().startswith("l0.c.4 – l0.c.2")
    assert "Three units have partners." in page.locator("#tab-compare").inner_text()
    _, content = saved(page, page.get_by_label("Download the numbers of pairs of units as CSV"))
    assert list(csv.reader(io.StringIO(content.decode())))[1] == ["l0.c.3", "l0.c.5", "1", "1", "500"]


def test_costs_are_in_bits_and_the_mean_of_the_part(show, traces):
    page = compared(show, "&stretch=1")
    steps = traces[0].steps_of(1)
    costs = [whole.tree.dataset["nll"].values[steps] / np.log(2) for whole in traces]
    said = page.locator(".compare-figure").last.inner_text()
    shown = [float(number) for number in re.findall(r", ([\d.]+) bits", said)]
    assert shown == pytest.approx([np.nanmean(cost) for cost in costs], abs=0.011)
    less = costs[1] - costs[0]
    counts = [int(number) for number in re.findall(r"(\d+) characters cost", said)]
    for count, bits in zip(counts, (less, -less), strict=True):
        assert (bits > 0.11).sum() <= count <= (bits > 0.09).sum() and count > 0


def test_smoothing_is_a_mean_over_what_there_is(show):
    values = [1.0, None, 4.0, 7.0, None, None, None, 2.0]
    smoothed = show().evaluate(
        """values => [...smoothed(Float32Array.from(values, (each) => each ?? NaN), 3)].map((each) =>
             (Number.isNaN(each) ? null : each))""",
        values,
    )
    assert smoothed == [1.0, 2.5, 5.5, 5.5, 7.0, None, 2.0, 2.0]


def test_the_charts_show_the_zoom_and_take_a_step(show):
    page = compared(show, "&unit=l0.c.3&zoom=100:140")
    chart = page.locator(".compare-figure svg").first
    assert "steps 100 to 139" in label_of(chart)
    chart.scroll_into_view_if_needed()
    box = box_of(chart)
    page.mouse.click(box["x"] + 46 + (box["width"] - 54) * 0.51, box["y"] + 40)
    assert state(page)["at"] == 120
    page.locator(".compare-figure").first.get_by_role("button", name="Wider").click()
    settled(page)
    first, last = state(page)["zoom"]
    assert last - first == 80 and abs((first + last) / 2 - 120.5) <= 0.5
    labels = [label_of(chart) for chart in page.locator(".compare-figure svg").all()]
    assert len(labels) == 2 and all(f"steps {first} to {last - 1}" in label for label in labels)


def test_the_charts_are_saved_as_they_are_shown(show, traces):
    page = compared(show, "&unit=l0.c.3&zoom=100:140")
    units, cost = page.locator(".compare-figure").all()
    assert "Each by its own reach" in units.inner_text()
    for chart, name in ((units, "Both units"), (cost, "Cost of the characters")):
        _, content = saved(page, chart.get_by_role("button", name=f"Download the numbers of {name} as CSV"))
        head, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
        assert head[:2] == ["step", "character"] and "the other" in head[3]
        assert [row[:2] for row in rows] == [[str(step), traces[0].text[step]] for step in range(100, 140)]
        _, content = saved(page, chart.get_by_role("button", name=f"Download {name} as SVG"))
        svg = content.decode()
        paths = [line.get_attribute("d") for line in chart.locator("path.line").all()]
        assert len(paths) == 2 and all(path and path in svg for path in paths)
        assert "the other" in svg and "class=" not in svg
        _, content = saved(page, chart.get_by_role("button", name=f"Download {name} as PNG"))
        assert content.startswith(b"\x89PNG")
        if chart is units:
            reach = page.evaluate("app.signals.range(0, 'l0.c.3')[1]")
            shown = np.array([row[2] for row in rows], float)
            assert shown * reach == pytest.approx(traces[0]["l0.c.3"].values[100:140], abs=0.02 * reach)

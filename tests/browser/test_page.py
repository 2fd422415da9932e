"""The page as a whole: it opens without a word, flips through the units, and its address holds what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from rnnscope import trace
from tests.browser.pages import kept_open, latched, speech, with_gaps, write
from tests.browser.view_pages import write_all
from tests.handmade import random_network

UNIT = "l0.c.3"


def test_it_opens_and_says_what_it_is(report, whole, open_page):
    page = open_page(report)
    assert page.locator("h1").inner_text() == "What the latch holds"
    assert f"{len(whole):,} steps" in page.locator("#about").inner_text()
    assert page.locator("#text span").count() == len(whole)
    assert page.locator("#address").input_value() == UNIT  # the most switch-like


def test_arrows_go_through_the_ranking(show):
    page = show("#rank=address&unit=l0.c.7")
    flipped = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        flipped.append(page.locator("#address").input_value())
    assert flipped == ["l0.c.0", "l0.c.1", "l0.c.0", "l0.c.7", "l0.c.6"]
    assert page.locator("#said").inner_text().startswith("l0.c.6, 7th of 8 by address")


def test_a_ranking_goes_to_its_first_unit(show):
    page = show("#unit=l0.c.0")
    page.select_option("#rank", "address")
    page.select_option("#rank", "switch")
    assert page.locator("#address").input_value() == UNIT
    assert page.locator("#standing").inner_text().startswith("1st of 8 by switch-likeness: ")


def test_a_signal_keeps_the_unit(show):
    page = show("#unit=l0.c.5")
    page.select_option("#signal", "l0.h")
    assert page.locator("#address").input_value() == "l0.h.5"


def test_an_address_is_found_by_typing(show):
    page = show()
    page.keyboard.press("/")
    page.keyboard.type("l0.h.6")
    assert page.locator("#addresses [role=option]").all_inner_texts() == ["l0.h.6"]
    page.keyboard.press("Enter")
    assert page.locator("#legend").inner_text().startswith("hidden state")
    page.keyboard.press("ArrowRight")  # the field has let go of the keys
    assert page.locator("#address").input_value() != "l0.h.6"


def test_a_bare_number_is_a_unit_of_the_signal(show):
    page = show("#unit=l0.i.0")
    page.fill("#address", "4")
    page.keyboard.press("Enter")
    assert page.locator("#address").input_value() == "l0.i.4"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("l0.c.99", "There is no unit l0.c.99 here: l0.c has 0 to 7."),
        ("l7.c.1", "There is no unit l7.c.1 here. Signals: l0."),
        ("<b>", "There is no unit <b> here."),
    ],
)
def test_an_unknown_address_is_told(show, typed, said):
    page = show()
    page.fill("#address", typed)
    page.keyboard.press("Enter")
    assert page.locator("#address-said").inner_text().startswith(said)
    page.keyboard.press("Escape")
    assert page.locator("#address").input_value() == UNIT


def test_the_legend_has_the_numbers_of_the_scale(show, whole):
    page = show()
    reach = np.quantile(np.abs(np.asarray(whole[UNIT])), 0.99)
    low, middle, high = page.locator("#legend .legend-numbers span").all_inner_texts()
    assert float(high.removeprefix("≥ ")) == pytest.approx(reach, abs=0.1)
    assert (float(low.removeprefix("≤ −")), float(middle)) == (float(high.removeprefix("≥ ")), 0)
    page.fill("#address", "l0.f.3")
    page.keyboard.press("Enter")
    assert [float(text) for text in page.locator("#legend .legend-numbers span").all_inner_texts()] == [0, 0.5, 1]


def test_the_fragment_restores_the_view(report, open_page):
    fragment = "#unit=l0.h.5&at=31&span=10:50&zoom=5:200&rank=address"
    page = open_page(report, fragment)
    said = {key: page.evaluate(f"app.store.state.{key}") for key in ("unit", "at", "span", "zoom", "rank")}
    assert said == {"unit": "l0.h.5", "at": 31, "span": [10, 50], "zoom": [5, 200], "rank": "address"}
    assert page.locator("#text [data-chosen]").count() == 40
    assert "step 31" in page.locator("#step-card").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("unit=l0.h.6"))
    again = open_page(report, page.evaluate("location.hash"))
    assert again.locator("#address").input_value() == "l0.h.6"
    assert again.evaluate("app.store.state.zoom") == [5, 200]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("unit", "l0.f.2", "l0.f.2"),
        ("at", "7", 7),
        ("span", "3:9", [3, 9]),
        ("zoom", "5:50", [5, 50]),
        ("tab", "span", "span"),
        ("rank", "timescale", "timescale"),
        ("order", "cluster", "cluster"),
        ("rows", "2:7", [2, 7]),
    ],
)
def test_every_key_of_a_fragment_is_kept(show, key, text, value):
    page = show(f"#{key}={text}")
    assert page.evaluate(f"app.store.state.{key}") == value
    assert page.evaluate("app.store.fragment") == f"{key}={text}"


def test_a_changed_fragment_is_followed(show):
    page = show("#unit=l0.h.5&at=3")
    page.evaluate("location.hash = '#unit=l0.h.2'")
    expect(page.locator("#address")).to_have_value("l0.h.2")
    assert page.evaluate("app.store.state.at") is None


@pytest.mark.parametrize(
    "fragment",
    [
        "#unit=l9.c.1&at=-1&span=9:3&zoom=a:b&tab=nothing&rank=nothing&model=7&stretch=99",
        "#at=99999999999&span=0:99999999",
        "#%%%&=&unit",
        "#<script>alert(1)</script>",
    ],
)
def test_a_bad_fragment_is_ignored(show, fragment):
    page = show(fragment)
    state = page.evaluate("app.store.state")
    assert (state["unit"], state["at"], state["span"], state["zoom"]) == (UNIT, None, None, None)
    assert (state["tab"], state["model"], state["stretch"]) == ("text", 0, 0)


def test_tabs_are_gone_through_with_arrows(show):
    page = show()
    page.focus("#open-text")
    page.keyboard.press("ArrowRight")
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Heatmap"
    assert [page.locator(f"#tab-{tab}").is_visible() for tab in ("text", "heatmap")] == [False, True]
    assert page.locator("#address").input_value() == UNIT  # the arrows were the tabs' own
    page.keyboard.press("Home")
    assert page.locator("#tab-text").is_visible()


def test_documents_are_turned_like_pages(open_page, tmp_path):
    page = open_page(write(tmp_path, latched(["ab", 'c:"d"', "a"])))
    assert page.locator("#text").text_content() == "ab"
    page.keyboard.press("PageDown")
    assert page.locator("#text").text_content() == 'c:"d"'
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")  # there is none before the first
    assert page.locator("#text").text_content() == "ab"
    page.select_option("#stretch", "2")
    expect(page).to_have_url(re.compile("#stretch=2$"))
    page.evaluate("location.hash = 'at=3'")  # a step leads to the part that holds it
    expect(page.locator("#text")).to_have_text('c:"d"')
    expect(page.locator("#step-card header")).to_contain_text("step 3")  # of the whole text, as the series counts
    assert "step 1 of it" in page.locator("#step-card header").inner_text()


def test_the_help_opens_and_closes(show):
    page = show()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("ArrowRight")  # not while one reads
    assert page.locator("#address").input_value() == UNIT
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_gaps_are_shown_and_said(whole, open_page, tmp_path):
    page = open_page(write(tmp_path, with_gaps(whole, 20, 26)), "#at=22")
    assert page.locator("#text .gap").count() == 6
    assert page.locator("#legend .legend-gap").is_visible()
    assert "has no value here" in page.locator("#step-card").inner_text()
    assert page.locator("#series .nothing").count() == 1
    assert page.locator("#series path.line").get_attribute("d").count("M") == 2


def test_nothing_is_missing_where_nothing_is(show):
    page = show()
    assert page.locator("#text .gap, #series .nothing").count() == 0
    assert not page.locator("#legend .legend-gap").is_visible()


def test_the_way_back_leads_through_tabs_and_not_through_units(report, open_page):
    page = open_page(report, "#rank=address&unit=l0.c.0")
    length = page.evaluate("history.length")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.click("#open-unit")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("unit=l0.c.4.*tab=unit"))
    assert page.evaluate("history.length") == length + 1
    page.go_back()
    expect(page.locator("#tab-text")).to_be_visible()
    expect(page.locator("#address")).to_have_value("l0.c.3")  # what was shown last there
    page.go_forward()
    expect(page.locator("#tab-unit")).to_be_visible()
    expect(page.locator("#address")).to_have_value("l0.c.4")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Two networks, of which the second has other signals; the first has the gates of no unit of its own."""

    def change(page, add):
        for signal in page["models"][0]["signals"]:
            if signal["gate"]:
                signal["units"] = [100 + unit for unit in signal["units"]]
        page["models"][1]["name"] = "the other"
        page["models"][1]["signals"] = [each for each in page["models"][1]["signals"] if each["signal"] != "c"]
        page["models"][1]["memory"] = "l0.h"

    text = speech(200)
    path = write_all(tmp_path_factory.mktemp("several"), [latched(text), trace(random_network(7), text)], change)
    with kept_open(browser, path) as show:
        yield show


def test_another_model_has_its_own_signals_and_units(several):
    page = several("#unit=l0.c.3")
    page.select_option("#model", "1")
    assert page.locator("#address").input_value().startswith("l0.h.")
    assert page.locator("#signal option").evaluate_all("all => all.map((each) => each.value)")[0] == "l0.h"
    page.select_option("#model", "0")
    assert page.locator("#address").input_value().startswith("l0.h.")  # it has that one too
    assert "l0.c" in page.locator("#signal option").evaluate_all("all => all.map((each) => each.value)")
    page = several("#model=1&unit=l0.c.3")  # which the second has not
    assert page.locator("#address").input_value().startswith("l0.h.")
    assert page.evaluate("app.store.state.model") == 1


def test_gates_that_were_left_out_are_told(several):
    said = several("#unit=l0.c.3&at=5").locator("#step-card").inner_text()
    assert "Its gates are not in this report; one made with --unit l0.c.3 has them." in said
    assert several("#model=1&unit=l0.h.3&at=5").locator("#step-card .gates").count() == 1


def test_units_that_are_not_here_are_counted_too(open_page, tmp_path):
    def change(page, add):
        for signal in page["models"][0]["signals"]:
            signal["size"] = 300

    page = open_page(write_all(tmp_path, [latched(speech(100))], change), "#rank=address&unit=l0.c.2")
    assert page.locator("#standing").inner_text() == "3rd of 8 here, of 300, by address"

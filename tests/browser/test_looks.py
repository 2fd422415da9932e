"""What can be measured of how the page looks: on a phone, in the dark, on paper, and for who sees or moves less."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page

from rnnscope.reports.scale import Scale
from rnnscope.text import Document
from tests.browser.pages import colour_at, latched, speech, write

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
UNIT = "l0.c.3"


def wait_for_scheme(page: Page, scheme: str) -> None:
    page.evaluate(
        """async (scheme) => {
             while (app.store.state.scheme !== scheme) await new Promise(requestAnimationFrame);
             await app.store.drawing;
           }""",
        scheme,
    )


def test_a_phone_scrolls_one_way_only(report, open_page):
    page = open_page(report, "#at=30&span=10:90", **PHONE)
    for tab in ("text", "heatmap", "unit", "span", "model"):
        page.evaluate("async (tab) => { app.store.set({ tab }); await app.store.drawing }", tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, tab
    page.keyboard.press("?")
    assert page.evaluate("document.getElementById('help').scrollWidth") <= 360


def test_a_thumb_finds_every_button(report, open_page):
    page = open_page(report, "#at=30&span=10:14", **PHONE)
    sizes = page.evaluate(
        """[...document.querySelectorAll("button, select, input")].filter((each) => each.checkVisibility())
             .map((each) => [each.id || each.textContent, each.getBoundingClientRect()])
             .map(([name, { width, height }]) => [name, width, height])"""
    )
    assert len(sizes) > 10
    assert [size for size in sizes if min(size[1:]) < 40] == []


def test_a_tap_opens_a_sheet_and_closes_it(report, open_page):
    page = open_page(report, **PHONE)
    card = page.locator("#step-card")
    assert not card.is_visible()
    page.locator("#text span").nth(30).tap()
    assert card.is_visible()
    tapped, sheet = page.locator("#text [data-at]").bounding_box(), card.bounding_box()
    assert tapped and sheet
    assert tapped["y"] + tapped["height"] <= sheet["y"]  # what was tapped stays in sight
    assert sheet["height"] <= 0.45 * 740  # and the text around it, to tap on
    page.locator("#step-card .close").tap()
    assert not card.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_read_has_contrast(report, open_page, scheme):
    page = open_page(report, "#at=30&span=10:90", color_scheme=scheme, reduced_motion="reduce")
    for act in ("0", "document.getElementById('help').showModal()"):
        page.evaluate(act)
        assert page.evaluate(_WEAK) == []


_WEAK = """() => {
  const parse = (css) => css.match(/[\\d.]+/g).map(Number);
  const paper = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *:not(script):not(option)")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    if (!element.checkVisibility() || element.closest("svg, .gap, :disabled")) continue;
    const [ink, back] = [parse(getComputedStyle(element).color).slice(0, 3), paper(element)].map(luminance);
    const contrast = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    if (contrast < 4.5) weak.push([element.tagName, element.className, element.textContent.slice(0, 30), contrast]);
  }
  return weak;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_characters_can_be_read_on_every_colour(report, open_page, scheme):
    page = open_page(report, color_scheme=scheme)
    assert page.evaluate("app.store.state.scheme") == scheme
    contrasts = page.evaluate(
        """app.colours.table.map((rgb) => {
             const [paper, ink] = [luminance(rgb), app.colours.ink(rgb) === "#fff" ? 1 : 0];
             return (Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05);
           })"""
    )
    assert len(contrasts) == 256
    assert min(contrasts) >= 4.5


def test_the_dark_has_its_own_colours(report, whole, open_page):
    page = open_page(report, color_scheme="dark")
    table, middle = page.evaluate("app.page.colours.dark"), 0.3
    step = int(np.abs(np.asarray(whole[UNIT])).argmin())
    assert colour_at(page, step) in table
    assert sum(colour_at(page, step)) < 255 * 3 * middle
    page.emulate_media(color_scheme="light")
    wait_for_scheme(page, "light")
    assert sum(colour_at(page, step)) > 255 * 3 * (1 - middle)


def test_it_prints_what_is_shown_and_no_buttons(report, whole, open_page):
    page = open_page(report, "#at=30", color_scheme="dark")
    page.emulate_media(media="print")
    wait_for_scheme(page, "light")
    for gone in ("[role=tablist]", "#next", "#signal", "#help-button", "#series .zoom"):
        assert not page.locator(gone).is_visible(), gone
    for kept in ("h1", "#address", "#legend", "#text", "#step-card", "#series svg"):
        assert page.locator(kept).is_visible(), kept
    light = Scale.of("c", np.asarray(whole[UNIT])).rgb(np.linspace(-9, 9, 20_001)).tolist()
    assert colour_at(page, 30) in light  # on white paper, also from a dark screen
    assert page.evaluate("getComputedStyle(document.querySelector('#text span')).printColorAdjust") == "exact"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_a_picture_is_printed_for_paper_from_a_dark_screen(report, open_page):
    page = open_page(report, "#tab=heatmap", color_scheme="dark")
    corner = """async (event) => {
      dispatchEvent(new Event(event));
      await app.store.drawing;
      const pen = new OffscreenCanvas(2, 2).getContext("2d", { willReadFrequently: true });
      pen.drawImage(document.querySelector("#tab-heatmap canvas[role=application]"), 0, 0);
      return [...pen.getImageData(1, 1, 1, 1).data].slice(0, 3);
    }"""
    assert page.evaluate(corner, "beforeprint") == [255, 255, 255]
    assert max(page.evaluate(corner, "afterprint")) < 80


@pytest.mark.parametrize("tab", ["text", "heatmap", "unit", "span", "model"])
def test_every_tab_prints(report, open_page, tab):
    page = open_page(report, f"#tab={tab}&at=30&span=10:90")
    page.emulate_media(media="print")
    assert page.locator(f"#tab-{tab}").is_visible() and page.locator("#legend canvas").is_visible()
    pressed = page.locator("button:visible:not(.excerpt, .link, .chip)")  # those that are what is told stay
    assert pressed.all_inner_texts() == []
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_values_keep_their_colours_where_the_reader_has_own_ones(report, whole, open_page):
    page = open_page(report, forced_colors="active")
    high, low = (int(place(np.asarray(whole[UNIT]))) for place in (np.argmax, np.argmin))
    assert colour_at(page, high) != colour_at(page, low)
    assert colour_at(page, high) in page.evaluate("app.colours.table")


def test_long_names_leave_room_for_the_text(open_page, tmp_path):
    texts = [Document(f"{number} {'of a long name ' * 14}", speech(60)) for number in range(3)]
    page = open_page(write(tmp_path, latched(texts)), "#span=20:24")
    assert page.locator("h2.document").evaluate("each => each.offsetHeight") < 70
    page.evaluate("async () => { app.store.set({ tab: 'span' }); await app.store.drawing }")
    widths = page.locator(".found .excerpt").evaluate_all("all => all.map((each) => each.offsetWidth)")
    assert min(widths) > 400
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_nothing_moves_for_who_asked_for_that(report, open_page):
    page = open_page(report, reduced_motion="reduce")
    moving = """[...document.querySelectorAll("*")].map((each) => getComputedStyle(each)).filter((style) =>
      style.transitionDuration !== "0s" || style.animationName !== "none").length"""
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0


def test_flipping_through_5000_characters_is_fluent(open_page, tmp_path):
    page = open_page(write(tmp_path, latched(speech(5000)[:5000])), "#rank=address")
    taken = page.evaluate(
        """async () => {
             const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
             const taken = [];
             for (let flip = 0; flip < 60 && !(Math.min(...taken) < 50); flip++) {
               await frame();
               const start = performance.now();
               document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
               await frame();
               taken.push(performance.now() - start);
             }
             return taken;
           }"""
    )
    assert page.locator("#text span").count() == 5000
    assert min(taken) < 50  # milliseconds to the next frame; of several tries, for other work may go on beside


def test_lines_in_view_are_coloured_before_the_others(open_page, tmp_path):
    page = open_page(write(tmp_path, latched(speech(5000)[:5000])), "#rank=address")
    first, last = page.evaluate(
        """async () => {
             const ends = [document.querySelector("#text span"), document.querySelector("#text p:last-child span")];
             const colours = () => ends.map((each) => each.style.backgroundColor);
             const changes = [[], []];
             for (let flip = 0; flip < 8; flip++) {
               await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
               const before = colours();
               document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
               for (let turn = 0; turn < 50; turn++) await null; // all that is done before the next frame
               const soon = colours();
               await app.store.drawing;
               const then = colours();
               changes.forEach((each, end) => each.push([before[end] !== soon[end], soon[end] !== then[end]]));
             }
             return changes;
           }"""
    )
    assert any(soon for soon, _ in first) and not any(later for _, later in first)
    assert not any(soon for soon, _ in last) and any(later for _, later in last)

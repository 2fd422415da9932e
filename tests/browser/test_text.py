"""The tab of the text, held against the trace: colours, the card of a step, the cursor, the selection, the series."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from rnnscope.reports.scale import Scale
from tests.browser.pages import colour_at
from tests.browser.view_pages import saved

UNIT = "l0.c.3"
STEPS = range(0, 120, 7)


def precision(page: Page) -> float:
    """What the page says of the unit on show: its values are right to within so much."""
    return page.evaluate("(({signal, place}) => signal.steps[place])(app.signals.find(app.store.state.unit))")


def character(page: Page, step: int):
    return page.locator("#text span").nth(step)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("%", "").replace("±", "").replace("nats", ""))


@pytest.mark.parametrize("unit", [UNIT, "l0.h.5", "l0.f.3", "l0.g.1"])
def test_characters_stand_on_the_colour_of_their_value(show, whole, unit):
    page = show(f"#unit={unit}")
    values = np.asarray(whole[unit], np.float64)
    scale = Scale.of(unit.split(".")[1], values)
    for step in STEPS:
        near = values[step] + precision(page) * np.linspace(-1, 1, 41)
        assert colour_at(page, step) in scale.rgb(near).tolist()


def test_arrows_change_the_colours(show, whole):
    page = show("#rank=address&unit=l0.c.2")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#address")).to_have_value(UNIT)
    values = np.asarray(whole[UNIT], np.float64)
    inside, outside = int(values.argmax()), int(values.argmin())
    red, _, blue = colour_at(page, inside)
    assert red > 2 * blue  # orange
    red, _, blue = colour_at(page, outside)
    assert blue > red  # purple


def test_a_character_says_its_numbers(show, whole):
    page = show(f"#unit={UNIT}")
    root, outcomes = whole.tree.dataset, whole.outcomes
    for step in (0, 40, whole.text.index(":")):
        character(page, step).hover()
        card = page.locator("#step-card")
        expect(card.locator("header b")).to_have_text(f"step {step}")
        assert f"U+{ord(whole.text[step]):04X}" in card.locator("header").inner_text()
        shown = number(card.locator("output").inner_text())
        decimals = len(str(shown).partition(".")[2])
        assert shown == pytest.approx(float(whole[UNIT][step]), abs=precision(page) + 0.5 * 10.0**-decimals)
        guesses = card.locator(".guesses li")
        expected = [outcomes[place] for place in root["guess"][step + 1].values[:5]]
        seen = {" ": "·", "\n": "⏎"}
        assert guesses.locator("span:first-child").all_inner_texts() == [seen.get(each, each) for each in expected]
        for text, odds in zip(
            guesses.locator(".number").all_inner_texts(), root["guess_probability"][step + 1].values, strict=False
        ):
            assert odds < 0.001 if "<" in text else number(text) == pytest.approx(100 * odds, abs=0.55)
        right = expected[0] == whole.text[step + 1]
        verdict = "✓ its first guess" if right else "✗ not its first guess"
        came = seen.get(whole.text[step + 1], whole.text[step + 1])
        assert card.locator(".guesses p").inner_text() == f"{verdict}: {came} came"


def test_any_step_of_any_unit_says_what_the_trace_says(show, whole):
    rng = np.random.default_rng(1)
    for signal in ("l0.c", "l0.h", "l0.i", "l0.f", "l0.g", "l0.o"):
        unit, step = f"{signal}.{rng.integers(8)}", int(rng.integers(len(whole)))
        page = show(f"#unit={unit}&at={step}")
        shown = page.locator("#step-card output").inner_text()
        decimals = len(shown.partition(".")[2])
        error = precision(page) + 0.5 * 10.0**-decimals
        assert number(shown) == pytest.approx(float(whole[unit][step]), abs=error), (unit, step)


def test_a_value_is_as_near_as_it_says(show, whole):
    """To half a step of its rounding; beside the threshold, where it keeps its side, to a whole one."""
    page, values = show(f"#unit={UNIT}"), np.asarray(whole[UNIT], np.float64)
    size, level = precision(page), np.arctanh(0.3)
    shown, said = np.array(
        page.evaluate(
            """async (unit) => {
                 const { signal, place } = app.signals.find(unit);
                 const { codes, steps, length } = await app.signals.matrix(0, signal.address, 0);
                 const own = codes.subarray(place * length, (place + 1) * length);
                 const values = Array.from(own, (code) => code * steps[place]);
                 return [values, values.map((value) => roundingError(app.page, signal, place, value))];
               }""",
            UNIT,
        )
    )
    assert (np.abs(shown - values) <= said + 1e-6).all()
    close = np.abs(np.abs(shown) - level) <= size
    assert (said == np.where(close, size, size / 2)).all() and not close.all()
    far = int(np.flatnonzero(~close)[0])
    card = show(f"#unit={UNIT}&at={far}").locator("#step-card")
    assert number(card.locator(".value span").last.inner_text()) == pytest.approx(size / 2, rel=0.05)
    near = page.evaluate(
        """([unit, values]) => {
             const { signal, place } = app.signals.find(unit);
             return values.map((value) => roundingError(app.page, signal, place, value));
           }""",
        [UNIT, [level + 0.9 * size, level - 0.9 * size, -level + 0.9 * size, level + 1.1 * size, 0.3]],
    )
    assert near == [size] * 3 + [size / 2] * 2


def test_all_lines_are_coloured_soon_after_those_in_view(show, whole):
    page = show("#rank=address&unit=l0.c.2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.evaluate("app.store.drawing")
    values, last = np.asarray(whole[UNIT], np.float64), len(whole) - 1
    near = values[last] + precision(page) * np.linspace(-1, 1, 41)
    assert colour_at(page, last) in Scale.of("c", values).rgb(near).tolist()


def test_what_a_character_cost(show, whole):
    page = show("#at=0")
    assert "not known" in page.locator("#step-card .cost").inner_text()
    costs = whole.tree.dataset["nll"].values
    page = show("#at=33")
    assert number(page.locator("#step-card .cost b").inner_text()) == pytest.approx(float(costs[33]), abs=0.006)


def test_gates_stand_beside_the_value(show, whole):
    page = show(f"#unit={UNIT}&at=50")
    names = page.locator("#step-card .gates dt span").all_inner_texts()
    assert names == ["i", "f", "g", "o"]
    for name, text in zip(names, page.locator("#step-card .gates .number").all_inner_texts(), strict=True):
        assert number(text) == pytest.approx(float(whole[f"l0.{name}.3"][50]), abs=0.01)


def test_the_last_character_has_no_next(show, whole):
    page = show(f"#at={len(whole) - 1}")
    assert page.locator("#step-card output").count() == 1
    assert page.locator("#step-card .guesses").count() == 0
    assert "null" not in page.locator("#step-card").inner_text()


def test_the_mouse_leaves_the_cursor_where_it_is(show):
    page = show("#at=12")
    character(page, 40).hover()
    expect(page.locator("#step-card header b")).to_have_text("step 40")
    page.mouse.move(5, 5)
    expect(page.locator("#step-card header b")).to_have_text("step 12")
    character(page, 40).click()
    page.mouse.move(5, 5)
    expect(page.locator("#step-card header b")).to_have_text("step 40")
    assert page.evaluate("app.store.state.at") == 40


def test_keys_move_the_cursor(show, whole):
    page = show("#at=20")
    page.focus("#text")
    at = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Home", "ArrowUp", "End", "ArrowDown"):
        page.keyboard.press(key)
        at.append(page.evaluate("app.store.state.at"))
    assert at == [21, 22, 21, 0, 0, len(whole) - 1, len(whole) - 1]
    assert page.locator("#text [data-at]").count() == 1
    page.keyboard.press("ArrowLeft")
    assert page.locator("#address").input_value() != UNIT  # left and right go through the units here, too


def test_down_goes_into_the_text_from_the_page(show):
    page = show()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("[app.store.state.at, document.activeElement.id]") == [1, "text"]
    page = show("#at=5")
    page.focus("#next")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("app.store.state.at") == 4
    for fragment, where in (("#at=5", "#address"), ("#at=5", "#rank"), ("#at=5&tab=unit", "body")):
        page = show(fragment)
        page.locator(where).focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("app.store.state.at") == 5, where
        page.keyboard.press("Escape")


def test_the_cursor_is_told_to_who_cannot_see_it(show, whole):
    page = show(f"#unit={UNIT}&at=20")
    page.focus("#text")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#said")).to_contain_text(f"step 21, {whole.text[21].replace(' ', 'space')}, {UNIT} ")


def test_a_line_down_is_the_same_place_on_the_screen(show):
    page = show("#at=3")
    page.focus("#text")
    page.keyboard.press("Control+ArrowDown")
    before, after = character(page, 3).bounding_box(), page.locator("#text [data-at]").bounding_box()
    assert before and after
    assert after["x"] == pytest.approx(before["x"], abs=before["width"])
    assert after["y"] > before["y"] + before["height"] / 2
    page.keyboard.press("Control+ArrowUp")
    assert page.evaluate("app.store.state.at") == 3


def test_shift_and_arrows_select(show):
    page = show("#at=10")
    page.focus("#text")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(f"Shift+{key}")
    assert page.evaluate("app.store.state.span") == [10, 13]
    page.keyboard.press("Escape")
    assert page.evaluate("app.store.state.span") is None
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate("app.store.state.span") == [11, 13]


def test_a_drag_selects_and_offers_the_units(show, whole):
    page = show()
    start, stop = character(page, 5).bounding_box(), character(page, 18).bounding_box()
    assert start and stop
    page.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(stop["x"] + stop["width"] - 1, stop["y"] + stop["height"] / 2, steps=4)
    page.mouse.up()
    assert page.evaluate("app.store.state.span") == [5, 19]
    assert page.evaluate("app.store.state.at") is None
    assert page.locator("#text [data-chosen]").all_inner_texts() == [*whole.text[5:19].replace("\n", "⏎")]
    page.click("#selection-bar button.main")
    expect(page.locator("#tab-span")).to_be_visible()
    page = show("#span=5:19")
    page.click("#selection-bar [aria-label^='Let go']")
    assert page.locator("#text [data-chosen]").count() == 0


def test_what_is_copied_is_the_text_itself(show, whole):
    page = show()
    newline = whole.text.index("\n")
    copied = page.evaluate(
        """(span) => {
             app.store.set({ span });
             const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), bubbles: true });
             document.getElementById("text").dispatchEvent(event);
             return event.clipboardData.getData("text/plain");
           }""",
        [newline - 3, newline + 2],
    )
    assert copied == whole.text[newline - 3 : newline + 2]


def line(page: Page) -> np.ndarray:
    """The points of the series, in pixels of its figure."""
    path = page.locator("#series path.line").get_attribute("d") or ""
    return np.array([point.split(",") for point in path.removeprefix("M").split("L")], float)


def test_the_series_is_a_line_through_the_values(show, whole):
    page = show(f"#unit={UNIT}&zoom=30:90")
    points, values = line(page), np.asarray(whole[UNIT][30:90], float)
    assert len(points) == 60
    slope, _ = np.polyfit(values, points[:, 1], 1)
    fitted = np.polyval(np.polyfit(values, points[:, 1], 1), values)
    assert slope < 0  # higher is further up
    assert np.abs(fitted - points[:, 1]).max() <= abs(slope) * precision(page) + 0.2
    assert "30" in page.locator("#series .step").all_text_contents()
    assert "0" in [text.rstrip(".0") or "0" for text in page.locator("#series .value").all_text_contents()]


def test_the_series_is_brushed_to_zoom(show, whole):
    page = show()
    box = page.locator("#series svg").bounding_box()
    assert box
    left, middle = box["x"] + 52, box["y"] + box["height"] / 2
    wide = box["width"] - 52 - 12
    page.mouse.move(left + wide / 4, middle)
    page.mouse.down()
    page.mouse.move(left + wide / 2, middle, steps=3)
    page.mouse.up()
    start, stop = page.evaluate("app.store.state.zoom")
    assert (start, stop) == (pytest.approx(len(whole) / 4, abs=2), pytest.approx(len(whole) / 2, abs=2))
    page.mouse.click(left + wide / 2, middle)
    at = page.evaluate("app.store.state.at")
    assert at == pytest.approx((start + stop) / 2, abs=2)
    page.mouse.dblclick(left + wide / 2, middle)
    assert page.evaluate("app.store.state.zoom") is None


def test_keys_steer_the_series(show, whole):
    page = show("#at=100")
    page.focus("#series svg")
    page.keyboard.press("+")
    page.keyboard.press("+")
    start, stop = page.evaluate("app.store.state.zoom")
    assert stop - start == pytest.approx(len(whole) / 4, abs=1)
    assert start <= 100 < stop
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert page.evaluate("app.store.state.zoom") is None
    page.keyboard.press("ArrowDown")
    assert page.evaluate("app.store.state.at") == 101
    page.click("#series [aria-label='Closer (plus)']")
    page.click("#series [aria-label='Back']")
    assert page.evaluate("app.store.state.zoom")[0] == 0


def test_the_series_is_saved_as_it_is_shown(show, whole):
    page = show(f"#unit={UNIT}&zoom=30:90")
    name, content = saved(page, page.get_by_label("Download the numbers of series as CSV"))
    head, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    assert (name, head) == ("series.csv", ["step", "character", UNIT])
    assert [row[:2] for row in rows] == [[str(step), whole.text[step]] for step in range(30, 90)]
    assert np.array([row[2] for row in rows], float) == pytest.approx(whole[UNIT][30:90].values, abs=precision(page))
    _, content = saved(page, page.get_by_label("Download series as SVG"))
    svg = content.decode()
    assert page.locator("#series path.line").get_attribute("d") in svg and "steps 30 to 89" in svg
    assert "class=" not in svg and "var(" not in svg  # what the page's styles give is in the file
    assert page.evaluate("getComputedStyle(document.querySelector('#series path.line')).stroke") in svg
    _, content = saved(page, page.get_by_label("Download series as PNG"))
    assert content.startswith(b"\x89PNG")

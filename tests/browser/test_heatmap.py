"""The heatmap: the cell under the mouse is what the trace says, in its colour; zoom, pan, order, keys, files."""

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
from tests.browser.pages import kept_open, with_gaps
from tests.browser.view_pages import box_of, label_of, saved, settled, state, write_all
from tests.handmade import dialogue, latch

GAP = (100, 110)
SCORES = [0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.99]


@pytest.fixture(scope="module")
def whole() -> Trace:
    rng = np.random.default_rng(0)
    return with_gaps(rnnscope.trace(latch(), [dialogue(rng, 500), dialogue(rng, 200)]), *GAP)


@pytest.fixture(scope="module")
def show(whole: Trace, tmp_path_factory, browser: Browser) -> Iterator[Callable[..., Page]]:
    def change(page, add):
        page["models"][0]["concepts"] = [
            {
                "name": "quotes",
                "measure": "auroc",
                "unit": "l0.c.3",
                "units": {"l0.c": {"scores": SCORES}},
            }
        ]

    with kept_open(browser, write_all(tmp_path_factory.mktemp("heatmap"), [whole], change)) as show:
        yield show


def heatmap(page: Page):
    settled(page)
    return page.locator("#tab-heatmap canvas[role=application]")


def at(page: Page, x: float, y: float) -> list[str]:
    """What is said of the cell at shares of the canvas: address, step, number, character, value."""
    box = box_of(heatmap(page))
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    settled(page)
    return page.locator(".heatmap-said").inner_text().split()


def colour(page: Page, x: float, y: float) -> list[int]:
    """The colour at shares of the canvas, nothing being pointed at."""
    page.mouse.move(1, 1)
    settled(page)
    return page.evaluate(
        """([x, y]) => {
             const canvas = document.querySelector("#tab-heatmap canvas[role=application]");
             const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
             pen.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
             return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
           }""",
        [x, y],
    )


@pytest.mark.parametrize("signal", ["l0.c", "l0.i"])
def test_cells_have_the_colours_of_their_values(show, whole, signal):
    page = show(f"#tab=heatmap&unit={signal}.0&zoom=200:230")
    table = np.array(page.evaluate("app.colours.table"))
    series, checked = whole[signal].values, set()
    for x in (0.1, 0.3, 0.72, 0.97):
        for y in (0.22, 0.41, 0.77, 0.96):
            address, _, step, *_, said = at(page, x, y)
            value = series[int(step), int(address.rsplit(".")[-1])]
            low, high = page.evaluate("unit => app.signals.range(0, unit)", address)
            size = 0.02 * (high - low)
            assert float(said.replace("−", "-")) == pytest.approx(value, abs=size)
            places = np.clip(np.floor((value + np.array([-size, size]) - low) / (high - low) * 256), 0, 255).astype(int)
            assert colour(page, x, y) in table[places[0] : places[1] + 1].tolist()
            checked.add((address, step))
    assert len(checked) == 16


def test_where_there_is_no_value_it_is_grey(show):
    page = show(f"#tab=heatmap&unit=l0.c.7&zoom={GAP[0]}:{GAP[1]}")
    assert at(page, 0.5, 0.5)[-1] == "–"
    grey = page.evaluate("cssRgb(getComputedStyle(document.body).getPropertyValue('--gap').trim())")
    assert colour(page, 0.5, 0.5) == grey


def test_a_narrow_switch_is_seen_from_afar(show):
    """Of 5,000 steps four are unlike the others, and 25 units share a dot: one falls for a while, another rises."""
    rows = show().evaluate(
        """() => {
             const length = 5000;
             const codes = new Int8Array(50 * length).fill(100);
             codes.fill(-100, 10 * length, 11 * length);
             codes.fill(-100, 2003, 2007);
             codes.fill(100, 10 * length + 3003, 10 * length + 3007);
             const units = Array.from({length: 50}, (_, unit) => unit);
             const signal = {units, steps: units.map(() => 0.01), reach: units.map(() => 1), low: null};
             const cells = new HeatmapCells({codes, length}, signal, app.colours, [9, 9, 9]);
             const image = cells.paint(units, {first: 0, last: length, top: 0, bottom: 50, across: 20, down: 25});
             const at = (x, y) => [...image.data].slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 3);
             return {size: [image.width, image.height], high: app.colours.of(1, -1, 1), low: app.colours.of(-1, -1, 1),
                     fallen: at(100, 0), risen: at(150, 0), still: at(100, 1)};
           }"""
    )
    assert rows["size"] == [250, 2]
    assert rows["fallen"] == rows["low"]
    assert rows["risen"] == rows["high"]
    assert rows["still"] == rows["high"]


def test_the_wheel_zooms_on_what_is_under_it(show):
    page = show("#tab=heatmap&unit=l0.c.3")
    before = at(page, 0.7, 0.5)
    page.mouse.wheel(0, -300)
    settled(page)
    first, last = state(page)["zoom"]
    assert 10 <= last - first < 300
    after = at(page, 0.7, 0.5)
    assert abs(int(after[2]) - int(before[2])) <= 2 and first < int(after[2]) < last
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Shift")
    settled(page)
    rows = state(page)["rows"]
    assert 4 <= rows[1] - rows[0] < 8
    assert state(page)["zoom"] == [first, last]
    page.mouse.dblclick(*centre(page))
    page.wait_for_timeout(300)  # as long as a click waits for a second one
    settled(page)
    assert (state(page)["zoom"], state(page)["rows"], state(page)["tab"]) == (None, None, "heatmap")


def centre(page: Page) -> tuple[float, float]:
    box = box_of(heatmap(page))
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_drag_moves_the_picture_with_the_mouse(show):
    page = show("#tab=heatmap&zoom=100:200")
    held = at(page, 0.5, 0.5)
    page.mouse.down()
    x, y = centre(page)
    page.mouse.move(x + 100, y, steps=4)
    page.mouse.up()
    settled(page)
    assert state(page)["zoom"][0] < 95
    assert page.locator(".heatmap-said").inner_text().split()[:3] == held[:3]
    assert state(page)["tab"] == "heatmap"


def test_two_fingers_zoom_steps_and_units(show):
    page = show("#tab=heatmap&unit=l0.c.3&zoom=100:300")
    box = box_of(heatmap(page))
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.45, 0.5), (0.6, 0.6))
    for share in (0.1, 0.2):
        touch("touchMove", (0.45 - share, 0.5 - share / 2), (0.6 + share, 0.6 + share / 2))
    touch("touchEnd")
    settled(page)
    first, last = state(page)["zoom"]
    assert 40 < last - first < 80 and 150 < (first + last) / 2 < 250
    assert state(page)["rows"] is not None
    assert state(page)["tab"] == "heatmap"  # that was no tap


def test_a_click_goes_to_the_unit_and_the_place(show):
    page = show("#tab=heatmap&zoom=200:300")
    address, _, step, *_ = at(page, 0.6, 0.8)
    page.mouse.click(*page.evaluate("[window.innerWidth, 0]"))
    box = box_of(heatmap(page))
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"])
    expect(page.locator("#tab-text")).to_be_visible()
    assert (state(page)["unit"], state(page)["at"]) == (address, int(step))


def test_rows_are_ordered_by_what_is_chosen(show, whole):
    page = show("#tab=heatmap&unit=l0.c.3&order=switch")
    ranked = rnnscope.rank_units(whole["l0.c"]).table.sort_values("switch", ascending=False)
    assert [at(page, 0.5, 0.2)[0], at(page, 0.5, 0.98)[0]] == [ranked.index[0], ranked.index[-1]]
    page.select_option("#tab-heatmap select", "concept:quotes")
    assert [at(page, 0.5, 0.2)[0], at(page, 0.5, 0.98)[0]] == ["l0.c.7", "l0.c.0"]
    cluster = page.evaluate("app.signals.signal('l0.c').orders.cluster")
    page.select_option("#tab-heatmap select", "cluster")
    settled(page)
    name, content = saved(page, page.get_by_label("Download the numbers of heatmap as CSV"))
    assert name == "heatmap.csv"
    columns = next(csv.reader(io.StringIO(content.decode())))
    assert columns == ["step", "character", *(f"l0.c.{unit}" for unit in cluster)]
    assert show("#tab=heatmap&order=nothing").locator("#tab-heatmap select").input_value() == "address"


def test_keys_go_through_rows_and_steps_and_zoom(show):
    page = show("#tab=heatmap&unit=l0.c.3&zoom=200:260&at=205")
    canvas = heatmap(page)
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowRight", "+"):
        page.keyboard.press(key)
        settled(page)
    now = state(page)
    assert (now["unit"], now["at"]) == ("l0.c.4", 207)
    first, last = now["zoom"]
    assert last - first == 40 and first <= 207 < last
    assert page.locator(".heatmap-said").inner_text().split()[:3] == ["l0.c.4", "step", "207"]
    assert f"steps {first} to {last}" in label_of(canvas)
    assert "l0.c.4 is chosen" in label_of(canvas)
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")  # the next unit, as anywhere
    settled(page)
    assert state(page)["zoom"] is None and state(page)["unit"] != "l0.c.4"


def test_the_numbers_of_what_is_shown_are_saved(show, whole):
    page = show("#tab=heatmap&unit=l0.h.0&zoom=95:120&rows=2:6")
    settled(page)
    _, content = saved(page, page.get_by_label("Download the numbers of heatmap as CSV"))
    columns, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    assert columns == ["step", "character", *(f"l0.h.{unit}" for unit in range(2, 6))]
    assert [int(row[0]) for row in rows] == list(range(95, 120))
    assert "".join(row[1] for row in rows) == whole.text[95:120]
    numbers = np.array([[float(cell or "nan") for cell in row[2:]] for row in rows])
    np.testing.assert_allclose(numbers, whole["l0.h"].values[95:120, 2:6], atol=0.01)


def test_the_picture_is_saved_as_svg_and_png(show):
    page = show("#tab=heatmap&unit=l0.c.3&zoom=200:230")
    settled(page)
    name, svg = saved(page, page.get_by_label("Download heatmap as SVG"))
    assert name == "heatmap.svg"
    assert b'href="data:image/png;base64,' in svg
    assert len(re.findall(rb">l0\.c\.\d<", svg)) == 8
    name, png = saved(page, page.get_by_label("Download heatmap as PNG"))
    assert name == "heatmap.png" and png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width == 2 * int(re.search(rb'width="(\d+)"', svg)[1])  # pyright: ignore[reportOptionalSubscript]


def test_the_other_document_is_drawn_and_its_rows_come_back_from_the_address(show, whole):
    page = show("#tab=heatmap&stretch=1&unit=l0.c.6&rows=4:8")
    assert at(page, 0.5, 0.25)[0] == "l0.c.4"
    assert int(at(page, 0.5, 0.5)[2]) >= whole.steps_of(1).start
    assert "rows=4%3A8" in page.evaluate("app.store.fragment") or "rows=4:8" in page.evaluate("app.store.fragment")

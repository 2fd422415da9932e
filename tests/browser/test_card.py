"""The card of a unit: its measures, values, contexts, scores and ablations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import rnnscope
from rnnscope import Trace
from tests.browser.pages import kept_open, with_gaps
from tests.browser.view_pages import saved, settled, state, write_all
from tests.handmade import dialogue, latch

UNIT = "l0.c.3"
NASTY = "<img/src=x>"


def findings(page, add):
    """What is known of the units, one of them with a card by hand."""
    cards: list[dict] = [{"on": [], "off": [], "highest": [], "lowest": []} for _ in range(8)]
    cards[3] |= {"on": [[' "', 1.5, 12], [NASTY, 0.5, 3]], "off": [['."', -0.75, 9]]}
    cards[3] |= {"highest": [[40, 0.9], [70, 0.8]], "lowest": [[2, -13.31]]}
    model = page["models"][0]
    model["cards"] = {"l0.c": add(json.dumps(cards).encode())}
    model["concepts"] = [
        concept("colons", "l0.c.4", (0.8, 0.75, 0.85, 0.25), [None, 0.5, 0.5, 0.55, 0.8, 0.5, 0.5, 0.5]),
        concept("quotes", UNIT, (0.99, 0.98, 1.0, 0.0001), [0.5, 0.5, 0.5, 0.99, 0.5, 0.5, 0.5, 0.01]),
    ]
    ablation = {"unit": UNIT, "concept": "quotes", "title": f"Ablation of {UNIT}", "said": ["It costs ten nats."]}
    model["ablations"] = [
        {**ablation, "columns": ["where", "controls_low"], "rows": [["inside", 10.0], ["outside", 0.0]]}
    ]


def concept(name: str, unit: str, best: tuple[float, ...], scores: list[float | None]) -> dict[str, Any]:
    found = dict(zip(("score", "low", "high", "p"), best, strict=True))
    return {
        "name": name,
        "kind": "flag",
        "measure": "auroc",
        "unit": unit,
        **found,
        "units": {"l0.c": {"scores": scores}},
    }


@pytest.fixture(scope="module")
def whole() -> Trace:
    rng = np.random.default_rng(0)
    return with_gaps(rnnscope.trace(latch(), [dialogue(rng, 300), dialogue(rng, 300)]), 100, 130)


@pytest.fixture(scope="module")
def show(whole: Trace, tmp_path_factory, browser: Browser) -> Iterator[Callable[..., Page]]:
    with kept_open(browser, write_all(tmp_path_factory.mktemp("card"), [whole], findings)) as show:
        yield show


def card(show: Callable[..., Page], unit: str = UNIT) -> Page:
    page = show(f"#tab=unit&unit={unit}")
    expect(page.locator("#tab-unit h2")).to_contain_text(unit)
    settled(page)
    return page


def test_measures_and_ranks_are_those_of_python(show, whole):
    table = rnnscope.rank_units(whole["l0.c"]).table
    cells = [row.locator("td").all_inner_texts() for row in card(show).locator(".measures tr").all()]
    row, ranks = table.loc[UNIT], table.rank(ascending=False, numeric_only=True).loc[UNIT]
    assert cells[0] == [f"{row['switch']:.2f}", f"{ordinal(ranks['switch'])} of 8"]
    assert cells[1][0].startswith(f"{row['timescale']:.{0 if row['timescale'] >= 10 else 1}f} step")
    assert cells[3][0] == f"{100 * row['on']:.0f} %"
    assert cells[4][0] == f"{row['dwell']:.{0 if row['dwell'] >= 10 else 1}f} steps"
    assert "a switch" in card(show).locator("#tab-unit h2").inner_text()


def ordinal(rank: float) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(int(rank), f"{int(rank)}th")


@pytest.mark.parametrize("unit", [UNIT, "l0.c.0"])
def test_the_histogram_counts_the_values_of_all_documents(show, whole, unit):
    page = card(show, unit)
    _, content = saved(page, page.get_by_label(f"Download the numbers of values of {unit} as CSV"))
    rows = np.array(list(csv.reader(io.StringIO(content.decode())))[1:], dtype=float)
    values = whole[unit].values
    values = values[~np.isnan(values)]
    assert rows[:, 2].sum() == len(values)
    expected, _ = np.histogram(values, np.append(rows[:, 0], rows[-1, 1]))
    width = rows[0, 1] - rows[0, 0]
    near = [np.abs(values[:, None] - rows[:, 0]) < 0.02 * max(1, 1 / width)][0].sum(axis=0)  # that a code may put aside
    assert (np.abs(rows[:, 2] - expected) <= near + np.append(near[1:], 0)).all()
    assert page.locator(".histogram rect").count() == len(rows)
    assert "720 steps" not in page.locator("figcaption.quiet").inner_text()
    assert f"{len(values):,} steps" in page.locator("figcaption.quiet").inner_text()


def test_what_changes_it_stands_as_text(show):
    page = card(show)
    assert page.locator(".ngram").all_inner_texts()[-3:] == ['·"', NASTY, '."']
    assert page.locator("#tab-unit img").count() == 0
    section = page.locator(".cards section", has=page.get_by_role("heading", name="What changes it")).inner_text()
    assert all(said in section for said in ("+1.50", "12 ×", "−0.75", "9 ×"))


def test_a_context_goes_to_its_place(show, whole):
    page = card(show)
    button = page.locator(".contexts .excerpt").nth(1)
    assert button.locator("mark").inner_text() == whole.text[70].replace("\n", "⏎")
    around = whole.text[70 - 28 : 70 + 29].replace("\n", "⏎")
    assert button.inner_text().replace("\n", "") == around.strip() or button.text_content() == around
    button.click()
    assert (state(page)["tab"], state(page)["at"], state(page)["unit"]) == ("text", 70, UNIT)


CONCEPTS = ".cards section:has(h3:text-is('Concepts'))"


def test_scores_stand_beside_those_of_the_best_unit(show):
    page = card(show)
    rows = [row.locator("th, td").all_inner_texts() for row in page.locator(f"{CONCEPTS} tbody tr").all()]
    assert rows[0] == ["quotes", "", "0.99", "AUROC", "this unit", "0.99", "0.98 to 1.00", "< 0.001"]
    assert rows[1] == ["colons", "", "0.55", "AUROC", "l0.c.4", "0.80", "0.75 to 0.85", "0.250"]
    page.get_by_role("button", name="l0.c.4", exact=True).click()
    settled(page)
    assert state(page)["unit"] == "l0.c.4"
    page = card(show, "l0.c.7")  # low inside quotes: far from chance too
    assert page.locator(f"{CONCEPTS} tbody th").all_inner_texts() == ["quotes", "colons"]
    page = card(show, "l0.c.0")
    assert "–" in page.locator(f"{CONCEPTS} tbody tr", has_text="colons").inner_text()


def test_an_ablation_stands_on_the_card_of_its_unit_alone(show):
    page = card(show)
    section = page.locator(f".cards section:has(h3:text-is('Ablation of {UNIT}'))")
    assert "It costs ten nats." in section.inner_text()
    assert section.locator("th").all_inner_texts() == ["where", "controls from"]
    assert section.locator("td").all_inner_texts() == ["inside", "10", "outside", "0"]
    page = card(show, "l0.c.1")
    assert "It costs ten nats." not in page.locator("#tab-unit").inner_text()
    page.get_by_role("button", name=UNIT, exact=True).last.click()
    settled(page)
    assert state(page)["unit"] == UNIT


def test_a_signal_without_findings_has_a_short_card(show):
    page = card(show, "l0.f.2")
    titles = page.locator("#tab-unit h3").all_inner_texts()
    assert titles[0] == "Values" and "What changes it" not in titles and "Concepts" not in titles


def test_cards_follow_the_arrows(show):
    page = card(show)
    page.keyboard.press("ArrowRight")
    settled(page)
    expect(page.locator("#tab-unit h2")).to_contain_text(state(page)["unit"])
    assert state(page)["unit"] != UNIT


@pytest.mark.parametrize("width", [390, 1280])
def test_numbers_stand_in_a_line_and_tables_fit(show, width):
    page = card(show)
    page.set_viewport_size({"width": width, "height": 800})
    heights = page.locator(".contexts .number").evaluate_all("all => all.map((each) => each.offsetHeight)")
    assert len(heights) == 3 and len({*heights}) == 1
    tables = page.locator("#tab-unit .scrolls")
    tables = tables.evaluate_all("all => all.map((each) => [each.scrollWidth, each.clientWidth])")
    assert len(tables) == 2 and all(wide <= box for wide, box in tables)
    label = page.locator(f"{CONCEPTS} tbody td").nth(1).evaluate("cell => getComputedStyle(cell, '::before').content")
    assert ("This unit" in label) == (width == 390)
    page.set_viewport_size({"width": 1280, "height": 720})

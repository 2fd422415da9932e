"""The match of spans in the page against `rnnscope.match`, and the tab that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import rnnscope
from rnnscope import Trace, trained
from rnnscope.analysis.matching import match
from rnnscope.errors import TraceError
from tests.browser.pages import kept_open, with_gaps
from tests.browser.view_pages import settled, state, write_all
from tests.handmade import dialogue, latch, random_network

NUMBERS = ["document", "start", "stop", "step", "shared", "others", "length"]

MATCH = """async ({signal, span, count}) => {
  const read = async (stretch) => (await app.signals.matrix(0, signal, stretch)).codes;
  const {page: {text, threshold}, signals} = app;
  try {
    return await match({signal: signals.signal(signal, 0), text, read, span, threshold, count});
  } catch (error) {
    if (!(error instanceof MatchError)) throw error;
    return {error: error.message};
  }
}"""


def random_trace() -> Trace:
    """What a network did that nobody trained, on three documents, with a gap in the second."""
    rng = np.random.default_rng(1)
    texts = [dialogue(rng, length) for length in (150, 400, 90)]
    return with_gaps(rnnscope.trace(random_network(3, layers=2), texts), 250, 280)


def latch_trace() -> Trace:
    rng = np.random.default_rng(0)
    return rnnscope.trace(latch(), [dialogue(rng, 300), dialogue(rng, 300)])


def prose_trace() -> Trace:
    return rnnscope.trace(
        rnnscope.load(trained.path("prose-lstm")),
        (trained.path("prose-lstm").parent / "demo.txt").read_text("utf-8")[:800],
    )


TRACES = {"latch": latch_trace, "random": random_trace, "prose": prose_trace}


@pytest.fixture(scope="module", params=TRACES)
def shown(request, tmp_path_factory, browser: Browser) -> Iterator[tuple[Trace, Callable[..., Page]]]:
    whole = TRACES[request.param]()
    path = write_all(tmp_path_factory.mktemp(request.param), [whole])
    with kept_open(browser, path) as show:
        yield whole, show


def spans(whole: Trace) -> list[tuple[int, int]]:
    """Spans all over the text, short and long, some of them across the end of a document."""
    rng = np.random.default_rng(5)
    starts = rng.integers(0, len(whole) - 1, 8).tolist()
    return [(start, min(len(whole), start + int(rng.integers(1, 9)))) for start in starts]


def test_it_finds_what_python_finds(shown):
    whole, show = shown
    page, found_any = show(), 0
    for signal in whole.addresses:
        if signal.signal not in "hc":
            continue
        for span in spans(whole):
            ours: dict[str, Any] = page.evaluate(MATCH, {"signal": str(signal), "span": span, "count": 20})
            try:
                theirs = match(whole, span, signal)
            except TraceError as error:
                assert ours["error"] == as_the_page_says(str(error))
                continue
            assert {each["address"]: each["sign"] for each in ours["units"]} == theirs.units["sign"].to_dict()
            means = theirs.units["mean"]
            coarse = page.evaluate("signal => app.signals.signal(signal).steps", str(signal))
            for each in ours["units"]:
                assert each["mean"] == pytest.approx(means[each["address"]], abs=coarse[each["place"]])
            strengths = [abs(each["mean"]) for each in ours["units"]]
            assert strengths == sorted(strengths, reverse=True)
            assert [[each[name] for name in NUMBERS] for each in ours["spans"]] == theirs.table[
                NUMBERS
            ].to_numpy().tolist()
            found_any += len(theirs.table)
    assert found_any > 20


def as_the_page_says(said: str) -> str:
    """An error without the advice for which the page's rounded values do not suffice: a threshold to take instead."""
    advice = r"(, at any threshold\. Give a shorter span| at threshold 0\.3\. The highest at which one is: [\d.]+\d)\.$"
    return re.sub(advice, " at threshold 0.3. Give a shorter span.", said)


def test_what_cannot_be_matched_is_said_as_python_says_it(shown):
    whole, show = shown
    page = show()
    for span in ((5, 5), (7, 3), (0, len(whole) + 1), (-1, 4), (0, len(whole))):
        with pytest.raises(TraceError) as error:
            match(whole, span)
        ours = page.evaluate(MATCH, {"signal": str(whole.memory), "span": span, "count": 20})
        assert ours["error"] == as_the_page_says(str(error.value))


@pytest.fixture(scope="module")
def latched(tmp_path_factory, browser) -> Iterator[tuple[Trace, Callable[..., Page]]]:
    whole = latch_trace()
    with kept_open(browser, write_all(tmp_path_factory.mktemp("span"), [whole])) as show:
        yield whole, show


def quotation(whole: Trace) -> tuple[int, int]:
    """The inside of the first quotation."""
    start = whole.text.index('"') + 1
    return start, whole.text.index('"', start)


def test_the_tab_shows_units_and_spans(latched):
    whole, show = latched
    start, stop = quotation(whole)
    page = show(f"#tab=span&unit=l0.c.3&span={start}:{stop}")
    theirs = match(whole, (start, stop), "l0.c")
    chips = page.locator(".chip").all_inner_texts()
    assert sorted(chip.split()[0] for chip in chips) == sorted(theirs.units.index)
    assert "l0.c.3" in theirs.units.index
    said = page.locator(".found-numbers").all_inner_texts()
    assert len(said) == len(theirs.table) > 3
    first = theirs.table.iloc[0]
    assert said[0].startswith(
        f"{first['shared']}/{len(theirs.units)} shared, {first['others']} others, {first['length']} step"
    )
    assert page.locator(".found mark").first.inner_text() == first["text"].replace("\n", "⏎")


def test_a_found_span_goes_to_its_place(latched):
    whole, show = latched
    start, stop = quotation(whole)
    page = show(f"#tab=span&unit=l0.c.3&span={start}:{stop}")
    theirs = match(whole, (start, stop), "l0.c").table
    place = int(np.flatnonzero(theirs["document"] == 1)[0])
    page.locator(".found .excerpt").nth(place).click()
    now = state(page)
    assert (now["tab"], now["at"], now["stretch"]) == ("text", theirs["start"][place], 1)
    assert now["span"] == [start, stop]


def test_a_search_from_a_found_span_shows_the_first_one_again(latched):
    whole, show = latched
    start, stop = quotation(whole)
    page = show(f"#tab=span&unit=l0.c.3&span={start}:{stop}")
    found = match(whole, (start, stop), "l0.c").table.iloc[0]
    page.locator(".found .link").first.click()
    expect(page.locator("#tab-span h2")).to_have_text(f"Steps {found['start']:,} to {found['stop'] - 1:,}")
    settled(page)
    again = match(whole, (found["start"], found["stop"]), "l0.c")
    assert page.locator(".found-numbers").count() == len(again.table)


def test_another_signal_is_matched_by_its_own_units(latched):
    whole, show = latched
    start, _ = quotation(whole)
    page = show(f"#tab=span&unit=l0.h.0&span={start}:{start + 1}")
    theirs = match(whole, (start, start + 1), "l0.h")
    assert {chip.split()[0] for chip in page.locator(".chip").all_inner_texts()} == set(theirs.units.index)


def test_no_span_and_a_span_that_cannot_be_matched_are_said(latched):
    whole, show = latched
    page = show("#tab=span")
    expect(page.locator("#tab-span h2")).to_have_text("No span is selected")
    stop = whole.steps_of(0).stop
    page = show(f"#tab=span&span={stop - 2}:{stop + 2}")
    expect(page.locator(".span-error")).to_contain_text(f"End it there: {stop - 2}:{stop}.")


def test_a_chip_chooses_its_unit_and_the_list_stays(latched):
    whole, show = latched
    start, stop = quotation(whole)
    page = show(f"#tab=span&unit=l0.c.3&span={start}:{stop}")
    chip = page.locator(".chip").last
    address = chip.inner_text().split()[0]
    chip.click()
    settled(page)
    assert state(page)["unit"] == address
    assert page.locator(".chip[aria-pressed=true]").inner_text().split()[0] == address


def test_many_short_documents_are_searched_without_a_pause_for_each(open_page, tmp_path):
    """A browser makes each pause at least 4 ms long, which 3,000 documents would have made 12 s."""
    texts = [dialogue(np.random.default_rng(seed), 20) for seed in range(60)]
    page = open_page(write_all(tmp_path, [rnnscope.trace(latch(), texts)]))
    pauses = page.evaluate(
        """async () => {
             const own = setTimeout;
             let pauses = 0;
             window.setTimeout = (...given) => ((pauses += 1), own(...given));
             app.store.set({ tab: "span", span: [0, 4] });
             await app.store.drawing;
             return pauses;
           }"""
    )
    assert 0 < pauses < 30
    assert page.locator(".found li").count() > 0

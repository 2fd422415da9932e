"""Whatever a text, a name or a title holds, it is shown as text and runs nothing; the page's policy holds besides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr
from playwright.sync_api import Page, expect

from rnnscope import Trace, trace
from rnnscope.text import Document, visible
from tests.browser.pages import write
from tests.browser.view_pages import write_all
from tests.handmade import latch, random_network

HOSTILE = [
    "<script>hurt()</script>",
    "</script><script>hurt()</script>",
    "<!-- <script> ]]> -->",
    "<img src=x onerror=hurt()>",
    "\"'`&amp;&lt;${hurt()}{{policy}}<!-- data -->\\u0041",
    "emoji \U0001f469\u200d\U0001f52c \U0001f600 e\u0301",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eturned\u202c",
    "control \x00\x07\x1b[31m\x7f\x85\u2028\ufeff",
    "lone \ud800 and \udc00 then \ud83d",
]
EVIL = '"\'><img src=nowhere onerror="window.hurt = 1"><script>window.hurt = 1</script>'
ADDRESSES = {
    "address",
    "signal",
    "layer",
    "blocks",
    "nll",
    "memory",
    "cards",
    "figure",
    "unit",
    "partner",
    "measure",
    "id",
}
TEXT = "\n".join(HOSTILE)
TEXTS = [TEXT, *HOSTILE[:-1]]


@pytest.fixture(scope="module")
def whole() -> Trace:
    """A trace whose text, names and network are all hostile."""
    read = trace(latch(), [Document(name, text) for name, text in zip(HOSTILE, TEXTS, strict=True)])
    tree: xr.DataTree = read.tree
    tree.attrs["model"] = HOSTILE[1]
    return Trace(tree)


@pytest.fixture(scope="module")
def report(whole: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hostile"), whole, title=f"{HOSTILE[1]} {HOSTILE[5]} {HOSTILE[8]}")


def unhurt(page: Page) -> bool:
    """Whether the page has no element and no script that it should not have."""
    scripts = page.locator("script:not([type]), img, iframe, object").count()
    own = page.evaluate("document.querySelectorAll('script:not([type])').length")
    return page.evaluate("typeof hurt") == "undefined" and scripts == own


def test_a_hostile_text_is_shown_as_text(show, whole):
    page = show()
    assert page.locator("#text span").all_text_contents() == [
        each if each == " " or each.isprintable() else visible(each) for each in whole.text[: len(TEXT)]
    ]
    assert unhurt(page)
    assert page.locator("#text *:not(span):not(p)").count() == 0


def test_hostile_names_are_shown_as_text(show):
    page = show("#stretch=1")
    assert HOSTILE[1] in page.locator("h1").inner_text()
    assert page.locator("#about").inner_text().startswith("language model")
    assert page.locator("h2.document").inner_text() == HOSTILE[1]
    assert page.locator("#stretch option").nth(0).text_content() == HOSTILE[0]
    assert unhurt(page)


@pytest.mark.parametrize("tab", ["heatmap", "unit", "span", "model"])
def test_no_view_runs_what_it_shows(show, tab):
    page = show(f"#tab={tab}&at=5&span=2:9")
    expect(page.locator(f"#tab-{tab}")).to_be_visible()
    assert unhurt(page)
    assert page.evaluate("document.querySelectorAll('[onerror], [onload], [onclick], [style*=url]').length") == 0


def test_every_step_has_its_own_character(show):
    """Characters of two code units, and what stands for halves of such, do not shift the text against its values."""
    page = show()
    assert page.evaluate("app.page.text.characters.length") == len("".join(TEXTS))
    half = TEXT.index("\ud800")  # no file can hold one: a trace has U+FFFD there
    for step, code in ((TEXT.index("\U0001f469"), "1F469"), (half, "FFFD"), (TEXT.index("\u202e"), "202E")):
        page = show(f"#at={step}")
        assert f"U+{code}" in page.locator("#step-card header").inner_text()


def test_lines_from_right_to_left_are_read_so(show):
    page = show()
    hebrew = TEXT.index("\u05e9")
    boxes = [page.locator("#text span").nth(hebrew + place).bounding_box() for place in (0, 3)]
    assert boxes[0] and boxes[1]
    assert boxes[0]["x"] > boxes[1]["x"]
    line = page.locator("#text p").filter(has_text="\u05e9").first
    assert line.evaluate("each => getComputedStyle(each).direction") == "rtl"


def test_no_field_of_the_data_runs(open_page, tmp_path):
    """Names, notes, cards, concepts, panels, ablations, pairs: every text of the page that is not an address."""

    def spoilt(value):
        if isinstance(value, dict):
            return {key: each if key in ADDRESSES else spoilt(each) for key, each in value.items()}
        if isinstance(value, list):
            return [spoilt(each) for each in value]
        return value + EVIL if isinstance(value, str) else value

    def change(page, add):
        table = {"title": "", "said": [""], "columns": [""], "rows": [[""]]}
        scores = [0.5] * 8
        card = {"on": [[EVIL, 1, 1]], "off": [], "highest": [[0, 1]], "lowest": []}
        first = page["models"][0]
        first["card"] = [["a", "b"]]
        first["concepts"] = [
            {
                "name": "",
                "measure": "auroc",
                "unit": "l0.c.3",
                "units": {"l0.c": {"scores": scores}},
                "score": 1,
                "p": 0,
            }
        ]
        first["ablations"] = [{"unit": "l0.c.3", "concept": "", **table}]
        first["cards"] = {"l0.c": add(json.dumps([card] * 8).encode())}
        page["panels"] = [{"id": "flow", "model": 0, "figure": add(EVIL.encode()), **table}]
        pair = {"unit": "l0.c.3", "partner": "l0.c.5", "correlation": 1, "slope": 1, "diverges": None}
        page["alignments"] = [{"models": [0, 1], "signals": ["l0.c", "l0.c"], "pairs": [pair], "said": [""]}]
        page.update({key: spoilt(value) for key, value in page.items() if key != "text"})
        page["text"]["documents"] = spoilt(page["text"]["documents"])
        page["text"]["shown"] = {key: each + EVIL for key, each in page["text"]["shown"].items()}

    text = "ab\n:c d"
    path = write_all(tmp_path, [trace(latch(), text), trace(random_network(7), text)], change)
    page = open_page(path, "#unit=l0.c.3&at=2&span=0:3")
    for tab in ("text", "heatmap", "unit", "span", "model", "compare"):
        page.evaluate("async (tab) => { app.store.set({ tab }); await app.store.drawing }", tab)
        assert "onerror" in page.locator("body").inner_text()
        assert page.evaluate("typeof hurt") == "undefined"
        assert page.locator("[onerror], [src*=nowhere]").count() == 0


@pytest.mark.parametrize(
    ("attack", "directive"),
    [
        (
            "const s = document.createElement('script'); s.textContent = 'window.hurt = 1'; document.body.append(s)",
            "script-src",
        ),
        (
            "document.body.insertAdjacentHTML('beforeend', '<a id=it onclick=\"window.hurt = 1\">x</a>'); it.click()",
            "script-src",
        ),
        ("const i = new Image(); i.src = 'https://example.invalid/x.png'; document.body.append(i)", "img-src"),
        ("fetch('https://example.invalid/').catch(() => 0)", "default-src"),
        (
            "const s = document.createElement('style'); s.textContent = 'h1 { color: red }'; document.head.append(s)",
            "style-src",
        ),
        (
            "const b = document.createElement('base'); b.href = 'https://example.invalid/'; document.head.append(b)",
            "base-uri",
        ),
        (
            "const f = document.createElement('form'); f.action = 'https://example.invalid/';"
            "document.body.append(f); f.submit()",
            "form-action",
        ),
    ],
)
def test_the_policy_holds(report, browser, attack, directive):
    page = browser.new_page()
    loaded: list[str] = []
    page.on("requestfinished", lambda request: loaded.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("body[data-ready]")
    broken = page.evaluate(
        """(attack) => new Promise((resolve) => {
             document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
             setTimeout(() => resolve("nothing"), 1000);
             ATTACK
           })""".replace("ATTACK", attack)
    )
    assert broken.startswith(directive) or (directive == "default-src" and broken == "connect-src")
    assert page.evaluate("typeof hurt") == "undefined"
    assert [url for url in loaded if not url.startswith(("blob:", "data:"))] == [report.as_uri()]
    page.close()


def test_the_policy_allows_nothing_by_default(report):
    head = report.read_text("utf-8").partition("</head>")[0]
    policy = head.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy

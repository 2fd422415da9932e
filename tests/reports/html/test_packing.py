"""What a page holds, decoded, against the trace that it was made from."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import Trace, trained
from rnnscope.analysis.matching import match
from rnnscope.models import LanguageModelConfig
from rnnscope.reports.html import building
from rnnscope.reports.html.page_of import page_of
from rnnscope.reports.html.stretches import LONGEST, read_stretches, stretches_of
from rnnscope.reports.scale import reach
from rnnscope.text import Document
from tests.handmade import dialogue, latch, random_network

from .decoding import Decoded, decoded

TEXT = dialogue(np.random.default_rng(3), 700)


@pytest.fixture(scope="module")
def trace() -> Trace:
    return rnnscope.trace(latch(), [Document("one", TEXT), Document("two", "a.\n"), Document("three", TEXT[:300])])


@pytest.fixture(scope="module")
def page(trace: Trace) -> Decoded:
    return decoded(page_of(trace))


def test_all_units_of_a_small_network_are_there_in_full_detail(trace: Trace, page: Decoded) -> None:
    for address in trace.addresses:
        signal, values = page.signal(str(address)), trace[address].values
        assert signal["units"] == list(range(8))
        error = np.abs(page.values(str(address)) - values).max(axis=0)
        assert (error <= np.array(signal["steps"])).all()
        assert (np.array(signal["steps"]) <= np.abs(values).max(axis=0) / 126).all()
        assert signal["reach"] == pytest.approx(reach(values, axis=0), rel=1e-3)
        assert (signal["low"] is None) == (not signal["gate"])
        assert sorted(signal["orders"]["cluster"]) == signal["units"]
    assert "All signals of all units are here" in page.page["notes"][1]


def test_the_same_units_are_on_in_the_page_as_in_a_match(trace: Trace, page: Decoded) -> None:
    start = TEXT.index(':"') + 2
    found = match(trace, (start, start + 3), "l0.c")
    level = np.arctanh(page.page["threshold"])
    inside = page.values("l0.c")[start : start + 3]
    on = np.flatnonzero((inside > level).all(axis=0) | (inside < -level).all(axis=0))
    assert sorted(found.units["unit"]) == on.tolist()


def test_text_costs_and_guesses_are_those_of_the_trace(trace: Trace, page: Decoded) -> None:
    root, model, text = trace.tree.dataset, page.page["models"][0], page.page["text"]
    assert text["characters"] == trace.text
    assert text["shown"] == {"\n": "⏎"}
    assert [(each["name"], each["start"], each["stop"]) for each in text["documents"]] == [
        (name, trace.steps_of(number).start, trace.steps_of(number).stop) for number, name in enumerate(trace.documents)
    ]
    assert [(each["start"], each["stop"]) for each in text["stretches"]] == [
        (each["start"], each["stop"]) for each in text["documents"]
    ]
    assert page.numbers(model["nll"], "<f4") == pytest.approx(root["nll"].values, rel=2e-3, nan_ok=True)
    assert model["outcomes"] == list(trace.outcomes)
    places = page.numbers(model["guess"]["blocks"]["places"], "<i2", 5)
    odds = page.numbers(model["guess"]["blocks"]["probabilities"], "<u2", 5) / 65535
    last = [trace.steps_of(number).stop - 1 for number in range(3)]
    others = np.setdiff1d(np.arange(len(trace)), last)
    assert (places[last] == -1).all()
    assert (places[others] == root["guess"].values[others + 1]).all()
    assert odds[others] == pytest.approx(root["guess_probability"].values[others + 1], rel=2.5e-3, abs=2e-5)


def test_measures_and_cards_are_of_the_units_that_are_there(page: Decoded) -> None:
    model = page.page["models"][0]
    for address, measures in model["measures"].items():
        assert {len(column) for column in measures.values()} == {len(page.signal(address)["units"])}
    assert np.argmax(model["measures"]["l0.c"]["switch"]) == 3
    cards = page.json(model["cards"]["l0.c"])
    assert len(cards) == 8
    assert {"on", "off", "highest", "lowest"} == set(cards[3])


def test_gaps_are_gaps_and_are_said(trace: Trace) -> None:
    values = trace["l0.c"].values
    broken = rnnscope.trace(latch(), TEXT)
    values = broken.tree["l0"].dataset["c"].values
    values[5, 2], values[6, 2], values[7, 3] = np.nan, np.inf, -np.inf
    shown = decoded(page_of(broken))
    assert (np.isnan(shown.values("l0.c")) == ~np.isfinite(values)).all()
    assert any(note.startswith("l0.c has 3 values that are no finite numbers") for note in shown.page["notes"])
    whole = np.ones(8, bool)
    whole[2:4] = False
    assert np.abs(shown.values("l0.c") - values)[:, whole].max() < 0.05


def test_steps_without_values_are_said_where_a_layer_should_take_all() -> None:
    broken = rnnscope.trace(latch(), TEXT)
    broken.tree["l0"].dataset["c"].values[100:160] = np.nan
    notes = decoded(page_of(broken)).page["notes"]
    assert f"l0.c has no value at 60 of {len(broken):,} steps." in notes
    tagged = rnnscope.trace(rnnscope.load(trained.path("pos-tagger")), "We saw it.")
    assert not any("no value" in note for note in decoded(page_of(tagged)).page["notes"])


@pytest.mark.parametrize(("signals", "memory"), [("c", "l0.h"), ("hcifgo", "l0.c")])
def test_a_signal_without_any_value_has_no_measures(signals: str, memory: str) -> None:
    empty = rnnscope.trace(latch(), TEXT)
    for signal in signals:
        empty.tree["l0"].dataset[signal].values[:] = np.nan
    shown = decoded(page_of(empty))
    model = shown.page["models"][0]
    assert np.isnan(shown.values("l0.c")).all()
    assert {value for column in model["measures"]["l0.c"].values() for value in column} == {None}
    assert not any(any(card.values()) for card in shown.json(model["cards"]["l0.c"]))
    assert model["memory"] == memory
    (said,) = [note for note in shown.page["notes"] if "no value at any step: no units are described." in note]
    assert said.startswith("l0.c has" if len(signals) == 1 else "l0.h, l0.c")


def test_guesses_are_promised_only_where_there_are_any(page: Decoded) -> None:
    assert page.page["notes"][0].endswith("the cost of each character that is predicted and the 5 best guesses of it.")
    spam = rnnscope.trace(rnnscope.load(trained.path("spam-classifier")), "Win a phone!")
    assert decoded(page_of(spam)).page["notes"][0].endswith("12 steps, with the 2 best guesses of the label.")
    rates = rnnscope.trace(rnnscope.load(trained.path("brent-forecaster")), np.linspace(50, 60, 20))
    assert decoded(page_of(rates)).page["notes"][0].endswith("with the cost of each value that is predicted.")


def test_rounding_is_as_coarse_as_the_page_says() -> None:
    long = rnnscope.trace(random_network(0, units=64), dialogue(np.random.default_rng(5), 3_000), signals=["c"])
    shown = decoded(page_of(long, size=0.6))
    said = re.findall(r"up to ([\d.]+) % of a unit's reach, ([\d.]+) % close", " ".join(shown.page["notes"]))
    signal = shown.signal("l0.c")
    values = long["l0.c"].sel(unit=signal["units"]).values
    off = np.abs(shown.values("l0.c") - values) / np.array(signal["reach"])
    away = np.abs(np.abs(np.tanh(values)) - shown.page["threshold"]) > 0.2
    coarse, close = (max(float(pair[place]) for pair in said) / 100 for place in (0, 1))
    assert off[away].max() <= coarse + 0.001 and coarse < off.max() <= close + 0.001


def test_a_trace_of_some_signals_and_units_is_enough() -> None:
    some = rnnscope.trace(latch(), TEXT[:200], signals=["c", "i"], units=[5, 3])
    shown = decoded(page_of(some))
    for address in ("l0.c", "l0.i"):
        assert shown.signal(address)["units"] == [3, 5]
        assert shown.values(address) == pytest.approx(some[address].sel(unit=[3, 5]).values, abs=0.05)
    gates = decoded(page_of(rnnscope.trace(latch(), TEXT[:200], signals=["o"])))
    assert gates.page["models"][0]["memory"] == "l0.o"


def test_long_documents_are_cut_at_the_end_of_a_line() -> None:
    text = dialogue(np.random.default_rng(5), 2 * LONGEST)
    long = rnnscope.trace(random_network(0), text, signals=["c"], dtype="float16")
    stretches = stretches_of(long)
    assert len(stretches) == 3
    assert all(text[each.stop - 1] == "\n" and len(each) <= LONGEST for each in stretches)
    assert stretches[-1].stop == len(text)
    shown = decoded(page_of(long))
    assert shown.values("l0.c") == pytest.approx(long["l0.c"].values, abs=0.02)
    assert {len(shown.page["text"]["stretches"])} == {len(shown.signal("l0.c")["blocks"])} == {3}


def test_a_text_without_line_ends_is_cut_all_the_same() -> None:
    for text, first in (("a" * (LONGEST + 1), LONGEST), ("abcd " * (LONGEST // 5 + 1), LONGEST)):
        assert len(stretches_of(rnnscope.trace(random_network(0), text, signals=["h"]))[0]) == first


def test_what_does_not_fit_is_left_out_by_and_by_and_said() -> None:
    wide = rnnscope.trace(random_network(0, units=48), dialogue(np.random.default_rng(5), 1_500))
    empty = decoded(page_of(wide, size=3.0))
    least = len(empty.html.encode()) - sum(map(len, empty.blocks.values()))
    held = []
    for room in (250_000, 90_000, 50_000):
        size = (least + room) / 1e6
        shown = decoded(page_of(wide, size=size, units=["l0.h.7"]))
        assert len(shown.html.encode()) <= size * 1e6
        held.append(sum(len(signal["units"]) for signal in shown.page["models"][0]["signals"]))
        assert 7 in shown.signal("l0.f")["units"]
        signal, values = shown.signal("l0.h"), shown.values("l0.h")
        place = signal["units"].index(7)
        assert np.abs(values[:, place] - wide["l0.h.7"].values).max() <= signal["steps"][place]
    assert held == sorted(held, reverse=True)
    assert held[-1] < 6 * 48
    assert any("of 48 units" in note for note in shown.page["notes"])
    assert any("(l0.c.7, " in note for note in shown.page["notes"])


def test_a_page_that_is_too_large_gives_up_more_until_it_fits(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: list[float] = []

    def coarse(*arguments: Any) -> building.Built:
        """A little less room changes nothing, as units come in whole."""
        rooms.append(arguments[3])
        return building.Built("x" * (1_002_000 if rooms[0] - rooms[-1] < 60_000 else 990_000), [])

    monkeypatch.setattr(building, "_packed", coarse)
    assert len(page_of(trace, size=1.0)) == 990_000
    monkeypatch.setattr(building, "_packed", lambda *_: building.Built("x" * 1_002_000, []))
    with pytest.raises(rnnscope.RnnscopeError, match="does not fit into 1 MB"):
        page_of(trace, size=1.0)


def test_stretches_are_read_together_and_given_apart(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    stretches = stretches_of(trace)
    for together in (1, 600, 10_000):
        monkeypatch.setattr("rnnscope.reports.html.stretches._READ", max(together, max(map(len, stretches))))
        parts = list(read_stretches(trace["l0.c"], stretches))
        assert [len(part) for part in parts] == [len(stretch) for stretch in stretches]
        assert (np.concatenate(parts) == trace["l0.c"].values).all()


def test_a_text_that_takes_more_than_the_room_is_refused(trace: Trace) -> None:
    with pytest.raises(rnnscope.RnnscopeError, match="takes .* MB without the values of units"):
        page_of(trace, size=0.001)


def test_what_is_in_the_file_is_inert() -> None:
    hostile = '</script><script>alert(1)</script> <!-- <b onclick="x">&amp; "\u202eabc\u202c \U0001f600 \x00\x07 \ud800'
    network = rnnscope.CharLanguageModel(
        LanguageModelConfig(hidden_size=4, embedding_size=0), rnnscope.Vocabulary.of(hostile)
    ).eval()
    trace = rnnscope.trace(network, Document("</title><img src=x> \ud83d", hostile))
    shown = decoded(page_of(trace, title='</title><script>"\ud800'))
    assert shown.page["text"]["characters"] == hostile.replace("\ud800", "\ufffd")
    assert shown.page["text"]["documents"][0]["name"] == trace.documents[0]
    assert "alert(1)" not in shown.html
    assert "<img" not in shown.html
    assert shown.html.encode("utf-8")
    outside = re.sub(r'<script type="text/plain"[^>]*>[^<]*</script>', "", shown.html)
    assert not re.search(r'(src|href)="', outside)
    namespaces = outside.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]+\.", namespaces)
    assert not re.search(r"\son\w+=|style=\"", outside)


def test_two_halves_of_a_character_stay_two_steps() -> None:
    halves = "a\ud83d\ude00b"
    network = rnnscope.CharLanguageModel(
        LanguageModelConfig(hidden_size=4, embedding_size=0), rnnscope.Vocabulary("ab")
    ).eval()
    shown = decoded(page_of(rnnscope.trace(network, halves)))
    characters = shown.page["text"]["characters"]
    assert len(characters) == 4
    assert len(characters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")) == 4


def test_the_policy_names_every_script_and_style() -> None:
    html = page_of(rnnscope.trace(latch(), "ab"))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    contents = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", html, re.DOTALL)
    assert len(contents) > 5
    hashes = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents]
    assert sorted(re.findall(r"'sha256-([^']+)'", policy[1])) == sorted(hashes)


def test_a_title_does_not_end_its_element(trace: Trace) -> None:
    html = page_of(trace, title="</title><script>hurt()</script> \ud800")
    assert "<title>&lt;/title&gt;&lt;script&gt;hurt()&lt;/script&gt; \\ud800</title>" in html


def test_a_page_is_the_same_each_time(trace: Trace) -> None:
    assert page_of(trace) == page_of(trace)


def test_a_module_without_vocabulary_shows_the_numbers_of_its_tokens() -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn = torch.nn.Embedding(7, 3), torch.nn.GRU(3, 5)
            self.head = torch.nn.Linear(5, 7)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(self.embedding(tokens))[0])

    torch.manual_seed(0)
    trace = rnnscope.trace(Own().eval(), np.arange(40) % 7)
    shown = decoded(page_of(trace))
    model = shown.page["models"][0]
    assert model["outcomes"] == [str(token) for token in range(7)]
    assert len(shown.page["text"]["characters"]) == 40
    assert model["name"] == "Own"


def test_five_thousand_characters_of_two_layers_of_512_fit(corpora: Path) -> None:
    text = (corpora / "text" / "warpeace_input.txt").read_text("utf-8")[100_000:105_000]
    trace = rnnscope.trace(rnnscope.load(trained.path("prose-large")), text, signals=["h", "c"])
    html = page_of(trace, size=6.0)
    assert len(html.encode()) < 6_000_000
    shown = decoded(html)
    for address in ("l0.h", "l0.c", "l1.h", "l1.c"):
        signal = shown.signal(address)
        assert len(signal["units"]) == 512
        off = np.abs(shown.values(address) - trace[address].values).max(axis=0)
        assert (off <= np.array(signal["steps"])).all()
        assert np.median(np.array(signal["steps"]) / np.array(signal["reach"])) <= 0.21

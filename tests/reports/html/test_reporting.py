"""A report, from what it is asked for to the file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import File, trained
from rnnscope.errors import AddressError, ArgumentError, ConceptError, OutputError, ReportError, TextError
from rnnscope.reports.html import filling
from rnnscope.reports.html.reporting import Report, report
from rnnscope.text import Document
from tests.handmade import Quotes, dialogue, latch, random_network
from tests.printing import printed

from .decoding import decoded

TEXT = dialogue(np.random.default_rng(2), 1_200)


class Nowhere(Quotes):
    def label(self, text: str, start: int) -> np.ndarray:
        return np.zeros(len(text), dtype=bool)


@pytest.fixture
def no_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what takes seconds, where a test is of something else."""
    monkeypatch.setattr(filling, "model_panels", lambda *_, **__: ([], []))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("report") / "latch.html"
    ablation = rnnscope.ablation(latch(), TEXT, "l0.c.3", Quotes(), controls=2)
    others = [rnnscope.saturation(latch(), TEXT), ablation]
    return report(latch(), Document("d.txt", TEXT), path, compare=[latch(unit=5)], concepts=[Quotes()], results=others)


def test_a_report_has_all_that_is_known(written: Report) -> None:
    shown = decoded(written.path)
    first, second = shown.page["models"]
    assert shown.page["title"] == "CharLanguageModel: d.txt"
    assert written.size == written.path.stat().st_size < 1_000_000
    assert shown.page["notes"] == written.notes
    assert first["sha256"] != second["sha256"]
    assert first["concepts"][0]["unit"] in ("l0.c.3", "l0.h.3")
    assert second["concepts"][0]["unit"] in ("l0.c.5", "l0.h.5")
    assert first["ablations"][0]["unit"] == "l0.c.3"
    titles = [(panel["model"], panel["id"].split("-", 1)[1]) for panel in shown.page["panels"]]
    assert {(0, "saturation"), (1, "saturation"), (None, "saturation"), (0, "gradient-flow")} <= set(titles)
    assert all(shown.bytes(panel["figure"]).lstrip().startswith(b"<?xml") for panel in shown.page["panels"])
    assert shown.page["alignments"][0]["models"] == [0, 1]
    pairs = {pair["unit"]: pair["partner"] for pair in shown.page["alignments"][0]["pairs"]}
    assert pairs["l0.c.3"] == "l0.c.5"


def test_a_report_goes_where_a_path_goes_and_shows_itself(written: Report) -> None:
    assert Path(written) == written.path
    assert f"{len(TEXT):,} steps" in printed(written, 60)


def test_a_trace_gives_a_report_with_and_without_its_network(tmp_path: Path) -> None:
    trace = rnnscope.trace(latch(), TEXT[:400], tmp_path / "t.zarr")
    alone = decoded(report(tmp_path / "t.zarr", path=tmp_path / "alone.html").path)
    together = decoded(report(trace, path=tmp_path / "both.html", model=latch()).path)
    assert "network" in dict(together.page["models"][0]["card"])
    assert len(alone.page["panels"]) < len(together.page["panels"])
    assert alone.page["models"][0]["signals"] == together.page["models"][0]["signals"]
    assert (alone.values("l0.c") == together.values("l0.c")).all()


@pytest.mark.usefixtures("no_panels")
def test_traces_are_compared_as_networks_are(tmp_path: Path) -> None:
    first, second = (rnnscope.trace(latch(unit=unit), TEXT[:400], tmp_path / f"{unit}.zarr") for unit in (3, 5))
    of_networks = report(latch(), TEXT[:400], tmp_path / "n.html", compare=[latch(unit=5)])
    for compare in ([second], [tmp_path / "5.zarr"], [str(tmp_path / "5.zarr")]):
        shown = decoded(report(first, path=tmp_path / "t.html", compare=compare, force=True).path)
        assert shown.page["alignments"] == decoded(of_networks.path).page["alignments"]
        assert (shown.values("l0.c", 1) == decoded(of_networks.path).values("l0.c", 1)).all()
    for other in (TEXT[:399], [TEXT[:200], TEXT[200:400]], TEXT[1:401]):
        with pytest.raises(ReportError, match="do not read the same steps"):
            report(first, path=tmp_path / "r.html", compare=[rnnscope.trace(latch(unit=5), other)])
    assert not (tmp_path / "r.html").exists()


@pytest.mark.usefixtures("no_panels")
def test_concepts_that_cannot_be_searched_for_are_said(tmp_path: Path) -> None:
    concepts = [Quotes(), Nowhere(name="nowhere")]
    written = report(latch(), TEXT, tmp_path / "r.html", concepts=concepts)
    (said,) = [note for note in written.notes if note.startswith("Not searched for: nowhere ")]
    assert [each["name"] for each in decoded(written.path).page["models"][0]["concepts"]] == ["quotes"]
    assert said.endswith(".")


def test_a_trace_with_a_signal_without_values_has_a_report(tmp_path: Path) -> None:
    for signals in ("c", "f", "hcifgo"):
        trace = rnnscope.trace(latch(), TEXT)
        for signal in signals:
            trace.tree["l0"].dataset[signal].values[:] = np.nan
        written = report(trace, path=tmp_path / f"{signals}.html", concepts=[Quotes()])
        page = decoded(written.path).page
        found = [each["unit"] for each in page["models"][0]["concepts"]]
        assert found == ([] if len(signals) > 1 else ["l0.h.3"])
        titles = {panel["title"] for panel in page["panels"]}
        assert titles == (set() if len(signals) > 1 else {"Gate saturation", "Timescales of units"})


@pytest.mark.usefixtures("no_panels")
def test_a_trace_of_another_network_is_refused(tmp_path: Path) -> None:
    trace, other = rnnscope.trace(latch(), TEXT[:50]), random_network(7)
    name = r"CharLanguageModel \(sha256 \w{12}\.\.\.\)"
    with pytest.raises(ReportError, match=f"is of {name}, not of {name}"):
        report(trace, path=tmp_path / "r.html", model=other)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_panels")
def test_one_character_is_enough(tmp_path: Path) -> None:
    shown = decoded(report(latch(), "a", tmp_path / "r.html").path)
    assert shown.page["text"]["characters"] == "a"
    assert shown.values("l0.c").shape == (1, 8)
    assert (shown.numbers(shown.page["models"][0]["guess"]["blocks"]["places"], "<i2") == -1).all()


@pytest.mark.usefixtures("no_panels")
def test_streams_are_read_as_often_as_needed(tmp_path: Path) -> None:
    stream = File(io.BytesIO(TEXT[:300].encode()))
    shown = decoded(report(latch(), stream, tmp_path / "r.html", compare=[latch(unit=5)], limit=250).path)
    assert shown.page["text"]["characters"] == TEXT[:250]
    assert shown.page["notes"][0] == "Read: the first 250 of 300 characters."
    assert len(shown.page["models"]) == 2


@pytest.mark.usefixtures("no_panels")
def test_bad_input_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    trace = rnnscope.trace(latch(), TEXT[:50])
    for error, words, arguments in (
        (TextError, "The text is empty", {"source": latch(), "text": ""}),
        (ReportError, "report\\(network, text\\)", {"source": latch()}),
        (ReportError, "A trace has its text", {"source": trace, "text": "ab"}),
        (ReportError, "A trace has its text", {"source": trace, "limit": 3}),
        (ArgumentError, "above 0; got -1", {"source": trace, "size": -1.0}),
        (ArgumentError, "above 0; got nan", {"source": trace, "size": float("nan")}),
        (ArgumentError, "above 0; got inf", {"source": trace, "size": float("inf")}),
        (ArgumentError, "at least 1; got 0", {"source": latch(), "text": "ab", "limit": 0}),
        (ReportError, "MB without the values of units", {"source": trace, "size": 0.01}),
        (ReportError, "A panel shows a result", {"source": trace, "results": [3]}),
        (ReportError, "A network, a trace or the path of a trace was expected; got int", {"source": 3}),
        (ReportError, "model= is the network that a trace is of; got Trace", {"source": trace, "model": trace}),
        (ReportError, "A trace is no text to read", {"source": latch(), "text": trace}),
        (ReportError, "compare was expected to be a list, .*; got Trace", {"source": trace, "compare": trace}),
        (ConceptError, "Concept was expected, .*; got 'quotes'", {"source": trace, "concepts": ["quotes"]}),
        (AddressError, "3 is not an address", {"source": trace, "units": 3}),
        (ReportError, "results was expected to be a list", {"source": trace, "results": rnnscope.saturation(trace)}),
        (ArgumentError, "above 0; got 6 MB", {"source": trace, "size": "6 MB"}),
        (ArgumentError, "at least 1; got 3.5", {"source": latch(), "text": "ab", "limit": 3.5}),
        (ReportError, "path was expected to be str or Path; got int", {"source": trace, "path": 3}),
        (ReportError, "title was expected to be str or None; got int", {"source": trace, "title": 3}),
        (AddressError, "Units: 0 to 7", {"source": trace, "units": ["l0.c.8"]}),
        (AddressError, "whole signal l0.c", {"source": trace, "units": ["l0.c"]}),
        (rnnscope.RnnscopeError, "training mode", {"source": latch().train(), "text": "ab"}),
        (rnnscope.RnnscopeError, "There is no trace", {"source": tmp_path / "none.zarr"}),
        (OutputError, "no folder", {"source": trace, "path": tmp_path / "none" / "r.html"}),
    ):
        with pytest.raises(error, match=words):
            report(**{"path": path, **arguments})  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_panels")
def test_an_output_that_exists_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("mine")
    trace = rnnscope.trace(latch(), TEXT[:50])
    with pytest.raises(OutputError, match="r.html exists"):
        report(trace, path=path)
    assert path.read_text() == "mine"
    report(trace, path=path, force=True)
    assert path.stat().st_size > 1_000


@pytest.mark.usefixtures("no_panels")
def test_networks_of_other_tasks_cannot_be_compared(tmp_path: Path) -> None:
    spam = rnnscope.load(trained.path("spam-classifier"))
    with pytest.raises(ReportError, match="do not read the same steps"):
        report(spam, Document("d", "ab\ncd"), tmp_path / "r.html", compare=[_translator()])


def _translator() -> torch.nn.Module:
    return rnnscope.load(trained.path("german-translator"))


@pytest.mark.parametrize(
    ("name", "text", "what", "side"),
    [
        ("spam-classifier", "Win a phone!", "label", "l0.c"),
        ("names-classifier", "Tanaka", "label", "l0r.c"),
        ("pos-tagger", "We saw it.", "label", "rnn.l0r.c"),
        ("german-translator", "It is late.", "next character", "decoder.l0.c"),
        ("digit-captioner", np.zeros((1, 64), np.float32), "next character", "l0.c"),
        ("brent-forecaster", np.linspace(50, 60, 120), "value", "l0.c"),
        ("code-gru", "def f(x):\n    return x\n", "next character", "l0.h"),
        ("prose-rnn", "He said so.", "next character", "l0.h"),
    ],
)
def test_every_kind_of_network_has_a_report(tmp_path: Path, name: str, text: str, what: str, side: str) -> None:
    network = rnnscope.load(trained.path(name))
    trace = rnnscope.trace(network, text, tmp_path / "t.zarr")
    shown = decoded(report(network, text, tmp_path / "r.html", size=1.5).path)
    model = shown.page["models"][0]
    assert model["guess"]["what"] == what
    assert {signal["address"] for signal in model["signals"]} == set(map(str, trace.addresses))
    assert model["memory"] == str(trace.memory)
    values = trace[side].values
    assert np.nanmax(np.abs(shown.values(side) - values)) <= max(shown.signal(side)["steps"])
    assert (np.isnan(shown.values(side)) == np.isnan(values)).all()
    assert dict(model["card"])["task"] == network.task

"""The matching of spans against a search over all spans, and on series and texts whose nature is known."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

import rnnscope
from rnnscope import trained
from rnnscope.analysis import matching
from rnnscope.analysis.matching import match
from rnnscope.analysis.matching_result import Matches
from rnnscope.errors import AddressError, ArgumentError, TraceError
from rnnscope.text import codepoints
from rnnscope.tracing.trace import Trace
from tests.printing import printed

NUMBERS = ["document", "start", "stop", "step", "shared", "others", "length"]


def make_trace(values: np.ndarray, lengths: Sequence[int] = (), text: str = "", signal: str = "h") -> Trace:
    """A trace of values of shape (time, unit), in documents of some lengths."""
    steps, units = values.shape
    lengths = lengths or [steps]
    begins = np.cumsum([0, *lengths[:-1]])
    document = np.repeat(np.arange(len(lengths)), lengths)
    root = xr.Dataset(
        {
            "codepoint": ("time", codepoints(text or "abcdefghij"[:10] * (steps // 10 + 1))[:steps].astype("int32")),
            "document": ("time", document),
            "step": ("time", np.arange(steps) - begins[document]),
        },
        attrs={
            "signals": [f"l0.{signal}"],
            "memory": {"": signal},
            "documents": [f"part {n}" for n in range(len(lengths))],
        },
    )
    node = xr.Dataset({signal: (("time", "unit"), values.astype("float32"))}, coords={"unit": np.arange(units)})
    return Trace(xr.DataTree.from_dict({"/": root, "/l0": node}))


def noise(seed: int, steps: int, units: int, stay: float = 3.0) -> np.ndarray:
    """Units that hold one of three values, each for some steps."""
    random = np.random.default_rng(seed)
    fresh = random.random((steps, units)) < 1 / stay
    fresh[0] = True
    values = random.choice([-0.8, 0.1, 0.8], (steps, units))
    last = np.maximum.accumulate(np.where(fresh, np.arange(steps)[:, None], 0), axis=0)
    return np.take_along_axis(values, last, axis=0)


def every_span(trace: Trace, query: tuple[int, int], threshold: float, count: int) -> pd.DataFrame:
    """What `match` should find, by a look at all spans of all documents. Steps that are NaN are no steps."""
    values = trace["l0.h"].values
    states = (values > threshold).astype(int) - (values < -threshold)
    taken = np.asarray(~np.isnan(values).all(axis=1))

    def on(start: int, stop: int) -> set[tuple[int, int]]:
        """The (unit, sign) pairs on through a span."""
        rows = states[start:stop][taken[start:stop]]
        return {
            (unit, int(rows[0, unit])) for unit in range(rows.shape[1]) if rows[0, unit] and np.ptp(rows[:, unit]) == 0
        }

    wanted = on(*query)
    fewest = max(len(wanted) / 2, min(2, len(wanted)))
    spans = []
    for number in range(len(trace.documents)):
        whole = trace.steps_of(number)
        steps = [step for step in range(whole.start, whole.stop) if taken[step]]
        for place, first in enumerate(steps):
            for last in steps[place:]:
                through = on(first, last + 1)
                shared = through & wanted
                if len(shared) < fewest or (first < query[1] and last >= query[0]):
                    continue
                earlier, later = steps[:place][-1:], steps[steps.index(last) + 1 :][:1]
                longer = [(e, last + 1) for e in earlier] + [(first, s + 1) for s in later]
                if not any(on(*span) >= shared for span in longer):
                    others = len(through - wanted)
                    rank = (-len(shared), others, first - last, first)
                    spans.append(
                        (rank, (number, first, last + 1, first - whole.start, len(shared), others, last + 1 - first))
                    )
    chosen: list[tuple[int, ...]] = []
    for _, span in sorted(spans):
        if all(span[2] <= other[1] or span[1] >= other[2] for other in chosen):
            chosen.append(span)
    return pd.DataFrame(chosen[:count], columns=NUMBERS)


def a_query(trace: Trace, seed: int, longest: int = 4) -> tuple[int, int]:
    """A span through which some unit is on."""
    random = np.random.default_rng(seed)
    values = trace["l0.h"].values
    while True:
        start = int(random.integers(len(trace)))
        stop = start + int(random.integers(1, longest))
        inside = values[start:stop]
        inside = inside[~np.isnan(inside).any(axis=1)]
        one_document = stop <= len(trace) and np.ptp(trace["l0.h"]["document"].values[start:stop]) == 0
        if one_document and len(inside) and ((inside > 0.3).all(axis=0) | (inside < -0.3).all(axis=0)).any():
            return start, stop


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_match_finds_what_a_look_at_every_span_finds(seed: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    units = 2 + seed % 7
    monkeypatch.setattr(matching, "_VALUES", rows * units)
    values = noise(seed, 70, units, stay=2 + seed % 5)
    if seed % 3 == 0:
        values[np.random.default_rng(seed).random(70) < 0.3] = np.nan
    trace = make_trace(values, lengths=(1, 37, 2, 30) if seed % 2 else ())
    query = a_query(trace, seed)
    for count in (1000, 4, 1):
        expected = every_span(trace, query, 0.3, count)
        found = match(trace, query, count=count).table
        assert found[NUMBERS].to_numpy().tolist() == expected.to_numpy().tolist()
        assert len(found) == min(count, len(expected)) > 0


def planted(spans: Sequence[tuple[int, int]], steps: int = 400) -> np.ndarray:
    """A latch that is on in these spans, its mirror, one that never changes, and noise."""
    latch = np.zeros(steps)
    for start, stop in spans:
        latch[start:stop] = 1.0
    return np.column_stack([latch, -0.9 * latch, np.full(steps, 0.5), noise(0, steps, 3, stay=2)])


SPANS = [(20, 60), (100, 130), (190, 200), (300, 380)]


def test_a_latch_is_on_where_it_was_planted() -> None:
    trace = make_trace(planted(SPANS))
    found = match(trace, (105, 125), off_around=False)
    assert found.units["sign"].to_dict() == {"l0.h.0": 1, "l0.h.1": -1, "l0.h.2": 1}
    assert found.units["mean"].tolist() == pytest.approx([1.0, -0.9, 0.5])
    full = found.table[found.table["shared"] == 3]
    assert sorted(zip(full["start"], full["stop"], strict=True)) == [(20, 60), (190, 200), (300, 380)]
    assert full["start"].tolist()[0] == 300  # the longest, so that the fewest others are on through it
    assert found.table["text"].tolist() == [
        trace.text_between(a, b) for a, b in found.table[["start", "stop"]].to_numpy()
    ]


def test_units_that_are_on_around_the_span_can_be_left_out() -> None:
    trace = make_trace(planted(SPANS))
    found = match(trace, (100, 130), off_around=True)
    assert {"l0.h.0", "l0.h.1"} <= set(found.units.index)
    assert "l0.h.2" not in found.units.index
    for span in ((101, 130), (100, 129)):
        with pytest.raises(TraceError, match=r"No unit of l0\.h is on through all of the span and off next to it"):
            match(trace, span, off_around=True)


def test_nothing_stands_before_a_document_or_after_it() -> None:
    trace = make_trace(np.ones((30, 1)), lengths=(10, 10, 10))
    found = match(trace, (10, 20), off_around=True)
    assert found.table[["document", "start", "stop", "step"]].to_numpy().tolist() == [[0, 0, 10, 0], [2, 20, 30, 0]]
    with pytest.raises(TraceError, match="at any threshold"):
        match(trace, (10, 19), off_around=True)


def test_off_around_looks_at_the_nearest_steps_that_the_layer_takes() -> None:
    values = np.array([0.9, np.nan, 0.9, np.nan, np.nan, 0.0, 0.9, np.nan])[:, None]
    trace = make_trace(values)
    assert match(trace, (6, 8), off_around=True).table[["start", "stop"]].to_numpy().tolist() == [[0, 3]]
    with pytest.raises(TraceError, match="off next to it"):
        match(trace, (2, 5), off_around=True)
    with pytest.raises(TraceError, match=r"l0 takes no step in 3:5"):
        match(trace, (3, 5))


def test_spans_do_not_cross_into_another_document() -> None:
    trace = make_trace(planted([(20, 60), (90, 120)])[:, :3], lengths=(30, 70, 300))
    full = match(trace, (20, 28)).table.query("shared == 3").sort_values("start")
    expected = [[1, 30, 60, 0], [1, 90, 100, 60], [2, 100, 120, 0]]
    assert full[["document", "start", "stop", "step"]].to_numpy().tolist() == expected


def test_steps_may_be_counted_from_a_document() -> None:
    trace = make_trace(planted(SPANS), lengths=(90, 310))
    assert match(trace, (15, 30), document=1).span == (105, 120)
    pd.testing.assert_frame_equal(match(trace, (15, 30), document=1).table, match(trace, (105, 120)).table)


def test_a_cell_state_is_seen_through_tanh_and_nothing_else_is() -> None:
    values = np.arctanh(np.clip(planted(SPANS), -0.99, 0.99))
    cell = match(make_trace(values, signal="c"), (105, 125), threshold=0.4)
    hidden = match(make_trace(np.tanh(values)), (105, 125), threshold=0.4)
    pd.testing.assert_frame_equal(cell.table, hidden.table)
    assert cell.units["mean"].tolist() == pytest.approx(hidden.units["mean"].tolist())
    assert match(make_trace(planted(SPANS)), (105, 125), threshold=0.49).units.index.tolist()[-1] == "l0.h.2"
    assert "l0.h.2" not in match(make_trace(planted(SPANS)), (105, 125), threshold=0.5).units.index


def test_half_precision_and_a_choice_of_units_keep_their_names() -> None:
    trace = make_trace(planted(SPANS))
    node = trace.tree["l0"].to_dataset().isel(unit=[1, 0]).astype("float16")
    few = Trace(xr.DataTree.from_dict({"/": trace.tree.to_dataset(), "/l0": node}))
    found = match(few, (105, 125))
    assert found.units.index.tolist() == ["l0.h.0", "l0.h.1"]
    assert found.table.loc[found.table["shared"] == 2, "start"].tolist() == [300, 20, 190]


@pytest.fixture(scope="module")
def prose() -> Trace:
    path = trained.path("prose-lstm")
    return rnnscope.trace(rnnscope.load(path), path.with_name("demo.txt"), signals=["c", "h"])


def inside_quotes(text: str) -> np.ndarray:
    """Whether each character lies between two quotation marks; the page has no lone one."""
    quotes = np.array([character == '"' for character in text])
    return (quotes.cumsum() % 2 == 1) & ~quotes


def test_a_span_inside_quotation_marks_matches_others_inside(prose: Trace) -> None:
    inside = inside_quotes(prose.text)
    shares: dict[bool, list[float]] = {True: [], False: []}
    for speech in re.finditer(r'[^"]{60,}', prose.text):
        start, stop = speech.start() + 5, min(speech.start() + 100, speech.end() - 5)
        table = match(prose, (start, stop), threshold=0.2, count=10).table
        within = [inside[first:last].mean() for first, last in table[["start", "stop"]].to_numpy()]
        shares[bool(inside[start])].append(float(np.mean(within)))
    assert len(shares[True]) >= 4 and len(shares[False]) >= 4
    assert min(shares[True]) > 0.8
    assert max(shares[False]) < 0.5


def test_matches_print_their_units_and_spans_within_a_page(prose: Trace) -> None:
    start = prose.text.index("He left at noon")
    found = match(prose, (start, start + 20))
    page = printed(found)
    assert max(map(len, page.splitlines())) <= 80
    assert "⟨He left at noon with⟩" in page
    assert f"On through it, {len(found.units)} of 256 units:" in page
    for address, mean in found.units["mean"].items():
        assert f"{address} {mean:+.2f}" in page
    rows = re.findall(r"(\d+)/\d+ +(\d+) +(\d+) +([\d,]+)  ", page)
    assert [[int(cell.replace(",", "")) for cell in row] for row in rows] == found.table[
        ["shared", "others", "length", "step"]
    ].to_numpy().tolist()


def test_a_corpus_is_printed_as_it_is() -> None:
    text = "[bold]ab[/bold]\tcd\n" * 22
    trace = make_trace(planted(SPANS), lengths=(90, 310), text=text[:400])
    page = printed(match(trace, (105, 125)))
    assert "[bold]" in page and "⏎" in page and "→" in page and "\t" not in page
    assert "1  part 1" in page
    assert max(map(len, page.splitlines())) <= 80
    colours = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
    colours.print(match(trace, (105, 125)))
    written = colours.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "⟨" not in written and "\x1b[7m" in written


def test_only_the_strongest_of_many_units_are_listed() -> None:
    found = match(make_trace(noise(0, 60, 90)), (5, 6), threshold=0.05)
    assert len(found.units) == 90
    page = printed(found)
    assert "and 50 that are weaker" in page
    assert [address in page.split() for address in found.units.index] == [True] * 40 + [False] * 50


def test_that_nothing_else_matches_is_said() -> None:
    found = match(make_trace(planted([(20, 60)])[:, :2]), (25, 50))
    assert found.table.empty and list(found.table.columns) == [*NUMBERS, "text"]
    assert "There is no other span" in printed(found)
    assert isinstance(found, Matches)
    found.plot()


def test_a_plot_has_a_row_a_unit(prose: Trace) -> None:
    start = prose.text.index("He left at noon")
    found = match(prose, (start, start + 20), count=3)
    figure = plt.figure()
    axes = found.plot(figure.subplots())
    figure.canvas.draw()
    plt.close(figure)
    assert [label.get_text() for label in axes.get_yticklabels()] == found.units.index.tolist()
    first = [f"{step:,}" for step in (start, *found.table["start"])]
    assert [label.get_text() for label in axes.get_xticklabels()] == first
    values = np.ma.filled(np.ma.asarray(axes.collections[0].get_array()), np.nan)
    place = round(axes.get_xticks()[0])
    own = prose["l0.c"].sel(unit=found.units["unit"].tolist())[start : start + 20].values.T
    assert values[:, place : place + 20] == pytest.approx(np.tanh(own), abs=1e-6)


TRACE = make_trace(planted(SPANS), lengths=(90, 310))


@pytest.mark.parametrize(
    ("span", "options", "said"),
    [
        ((5, 5), {}, r"The trace has 400 steps; .* got 5:5"),
        ((9, 5), {}, r"0 <= START < STOP <= 400; got 9:5"),
        ((-3, 5), {}, r"got -3:5"),
        ((390, 401), {}, r"got 390:401"),
        ((300, 311), {"document": 1}, r"Document 1 has 310 steps; .* got 300:311"),
        ((0, 5), {"document": 2}, r"Documents go from 0 to 1; got 2"),
        ((80, 95), {}, r"beyond the end of document 0 at step 90.*80:90"),
        (("a", "b"), {}, r"two whole numbers.*got \('a', 'b'\)"),
        ((1.5, 3), {}, r"two whole numbers"),
        ((1, 2, 3), {}, r"two whole numbers"),
        (7, {}, r"two whole numbers.*got 7"),
        ((0, 5), {"threshold": -0.1}, r"l0\.h is at least 0; got -0\.1"),
        ((0, 5), {"threshold": float("nan")}, r"at least 0; got nan"),
        (
            (25, 50),
            {"threshold": 3.0},
            r"on through all of the span at threshold 3\. The highest at which one is: 0\.99",
        ),
    ],
)
def test_bad_input_gets_a_clear_error(span: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises((ArgumentError, TraceError), match=said):
        match(TRACE, span, **options)


def test_what_is_no_count_or_trace_is_refused() -> None:
    with pytest.raises(ArgumentError, match="count is a whole number of at least 1; got 0"):
        match(TRACE, (0, 5), count=0)
    with pytest.raises(TraceError, match="A trace was expected.*got str"):
        match("prose-lstm", (0, 5))  # pyright: ignore[reportArgumentType]


def test_thresholds_stay_within_the_range_of_a_gate_and_of_tanh() -> None:
    with pytest.raises(ArgumentError, match=r"tanh\(l0\.c\) is at least 0 and below 1; got 1"):
        match(make_trace(planted(SPANS), signal="c"), (25, 50), threshold=1)
    with pytest.raises(ArgumentError, match=r"of l0\.f is at least 0 and below 1; got 2"):
        match(make_trace(abs(planted(SPANS)), signal="f"), (25, 50), threshold=2)
    assert len(match(make_trace(3 * planted(SPANS)), (25, 50), threshold=2).units) == 2


def test_unknown_signals_name_those_that_exist() -> None:
    with pytest.raises(AddressError, match=r"no signal 'c' in l0. It has: h"):
        match(TRACE, (5, 9), "l0.c")
    with pytest.raises(AddressError, match=r"give l0\.h, not l0\.h\.3"):
        match(TRACE, (5, 9), "l0.h.3")


@pytest.mark.parametrize("signal", ["c", "h"])
@pytest.mark.parametrize("peak", [0.5, 0.27, 0.007, 0.99, 1e-5])
@pytest.mark.parametrize("before", [0.0, 0.9])
def test_the_threshold_that_an_error_names_helps(signal: str, peak: float, before: float) -> None:
    seen = np.full((30, 3), before * peak)
    seen[10:15, 1] = -peak
    seen[:10, 1] = -before * peak
    seen[15:, 1] = -before * peak
    trace = make_trace(np.arctanh(seen) if signal == "c" else seen, signal=signal)
    with pytest.raises(TraceError) as error:
        match(trace, (10, 15), threshold=0.995, off_around=True)
    highest = re.search(r"one is: ([\d.]+)\.$", str(error.value))
    assert highest
    found = match(trace, (10, 15), threshold=float(highest[1]), off_around=True)
    assert found.units.index.tolist() == [f"l0.{signal}.1"]
    with pytest.raises(TraceError):
        match(trace, (10, 15), threshold=float(highest[1]) + 10.0 ** -(len(highest[1]) - 2), off_around=True)


def test_a_span_without_any_unit_that_keeps_its_sign() -> None:
    trace = make_trace(np.tile([0.5, -0.5], 10)[:, None])
    with pytest.raises(TraceError, match=r"at any threshold\. Give a shorter span"):
        match(trace, (0, 4))


def test_a_trace_on_disk_is_matched_as_one_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prose: Trace
) -> None:
    model = rnnscope.load(trained.path("prose-lstm"))
    stored = rnnscope.trace(model, prose.text, tmp_path / "t.zarr", signals=["c"])
    monkeypatch.setattr(matching, "_VALUES", 256 * 100)
    span = (500, 520)
    pd.testing.assert_frame_equal(match(stored, span).table, match(prose, span).table)

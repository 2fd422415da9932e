"""Responses against plain loops over the text, and on a latch whose responses are known."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnscope
from rnnscope.analysis import unit_series
from rnnscope.analysis.responses import responses, signal_responses
from rnnscope.errors import AddressError, TextError
from rnnscope.text import codepoints
from tests import handmade
from tests.printing import printed

RANDOM = np.random.default_rng(0)
TEXT = "".join(RANDOM.choice(list("ab \n"), 600))
DOCUMENT = np.repeat([0, 1, 2, 3], [200, 1, 199, 200])


def of(values: np.ndarray, document: np.ndarray | None = None, text: str = TEXT) -> xr.DataArray:
    coordinates = {"codepoint": ("time", codepoints(text))}
    if document is not None:
        coordinates["document"] = ("time", document)
    return xr.DataArray(values.astype("float32"), dims="time", coords=coordinates, name="l0.h.3")


def by_loop(values: np.ndarray, text: str, document: np.ndarray) -> dict[str, tuple[list[float], list[float]]]:
    """Of each n-gram the changes at it, and the values after it."""
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for step in range(len(text)):
        before = [s for s in range(step) if document[s] == document[step] and not np.isnan(values[s])]
        if np.isnan(values[step]) or not before:
            continue
        for length in (1, 2, 3):
            first = step - length + 1
            if first >= 0 and document[first] == document[step]:
                changes, after = found[text[first : step + 1]]
                changes.append(values[step] - values[before[-1]])
                after.append(values[step])
    return found


@pytest.mark.parametrize("gaps", [False, True])
def test_the_table_is_that_of_a_loop_over_the_documents(gaps: bool) -> None:
    values = RANDOM.normal(size=600).astype("float32").astype(float)
    values[np.arange(600) % 3 == 1] = np.nan if gaps else 0.5
    expected = {n: both for n, both in by_loop(values, TEXT, DOCUMENT).items() if len(both[0]) >= 4}
    result = responses(of(values, DOCUMENT), fewest=4)
    table = result.table.set_index("ngram")
    assert set(table.index) == set(expected)
    assert result.deviation == pytest.approx(np.nanstd(values), rel=1e-5)
    for ngram, (changes, after) in expected.items():
        row = table.loc[ngram]
        assert row["count"] == len(changes)
        assert row["response"] == pytest.approx(np.mean(changes), abs=1e-6)
        assert row["error"] == pytest.approx(np.std(changes, ddof=1) / np.sqrt(len(changes)), rel=1e-5)
        assert row["value"] == pytest.approx(np.mean(after), abs=1e-6)
        assert row["effect"] == pytest.approx(np.mean(changes) / np.nanstd(values), abs=1e-6)
    assert table["effect"].abs().is_monotonic_decreasing


def test_noise_responds_to_little() -> None:
    values = np.random.default_rng(5).normal(size=600)
    assert len(responses(of(values)).table.query("distinct")) <= 1


def test_the_shortest_ngram_that_explains_is_listed() -> None:
    after_a = np.cumsum(np.where(np.array(list(TEXT)) == "a", 1.0, -1 / 3))
    result = responses(of(after_a))
    assert "ba" in set(result.table["ngram"])
    assert set(result.table.query("distinct")["ngram"]) <= {"a", "b", " ", "\n"}
    pair = np.array([TEXT[max(0, step - 1) : step + 1] == "ba" for step in range(600)])
    both = responses(of(np.cumsum(pair - pair.mean())))
    assert both.table.query("distinct").iloc[0]["ngram"] == "ba"
    assert both.table.query("distinct and ngram in ['bba', 'aba', ' ba']").empty


def test_what_raises_and_lowers_a_latch() -> None:
    text = handmade.dialogue(np.random.default_rng(0), 6000)
    trace = rnnscope.trace(handmade.latch(), text)
    result = responses(trace["l0.c.3"])
    on, off = result.on(5), result.off(5)
    assert on.iloc[0]["ngram"] == ':"' and off.iloc[0]["ngram"] == '."'
    assert on.iloc[0]["response"] == pytest.approx(2.0, abs=0.1)
    assert off.iloc[0]["response"] == pytest.approx(-2.0, abs=0.1)
    assert all('"' in ngram for ngram in (*on["ngram"], *off["ngram"]))


@pytest.mark.parametrize("values", [np.full(600, 0.25), np.r_[0.5, np.full(599, np.nan)]])
def test_a_unit_that_never_changes_responds_to_nothing(values: np.ndarray) -> None:
    result = responses(of(values))
    assert result.on(5).empty and result.off(5).empty
    assert printed(result).split() == "raised by: nothing lowered by: nothing".split()


def test_a_trace_on_disk_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_series, "_SLICE", 7)
    texts = [handmade.dialogue(np.random.default_rng(seed), 300) for seed in range(3)]
    stored = rnnscope.trace(handmade.latch(), texts, tmp_path / "t.zarr")
    held = rnnscope.trace(handmade.latch(), texts)
    first, second = (responses(trace["l0.c.2"], fewest=5).table for trace in (stored, held))
    assert len(first) > 10
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("text", ["a", "ab"])
def test_a_short_text_is_enough_not_to_fail(text: str) -> None:
    assert responses(of(np.linspace(0, 1, len(text)), text=text)).table.empty


def test_a_series_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TextError, match=r"l0\.h\.3 does not say what was read"):
        responses(of(np.zeros(600)).drop_vars("codepoint"))
    with pytest.raises(TextError, match=r"l0\.h\.3 has no value in these 600 steps"):
        responses(of(np.full(600, np.nan)))
    signal = xr.DataArray(np.zeros((3, 2)), dims=("time", "unit"), name="l0.h")
    with pytest.raises(AddressError, match="One unit was expected"):
        responses(signal)
    with pytest.raises(AddressError, match="got ndarray"):
        responses(np.zeros(3))  # pyright: ignore[reportArgumentType]


def test_it_prints_both_sides_and_plots_them() -> None:
    text = handmade.dialogue(np.random.default_rng(0), 3000)
    trace = rnnscope.trace(handmade.latch(), text)
    result = responses(trace["l0.c.3"])
    page = printed(result)
    assert ':"' in page and "raised by" in page and "lowered by" in page
    axes = result.plot()
    bars = [patch.get_width() for patch in axes.patches if patch.get_width()]  # pyright: ignore[reportAttributeAccessIssue]
    listed = pd.concat([result.on(10), result.off(10)])
    assert sorted(bars) == pytest.approx(sorted(listed["effect"]))


def test_a_layer_that_reads_from_the_end_responds_to_what_it_reads() -> None:
    values = RANDOM.normal(size=600)
    forward = responses(of(values, DOCUMENT), fewest=4).table
    reverse = responses(of(values, DOCUMENT)[::-1].rename("l0r.h.3"), fewest=4).table
    pd.testing.assert_frame_equal(reverse, forward.assign(ngram=forward["ngram"].str[::-1]))


@pytest.mark.parametrize("reverse", [False, True])
def test_all_units_of_a_signal_at_once_are_each_unit_alone(reverse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_series, "_VALUES", 2_000)  # three units at a time
    values = np.random.default_rng(7).normal(size=(600, 7)).cumsum(axis=0).astype("float32")
    values[:, 4] = 0.25
    values[::5] = np.nan
    name = "l0r.h" if reverse else "l0.h"
    coordinates = {"document": ("time", DOCUMENT), "codepoint": ("time", codepoints(TEXT)), "unit": np.arange(10, 17)}
    signal = xr.DataArray(values, dims=("time", "unit"), coords=coordinates, name=name)
    many = signal_responses(signal, fewest=4)
    assert many.units == tuple(f"{name}.{unit}" for unit in range(10, 17))
    on, off = many.on(3), many.off(3)
    for place, address in enumerate(many.units):
        alone, among = responses(signal[:, place].rename(address), fewest=4), many.of(place)
        assert among.address == alone.address and among.deviation == pytest.approx(alone.deviation)
        pd.testing.assert_frame_equal(among.table, alone.table)
        for rows, side in ((on, alone.on(3)), (off, alone.off(3))):
            own = rows[rows["unit"] == place]
            assert own["ngram"].tolist() == side["ngram"].tolist()
            assert own["count"].tolist() == side["count"].tolist()
            assert own["effect"].tolist() == pytest.approx(side["effect"].tolist())
    with pytest.raises(AddressError, match="All units of a signal"):
        signal_responses(signal[:, 0])

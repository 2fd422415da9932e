"""The cards of all units against those of one unit at a time, and the ranking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import rnnscope
from rnnscope.errors import AddressError
from rnnscope.reports.html.cards import unit_cards, unit_measures
from rnnscope.text import codepoints
from tests import handmade

TEXT = handmade.dialogue(np.random.default_rng(0), 3000)
EMPTY = {"on": [], "off": [], "highest": [], "lowest": []}


def signal(values: np.ndarray) -> xr.DataArray:
    there = {"unit": np.arange(values.shape[1]), "codepoint": ("time", codepoints(TEXT[: len(values)]))}
    return xr.DataArray(values.astype("float32"), dims=("time", "unit"), coords=there, name="l0.h")


def test_each_card_says_what_the_unit_alone_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnscope.reports.html.cards._UNITS", 3)
    trace = rnnscope.trace(handmade.latch(), TEXT)
    cards = unit_cards(trace["l0.c"])
    assert len(cards) == 8 and json.loads(json.dumps(cards, allow_nan=False)) == cards
    for unit, card in enumerate(cards):
        series = trace[f"l0.c.{unit}"]
        alone = rnnscope.responses(series, fewest=6)
        for name, rows in (("on", alone.on(6)), ("off", alone.off(6))):
            assert [(n, c) for n, _, c in card[name]] == list(zip(rows["ngram"], rows["count"], strict=True))
            assert [effect for _, effect, _ in card[name]] == pytest.approx(rows["effect"].tolist(), rel=1e-3)
        places = rnnscope.top_contexts(series, count=5)
        for name, rows in (("highest", places.highest), ("lowest", places.lowest)):
            assert [step for step, _ in card[name]] == rows["step"].tolist()
            assert [value for _, value in card[name]] == pytest.approx(rows["value"].tolist(), rel=1e-3)
    assert cards[3]["on"][0][0] == ':"' and cards[3]["off"][0][0] == '."'
    assert unit_cards(trace["l0.c"], [5, 3]) == [cards[5], cards[3]]


def test_measures_are_those_of_the_ranking_of_all_units() -> None:
    trace = rnnscope.trace(handmade.counter(), TEXT)
    table = rnnscope.rank_units(trace["l0.c"]).table.set_index("unit")
    measures = unit_measures(trace["l0.c"])
    for name, values in measures.items():
        for unit, value in enumerate(values):
            known = table.loc[unit, name]
            assert value == known if isinstance(value, str) else value == pytest.approx(known, rel=1e-3)
    assert measures["kind"][3] == "counter" and measures["event"][3] == "\n"
    assert json.dumps(measures, allow_nan=False)


def test_a_trace_on_disk_gives_the_same_and_stays_as_it_is(tmp_path: Path) -> None:
    stored = rnnscope.trace(handmade.latch(), TEXT[:600], tmp_path / "t.zarr")
    held = rnnscope.trace(handmade.latch(), TEXT[:600])
    for trace in (stored, held):
        assert unit_cards(trace["l0.h"]) == unit_cards(held["l0.h"])
        assert unit_measures(trace["l0.h"]) == unit_measures(held["l0.h"])


def test_units_with_gaps_are_told_from_the_rest_and_those_without_values_are_empty() -> None:
    values = np.random.default_rng(1).normal(size=(400, 4))
    values[7, 1], values[9, 2], values[:, 3] = np.nan, np.inf, np.nan
    series = signal(values)
    cards, measures = unit_cards(series), unit_measures(series)
    assert cards[3] == EMPTY and all(column[3] is None for column in measures.values())
    gap = values[:, 2].copy()
    gap[9] = np.nan
    for unit, alone in ((0, values[:, 0]), (1, values[:, 1]), (2, gap)):
        column = signal(alone[:, None])
        assert cards[unit] == unit_cards(column)[0]
        assert [told[unit] for told in measures.values()] == [told[0] for told in unit_measures(column).values()]
        assert cards[unit]["highest"][0][0] == np.nanargmax(alone)
    assert np.isinf(series.values).sum() == 1
    nothing = signal(np.full((50, 2), np.nan))
    assert unit_cards(nothing) == [EMPTY, EMPTY]
    assert unit_measures(nothing)["switch"] == [None, None]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_short_text_has_cards_with_little_on_them(steps: int) -> None:
    series = signal(np.linspace(0, 1, steps)[:, None])
    assert unit_cards(series)[0]["on"] == []
    assert unit_measures(series)["timescale"] == [None]


def test_a_unit_that_never_changes_has_no_places() -> None:
    assert unit_cards(signal(np.full((60, 1), 0.25))) == [EMPTY]


def test_what_is_no_signal_is_refused() -> None:
    series = signal(np.zeros((60, 2)))
    for made in (unit_cards, unit_measures):
        with pytest.raises(AddressError, match="All units of a signal"):
            made(series[:, 0])

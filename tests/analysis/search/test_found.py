"""What a search has found: saved, sorted, ranked, drawn and printed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import rnnscope
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.errors import ConceptError, OutputError
from tests.analysis.search.concepts import CONCEPTS, TEXT
from tests.handmade import random_network
from tests.printing import printed


@pytest.fixture(scope="module")
def found() -> FoundUnits:
    return rnnscope.find_units(random_network(0), TEXT, CONCEPTS)


def test_the_table_is_saved_and_read_again(found: FoundUnits, tmp_path: Any) -> None:
    for name, read in (("units.csv", pd.read_csv), ("units.parquet", pd.read_parquet)):
        again = read(found.save(tmp_path / name))
        again = again.set_index("concept") if "concept" in again else again
        pd.testing.assert_frame_equal(again, found.table, check_dtype=False)
    with pytest.raises(OutputError, match=r"\.csv or \.parquet"):
        found.save(tmp_path / "units.xlsx")


def test_rows_are_sorted(found: FoundUnits) -> None:
    assert list(found.sorted("concept").table.index) == ["class", "line-position", "quotes"]
    rows = found.sorted("score").table.to_dict("records")
    told = [abs(2 * row["score"] - 1 if row["kind"] == "flag" else row["score"]) for row in rows]
    assert told == sorted(told, reverse=True)
    with pytest.raises(ConceptError, match="no column 'size'"):
        found.sorted("size")


def test_a_picture_shows_every_concept_and_its_best_unit(found: FoundUnits) -> None:
    axes = found.plot(units=5)
    assert {label.get_text() for label in axes.get_yticklabels()} == {concept.name for concept in CONCEPTS}
    units = [label.get_text() for label in axes.get_xticklabels()]
    assert set(found.table["unit"]) <= set(units) and len(set(units)) == len(units)


def test_a_ranking_is_of_a_concept_that_was_searched_for(found: FoundUnits) -> None:
    assert len(found.ranking("class")) == 48
    assert list(found.ranking("quotes", "c").index) == [u for u in found.ranking("quotes").index if ".c." in u]
    best = found.table.loc["quotes"]
    assert found.ranking("quotes").loc[best["unit"], "iou"] == best["iou"]
    with pytest.raises(ConceptError, match="'nothing' was not searched for"):
        found.ranking("nothing")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_card_fits_the_terminal(found: FoundUnits, width: int) -> None:
    text = printed(found, width)
    assert "quotes" in text and max(map(len, text.splitlines())) <= width

"""Series in the order of time, from files that may not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.corpora.series import Series, open_series
from rnnscope.errors import ArgumentError, TextError

DAYS = "day,price,volume\n2024-01-01,5,1\n2024-01-02,5.5,2\n2024-01-04,,3\n2024-01-05,-1e1,4\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "prices.csv"
    path.write_text(text)
    return path


def series_of(length: int) -> Series:
    return Series(np.arange(length, dtype=float), (), "points", name="count")


@given(st.integers(3, 500), st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (1 / 3, 1 / 3, 1 / 3)]))
def test_the_parts_follow_each_other_in_time(length: int, fractions: tuple[float, ...]) -> None:
    try:
        parts = series_of(length).split(fractions)
    except TextError:
        assert min(fractions) * length < 2
        return
    together = np.concatenate([series_of(length).values[place] for place in parts.values()])
    np.testing.assert_array_equal(together, np.arange(length))
    for place, fraction in zip(parts.values(), fractions, strict=True):
        assert abs(place.stop - place.start - fraction * length) <= 1


def test_a_part_without_a_value_is_refused() -> None:
    with pytest.raises(TextError, match="The validation part has none of the 4 values"):
        series_of(4).split((0.8, 0.1, 0.1))
    with pytest.raises(ArgumentError, match="three shares"):
        series_of(9).split((0.8, 0.1))


def test_a_file_gives_a_column_with_its_dates_and_leaves_out_what_is_missing(tmp_path: Path) -> None:
    series = open_series(path=write(tmp_path, DAYS), column="price", date="day")
    np.testing.assert_array_equal(series.values, [5, 5.5, -10])
    assert series.dates == ("2024-01-01", "2024-01-02", "2024-01-05")
    assert series.remarks == ("1 of 4 rows have no price and were left out.",)
    assert (series.name, series.licence) == ("prices.csv", "unknown")


def test_the_only_column_needs_no_name(tmp_path: Path) -> None:
    series = open_series(path=write(tmp_path, "price\n3\n1\n"))
    np.testing.assert_array_equal(series.values, [3, 1])
    assert series.dates == () and "taken to be in the order of time" in series.remarks[0]
    dated = open_series(path=write(tmp_path, "day,price\n2024-01-01,3\n"), date="day")
    np.testing.assert_array_equal(dated.values, [3])


def test_hours_and_time_zones_are_compared_as_times(tmp_path: Path) -> None:
    text = "t,price\n2024-01-01T09:00:00+02:00,3\n2024-01-01T08:00:00,1\n2024-01-01T09:00:00Z,2\n"
    assert len(open_series(path=write(tmp_path, text), date="t")) == 3


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (DAYS, {"date": "day"}, "several columns: day, price, volume. Name the one of values as column"),
        (DAYS, {"column": "Price"}, "no column 'Price'"),
        (DAYS, {"column": "price", "date": "Date"}, "no column 'Date'"),
        (DAYS, {"column": "day"}, "line 2: the column day must hold finite numbers"),
        (DAYS, {"column": "price", "date": "volume"}, "line 2: the column volume must hold dates.*got '1'"),
        (DAYS.replace("01-02", "13-02"), {"column": "price", "date": "day"}, "line 3: the column day must hold dates"),
        (DAYS.replace("01-02", "01-09"), {"column": "price", "date": "day"}, "line 4: 2024-01-04 does not come after"),
        (DAYS.replace("01-02", "01-01"), {"column": "price", "date": "day"}, "line 3: .*keep one row a date"),
        (DAYS, {"name": "brent"}, "one of the two"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TextError, match=words):
        open_series(path=write(tmp_path, text), **options)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(TextError, match="no series 'gold'. Known: brent, vix"):
        open_series("gold")
    with pytest.raises(TextError, match="for a file of yours only"):
        open_series("vix", column="OPEN")


@pytest.mark.parametrize(("name", "length", "first"), [("brent", 9958, 18.63), ("vix", 9235, 17.24)])
def test_the_named_series_are_prices_in_the_order_of_time(
    corpora: Path, monkeypatch: pytest.MonkeyPatch, name: str, length: int, first: float
) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    series = open_series(name)
    assert len(series) == len(series.dates) == length
    assert series.values[0] == first and series.values.min() > 0
    assert series.dates == tuple(sorted(series.dates)) and series.remarks == ()

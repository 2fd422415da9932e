"""CSV files: what is read, and the line of what is wrong."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.corpora.tables import read_table
from rnnscope.errors import TextError

FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8).map(str.strip)


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


@given(rows=st.lists(st.tuples(FIELDS.filter(bool), FIELDS), min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("first", "second, with comma"), *rows])
    table = read_table(path)
    assert table.columns == ("first", "second, with comma")
    assert table.rows == tuple(rows)


def test_numbers_may_be_missing_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b\n1, 2.5 \n\n-3e2,NaN\n,.\n4,n/a\n"))
    assert table.lines == (2, 4, 5, 6)
    np.testing.assert_array_equal(table.numbers("a"), [1, -300, math.nan, 4])
    np.testing.assert_array_equal(table.numbers("b"), [2.5, math.nan, math.nan, math.nan])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "at least one row below it; got 1 lines"),
        ("a,b\n1,2\n3\n", "line 3: 2 fields are expected, as in the header; got 1"),
        ("a,b\n1,2,5\n", "line 2: 2 fields are expected, as in the header; got 3"),
        ("a,a\n1,2\n", "names the column 'a' more than once"),
        ('a,b\n1,"2\n', "line 2: not a CSV file"),
        ('a,b\n1,"2"3\n', "line 2: not a CSV file"),
    ],
)
def test_another_shape_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TextError, match=words):
        read_table(write(tmp_path, text))


@pytest.mark.parametrize("field", ["twelve", "1 234", "inf", "-Infinity", "1e999", "0x1f", '"1,234.5"'])
def test_what_is_no_number_is_refused_with_its_line(tmp_path: Path, field: str) -> None:
    table = read_table(write(tmp_path, f"a,b\n1,2\n\n1,{field}\n"))
    with pytest.raises(TextError, match="line 4: the column b must hold finite numbers"):
        table.numbers("b")


def test_an_unknown_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="no column 'Price'. Its columns: Date, price"):
        read_table(write(tmp_path, "Date,price\n1,2\n")).column("Price")

"""What an attribution shows: words, a table, a text in colours or with bars, a picture."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from rnnscope.analysis.attribution.result import Attribution
from rnnscope.analysis.attribution.words import word_starts

TEXT = 'He said:  "don\'t\n[b]go[/b]" $x_1'
SCORES = np.linspace(-1, 2, len(TEXT))


def attribution(text: str = TEXT, scores: np.ndarray = SCORES, **changes: object) -> Attribution:
    found = Attribution(
        scores=scores,
        characters=tuple(text),
        starts=word_starts(text, len(text)),
        by_word=False,
        target="logit of yes",
        method="integrated-gradients",
        how="32 steps",
        baseline="a text of spaces",
        value=3.0,
        difference=float(scores.sum()) * 1.005,
        complete=True,
    )
    return replace(found, **changes)  # pyright: ignore[reportArgumentType]


def printed(found: Attribution, width: int = 80, **options: object) -> str:
    console = Console(width=width, file=io.StringIO(), **options)  # pyright: ignore[reportArgumentType]
    console.print(found)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_words_make_up_the_text_and_their_scores_add_up() -> None:
    words: Any = attribution().words
    assert words["word"].tolist() == [
        "He ", "said", ":  ", '"', "don't\n", "[", "b", "]", "go", "[", "/", "b", "]", '" ', "$", "x_1",
    ]  # fmt: skip
    assert "".join(words["word"]) == TEXT
    assert words["score"].sum() == pytest.approx(SCORES.sum())
    assert words["score"][0] == pytest.approx(SCORES[:3].sum())
    assert attribution("  a", np.ones(3)).words["step"].tolist() == [0, 2]


def test_the_table_has_a_row_a_character() -> None:
    table: Any = attribution().table
    assert table.index.name == "step"
    assert "".join(table["character"]) == TEXT
    np.testing.assert_array_equal(table["score"], SCORES)


def test_the_gap_is_a_share_of_the_difference_and_of_nothing_where_none_is_promised() -> None:
    assert attribution().gap == pytest.approx(0.005 / 1.005)
    assert np.isnan(attribution(complete=False).gap)
    assert np.isnan(attribution(difference=0.0).gap)


def test_where_the_baseline_gives_the_same_value_the_result_says_that_nothing_is_told() -> None:
    for difference in (0.0, 1e-7):
        shown = " ".join(printed(attribution(difference=difference)).split())
        assert "Beside them the baseline gives the same value: nothing is told." in shown
        assert "gap" not in shown
    balanced = attribution(scores=SCORES - SCORES.mean() + 1e-4, difference=1e-4 * len(SCORES))
    for told in (attribution(), balanced):
        assert "nothing is told" not in printed(told)


def test_a_gap_is_closed_by_more_of_what_the_method_takes() -> None:
    for how in ("32 steps", "512 samples"):
        shown = " ".join(printed(attribution(how=how, difference=20.0)).split())
        assert f"Above 1 %: take more {how.split()[1]} (steps= in Python), or another method." in shown


def test_a_space_can_be_seen_in_the_card() -> None:
    shown = printed(attribution("a  b", np.array([0.0, 3.0, 0.0, 0.0])), color_system=None)
    assert ["1", "·", "+3.0000"] in [line.split() for line in shown.splitlines()]


def test_of_a_long_word_the_score_is_not_cut() -> None:
    assert "+100.0000" in printed(attribution("a" * 100, np.ones(100), by_word=True), 40)


def test_without_colours_the_text_stands_over_bars_and_signs() -> None:
    shown = printed(attribution(), color_system=None)
    assert "completeness gap 0.50%" in shown
    lines = shown.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("He said"))
    assert lines[place] == "He said:  \"don't⏎"
    assert lines[place + 2].startswith("-------")
    assert lines[place + 3] == '[b]go[/b]" $x_1'
    assert lines[place + 4].endswith("█")
    assert "+2.0000" in shown
    assert "\x1b" not in shown


def test_with_colours_each_character_has_its_own() -> None:
    shown = printed(attribution(), color_system="truecolor", force_terminal=True)
    assert "48;2;127;59;8m1" in shown  # the end of the scale
    assert "▁" not in shown
    plain = printed(attribution(), color_system="truecolor", force_terminal=True, no_color=True)
    assert "48;2" not in plain
    assert "█" in plain


def test_by_words_the_words_are_shown_and_tokens_without_characters_are_set_apart() -> None:
    shown = printed(attribution(by_word=True), color_system=None)
    assert "don't⏎" in shown.partition("word ")[2]
    np.testing.assert_allclose(attribution(by_word=True).shades[:3], [SCORES[:3].sum()] * 3)
    tokens = attribution(characters=("12", "7", "12"), scores=np.array([1.0, 0, -1]), starts=np.arange(3))
    assert "12 7 12" in printed(tokens, color_system=None)
    assert len(tokens.plot().texts) == 3


@pytest.mark.parametrize("width", [20, 80, 200])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    wide = attribution("字" * 150 + "a" * 150, np.ones(300))
    for options in ({"color_system": None}, {"color_system": "truecolor", "force_terminal": True}):
        for found in (wide, replace(wide, by_word=True)):
            assert max(Text.from_ansi(line).cell_len for line in printed(found, width, **options).splitlines()) <= width


def test_the_picture_has_the_characters_on_coloured_cells() -> None:
    axes = attribution().plot()
    assert [text.get_text() for text in axes.texts][:4] == list("He s")
    assert axes.get_title() == "logit of yes, by integrated-gradients"
    cells = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(cells[np.isfinite(cells)], SCORES)
    own = Figure().subplots()
    assert attribution().plot(own) is own
    own.figure.savefig(io.BytesIO())  # pyright: ignore[reportAttributeAccessIssue]


def test_of_a_long_text_the_picture_shows_where_the_largest_score_is() -> None:
    text, scores = "ab " * 3000, np.zeros(9000)
    scores[7000] = -2
    axes = attribution(text, scores).plot()
    assert len(axes.texts) < 64 * 25
    assert np.nanmin(axes.images[0].get_array()) == -2  # pyright: ignore[reportArgumentType, reportCallIssue]
    first, drawn = int(axes.get_yticklabels()[0].get_text()), len(axes.texts)
    assert axes.get_xlabel() == f"steps {first:,} to {first + drawn - 1:,} of 9,000: about the largest score"
    assert attribution().plot().get_xlabel() == "text"


def test_a_text_without_any_score_can_be_shown() -> None:
    found = attribution("abc", np.zeros(3), difference=0.0)
    assert "The scores add up to +0.000." in " ".join(printed(found).split())
    assert "nothing is told" in " ".join(printed(found).split())
    found.plot()

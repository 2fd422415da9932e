"""Lines of a page: every character once, in order, and none beyond the edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnscope.lines import folded, lines
from rnnscope.text import visible

ODD = "ab \n\t\x1b\u0301\u200b日本\U0001f600\ud800"
TEXTS = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=()))


def shown(text: str, width: int) -> list[str]:
    return ["".join(character for _, character in line) for line in lines(text, width)]


@given(TEXTS, st.integers(1, 12))
def test_no_character_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    page = list(lines(text, width))
    assert [step for line in page for step, _ in line] == list(range(len(text)))
    for line in page:
        sizes = [cell_len(character) or 1 for _, character in line]
        assert line
        assert sum(sizes) <= width or len(line) == 1
        assert all(len(character) == 1 and character.isprintable() for _, character in line)


@given(TEXTS, st.integers(1, 12))
def test_a_line_ends_only_after_a_newline_or_at_the_edge(text: str, width: int) -> None:
    page = list(lines(text, width))
    for line, following in zip(page, page[1:], strict=False):
        used = sum(cell_len(character) or 1 for _, character in line)
        assert text[line[-1][0]] == "\n" or used + (cell_len(following[0][1]) or 1) > width
        assert all(text[step] != "\n" for step, _ in line[:-1])


@given(TEXTS, st.integers(1, 12), st.sets(st.integers(0, 20)))
def test_a_document_begins_a_line(text: str, width: int, starts: set[int]) -> None:
    page = list(lines(text, width, starts))
    assert [step for line in page for step, _ in line] == list(range(len(text)))
    assert {step for line in page for step, _ in line[1:]}.isdisjoint(starts)


@pytest.mark.parametrize(
    ("text", "width", "page"),
    [
        ("", 4, []),
        ("abcdef", 4, ["abcd", "ef"]),
        ("ab\ncd", 4, ["ab⏎", "cd"]),
        ("ab\n\n", 4, ["ab⏎", "⏎"]),
        ("abcd\ne", 4, ["abcd", "⏎", "e"]),
        ("a b\t", 4, ["a b→"]),
        ("日本語", 4, ["日本", "語"]),
        ("a日本", 4, ["a日", "本"]),
        ("日本", 1, ["日", "本"]),
        ("a\x1b[0m", 8, [f"a{visible(chr(27))}[0m"]),
    ],
)
def test_a_text_is_cut_into_lines(text: str, width: int, page: list[str]) -> None:
    assert shown(text, width) == page


def test_words_stay_whole_where_a_line_is_broken_at_spaces() -> None:
    text = "one two three\nfour fivesixseveneight"
    page = folded(text, [1] * len(text), 10)
    assert [text[line.start : line.stop] for line in page] == ["one two ", "three\n", "four fives", "ixseveneig", "ht"]

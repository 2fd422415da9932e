"""Labelled texts: tables and folders of any shape, duplicates, parts, and the named collections."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.corpora.labelled import (
    LabelledCorpus,
    LabelledText,
    key_of,
    open_labelled,
    read_folder,
    read_labelled,
)
from rnnscope.errors import TextError

SHARES = (0.8, 0.1, 0.1)
EXAMPLES = st.lists(
    st.builds(LabelledText, st.text("aAbB \t", min_size=1, max_size=4), st.sampled_from(["x", "y", "z"])), max_size=40
)


def corpus_of(*pairs: tuple[str, str]) -> LabelledCorpus:
    return LabelledCorpus(tuple(LabelledText(text, label) for text, label in pairs), name="test")


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bare.tsv", "up\trise now\ndown\tfall, now\nup\tsoar\n"),
        ("bare.csv", 'up,rise now\ndown,"fall, now"\nup,soar\n'),
        ("headed.tsv", "id\ttext\tlabel\n1\trise now\tup\n2\tfall, now\tdown\n3\tsoar\tup\n"),
        ("headed.csv", 'label,"text"\r\nup,rise now\r\ndown,"fall, now"\r\n\r\nup,soar'),
    ],
)
def test_a_table_is_read_with_a_header_or_without(tmp_path: Path, name: str, content: str) -> None:
    corpus = read_labelled(write(tmp_path / name, content))
    assert [(e.text, e.label) for e in corpus.examples] == [("rise now", "up"), ("fall, now", "down"), ("soar", "up")]
    assert corpus.name == name
    assert [remark for remark in corpus.remarks if "no header" in remark] == list(corpus.remarks)
    assert bool(corpus.remarks) == name.startswith("bare")


def test_columns_have_the_names_that_the_recipe_gives(tmp_path: Path) -> None:
    path = write(tmp_path / "table.tsv", "message\tkind\nrise\tup\nfall\tdown\nsoar\tup\n")
    corpus = open_labelled(path=path, text="message", label="kind")
    assert corpus.classes == Counter(up=2, down=1)


def test_quotes_of_a_tab_separated_table_are_characters(tmp_path: Path) -> None:
    corpus = read_labelled(write(tmp_path / "table.tsv", 'up\t"rise\ndown\tfall" now\nup\tso "far"\n'))
    assert [example.text for example in corpus.examples] == ['"rise', 'fall" now', 'so "far"']


def test_a_text_of_a_csv_table_may_hold_line_ends(tmp_path: Path) -> None:
    corpus = read_labelled(write(tmp_path / "table.csv", 'up,"rise\nnow"\ndown,fall\nup,soar\n'))
    assert corpus.examples[0].text == "rise\nnow"


def test_only_a_line_feed_ends_a_line_of_a_table(tmp_path: Path) -> None:
    corpus = read_labelled(write(tmp_path / "table.tsv", "up\trise\x85now\ndown\tfall\u2028now\nup\tso\x0cfar\n"))
    assert [example.text for example in corpus.examples] == ["rise\x85now", "fall\u2028now", "so\x0cfar"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("wide.tsv", "up\trise\ndown\tfall\nup\tso\tfar\n", r"Line 3 .* has 3 columns, but line 1 has 2.*tabs"),
        ("wide.csv", "text,label\n\nrise,now,up\n", r"Line 3 .* has 3 columns, but line 1 has 2.*commas"),
        ("quote.csv", 'text,label\n"rise" now,up\n', r"Line 2 .* is not that of a table"),
        ("open.csv", 'text,label\nrise,up\n"fall,down\n', r"is not that of a table"),
        ("other.tsv", "text\tkind\nrise\tup\nfall\tdown\n", r"no column 'label'.*text \| kind"),
        ("other.tsv", "id\tbody\tkind\n1\trise\tup\n", r"no column 'text' and no column 'label'.*id \| body \| kind"),
        ("comma.tsv", "up,rise\ndown,fall\n", "no column 'text'.*in a .csv file by commas"),
        ("blank.tsv", "\n \n\t\n", "empty lines alone"),
        ("header.tsv", "text\tlabel\n", "two classes or more; its classes: none"),
        ("same.tsv", "up\trise\nup\tsoar\n", "two classes or more; its classes: up"),
        ("void.tsv", "up\trise\nup\tsoar\ndown\t \n", "class 'down' .* has no text"),
        ("nameless.tsv", "up\trise\n\tfall\n", "Line 2 .* has no label"),
        ("swapped.tsv", "rise\tup\nfall\tdown\nsoar\tup\n", "3 examples .* label of its own.*other way round"),
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(TextError, match=said):
        read_labelled(write(tmp_path / name, content))


@pytest.mark.parametrize(("text", "label", "said"), [("body", "label", "'body'"), ("text", "text", "for both")])
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, text: str, label: str, said: str) -> None:
    path = write(tmp_path / "table.tsv", "text\tlabel\nrise\tup\nfall\tdown\n")
    with pytest.raises(TextError, match=said):
        read_labelled(path, text=text, label=label)


def test_a_name_given_for_a_column_demands_a_header(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="no column 'mesage'"):
        read_labelled(write(tmp_path / "table.tsv", "up\trise\ndown\tfall\n"), text="mesage")


def test_empty_texts_are_left_out_and_counted(tmp_path: Path) -> None:
    table = "text\tlabel\nrise\tup\n\tup\nfall\tdown\n  \tdown\nsoar\tup\n"
    corpus = read_labelled(write(tmp_path / "table.tsv", table))
    assert [example.text for example in corpus.examples] == ["rise", "fall", "soar"]
    assert corpus.remarks == ("2 examples were left out: their text is empty.",)


def test_a_folder_has_a_file_a_class(tmp_path: Path) -> None:
    write(tmp_path / "up.txt", "rise\n\nsoar\n\n")
    write(tmp_path / "down.txt", "fall")
    write(tmp_path / "LICENSE", "free")
    write(tmp_path / ".hidden.txt", "unseen")
    corpus = open_labelled(path=tmp_path)
    assert {(e.text, e.label) for e in corpus.examples} == {("rise", "up"), ("soar", "up"), ("fall", "down")}
    assert corpus.remarks == (
        "LICENSE was passed over: it is no .txt file.",
        "1 examples were left out: their text is empty.",
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has 0 .txt files"),
        ({"up.txt": "rise"}, "has 1 .txt files"),
        ({"up.txt": "rise\nsoar", "down.txt": ""}, "down.txt is empty"),
        ({"up.txt": "rise\nsoar", "down.txt": " \n \n"}, "class 'down' .* has no text"),
    ],
)
def test_a_folder_of_another_shape_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(TextError, match=said):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "sms-spam, sentiment, names"),
        ({"name": "names", "path": "x.tsv"}, "by name .* or by the path of yours, one of the two"),
        ({"name": "spam"}, "no labelled texts 'spam'.*sms-spam"),
        ({"path": "nowhere.tsv"}, "no file nowhere.tsv"),
    ],
    ids=str,
)
def test_what_is_no_corpus_is_refused(asked: dict[str, str], said: str) -> None:
    with pytest.raises(TextError, match=said):
        open_labelled(**asked)


def test_long_texts_are_cut_and_counted() -> None:
    corpus = corpus_of(("abcdef", "x"), ("abc", "y"), ("abcdeg", "x")).cut(5)
    assert [example.text for example in corpus.examples] == ["abcde", "abc", "abcde"]
    assert corpus.remarks == ("2 texts were cut to their first 5 characters.",)
    assert len(corpus.distinct().examples) == 2
    assert corpus_of(("abc", "x")).cut(3).remarks == ()


def test_duplicates_are_kept_once_a_label() -> None:
    corpus = corpus_of(("Go now", "x"), ("stay", "x"), ("go  NOW ", "x"), ("GO now", "y"), ("stay", "x")).distinct()
    assert [(e.text, e.label) for e in corpus.examples] == [("Go now", "x"), ("stay", "x"), ("GO now", "y")]
    assert corpus.duplicates == 2
    assert corpus.contradictions == 1


@given(EXAMPLES)
def test_the_same_text_is_in_one_part_and_none_is_lost(examples: list[LabelledText]) -> None:
    corpus = LabelledCorpus(tuple(examples), name="test")
    parts = corpus.split((0.4, 0.3, 0.3))
    keys = [{key_of(example.text) for example in part} for part in parts.values()]
    assert list(parts) == ["train", "validation", "test"]
    assert Counter(e for part in parts.values() for e in part) == Counter(examples)
    assert sum(map(len, keys)) == len(set().union(*keys))
    for label, count in corpus.classes.items():
        if count == 1:
            assert label in {example.label for example in parts["train"]}


def test_a_class_of_one_example_is_trained_on() -> None:
    common = [(f"text {i}", "common") for i in range(50)]
    for i in range(30):
        parts = corpus_of(*common, (f"rare {i}", "rare")).split(SHARES)
        assert "rare" in {example.label for example in parts["train"]}


@pytest.mark.parametrize(
    ("name", "classes", "read", "distinct", "contradictions"),
    [("sms-spam", 2, 5574, 5159, 0), ("sentiment", 2, 3000, 2979, 0), ("names", 18, 20050, 18004, 469)],
)
def test_the_named_collections(
    corpora: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    classes: int,
    read: int,
    distinct: int,
    contradictions: int,
) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    corpus = open_labelled(name)
    assert (len(corpus.classes), len(corpus.examples)) == (classes, read)
    assert (corpus.name, corpus.remarks) == (name, ())
    once = corpus.distinct()
    assert (len(once.examples), once.duplicates, once.contradictions) == (distinct, read - distinct, contradictions)
    if name == "sentiment":
        assert corpus.classes == Counter(negative=1500, positive=1500)

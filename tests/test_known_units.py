"""What the shipped networks are said to track, on real text: found, tested and proven."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnscope
from rnnscope import trained
from rnnscope.corpora.texts import linux_kernel, war_and_peace
from rnnscope.probes.concepts import named
from rnnscope.text import Document


@pytest.fixture(autouse=True)
def cache(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))


@pytest.fixture
def prose() -> Document:
    """The tenth of War and Peace by which training was stopped."""
    (document,) = war_and_peace().split()["validation"]
    return document


def test_an_lstm_of_prose_has_a_quote_unit_and_uses_it(prose: Document) -> None:
    model = rnnscope.load(trained.path("prose-lstm"))
    (quotes,) = named("quotes")
    row = rnnscope.find_units(model, prose, quotes, signals=["c"]).table.loc["quotes"]
    assert row["score"] > 0.99 and row["p"] < 0.01
    short = Document(prose.name, prose.text[:20_000])
    card = rnnscope.ablation(model, short, row["unit"], quotes, controls=8)  # pyright: ignore[reportArgumentType]
    assert card.table.loc["ends", "low"] > 1.0
    assert card.table.loc["ends", "ratio"] > 10
    assert abs(card.table.loc["outside", "change"]) < 0.05


def test_an_lstm_of_prose_counts_the_characters_of_a_line(prose: Document) -> None:
    model = rnnscope.load(trained.path("prose-lstm"))
    row = rnnscope.find_units(model, prose, named("line-position"), signals=["c"]).table.loc["line-position"]
    assert row["score"] > 0.99 and row["p"] < 0.01


def test_an_lstm_of_code_has_units_for_conditions_comments_and_strings() -> None:
    documents = linux_kernel().split((0.9, 0.05, 0.05))["validation"][:6]
    model = rnnscope.load(trained.path("code-lstm"))
    concepts = named("if-condition", "comment", "string", "function-body")
    table = rnnscope.find_units(model, list(documents), concepts, signals=["c"]).table
    assert float(table["p"].to_numpy().max()) < 0.01
    assert table.loc["if-condition", "score"] > 0.95
    assert table.loc["comment", "score"] > 0.95
    assert table.loc["string", "score"] > 0.9

"""Clamp sweeps on networks whose units are known, and against a plain loop."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.causes.clamping import clamp_sweep
from rnnscope.errors import AddressError, ArgumentError, ConceptError, InterventionError, ModelError, RnnscopeError
from rnnscope.probes.concepts import from_function, from_labels
from tests.handmade import Quotes, latch, random_network
from tests.printing import printed

SPOKEN = from_function("spoken", lambda text: np.array([character == "d" for character in text]))
"""What the network below writes inside quotes."""


def speaker() -> CharLanguageModel:
    """The latch network, which writes d while it is on and anything else but d while it is off."""
    model = latch()
    d = model.vocabulary.characters.index("d")
    model.head.weight.data[d] = 0.0
    model.head.weight.data[d, 3] = 20.0
    return model


def test_a_clamp_decides_what_a_switch_decides() -> None:
    found = clamp_sweep(speaker(), "l0.c.3", SPOKEN, [-1, 0, 1], length=60, samples=6)
    free, off, zero, on = found.table.to_dict("records")
    assert np.isnan(free["value"])
    assert [row["value"] for row in (off, zero, on)] == [-1, 0, 1]
    assert off["share"] < 0.01
    assert 0 < zero["share"] < 0.3
    assert on["share"] > 0.99
    assert off["share"] < free["share"] < on["share"]
    assert all(row["low"] <= row["share"] <= row["high"] for row in (free, off, zero, on))
    assert on["example"] == "d" * 60


def test_a_unit_that_nobody_reads_changes_nothing() -> None:
    model = random_network(0)
    rnn: Any = model.rnn
    rnn.weight_hh_l0.data[:, 2] = 0.0
    model.head.weight.data[:, 2] = 0.0
    table = clamp_sweep(model, "l0.h.2", Quotes(), [-1, 0.5], length=80, samples=4).table
    assert len(set(table["example"])) == 1
    assert len(set(table["share"])) == 1
    other = clamp_sweep(model, "l0.h.2", Quotes(), [0], length=80, samples=4, seed=1).table
    assert set(other["example"]).isdisjoint(table["example"])


def test_how_often_a_stretch_begins_and_ends_is_counted() -> None:
    found = clamp_sweep(latch(), "l0.c.3", Quotes(), [-1, 1], prompt='b"a', length=200, samples=1)
    free, off, on = found.table.to_dict("records")
    for row in (free, off, on):
        labels = Quotes()('b"a' + row["example"])[2:].tolist()
        pairs = list(pairwise(labels))
        assert row["share"] == pytest.approx(sum(labels[1:]) / 200)
        assert row["begins"] == pytest.approx(pairs.count((0, 1)) / labels[:-1].count(0))
        assert row["ends"] == pytest.approx(pairs.count((1, 0)) / labels[:-1].count(1))
        assert np.isnan(row["low"])  # there is one text alone
    assert on["ends"] > 1.3 * off["ends"]


def test_the_values_go_from_quantile_to_quantile_of_the_free_unit() -> None:
    table = clamp_sweep(latch(), "l0.c.3", Quotes(), length=100, samples=4).table
    assert len(table) == 8
    assert table["value"].iloc[[1, -1]].tolist() == pytest.approx([-1, 1], abs=1e-3)
    assert np.allclose(np.diff(table["value"].iloc[1:]), 1 / 3, atol=1e-3)


@pytest.mark.parametrize(("cell", "unit"), [("lstm", "l1.c.2"), ("gru", "l0.h.1"), ("rnn", "l0.h.1")])
def test_texts_are_those_of_a_plain_loop(cell: str, unit: str) -> None:
    model, length = random_network(1, cell, layers=2), 40
    found = clamp_sweep(model, unit, Quotes(), [0.7], prompt="ab", length=length, samples=2, temperature=0.8, seed=3)
    numbers = torch.rand((length, 2), generator=torch.Generator().manual_seed(3), dtype=torch.float64)[:, 0]
    for row, changes in zip(found.table.to_dict("records"), ({}, {unit: rnnscope.clamp(0.7)}), strict=True):
        text, state, read = "", None, "ab"
        with rnnscope.intervene(model, changes), torch.no_grad():
            for number in numbers:
                logits, state = model(torch.from_numpy(model.vocabulary.encode(read)), state)
                odds = (logits[-1, 1:].double() / 0.8).softmax(dim=0).cumsum(dim=0)
                read = model.vocabulary.characters[1 + int((odds < number).sum())]
                text += read
        assert row["example"] == text


def test_the_prompt_is_labelled_with_the_text_and_not_counted() -> None:
    model = speaker()
    model.head.bias.data[model.vocabulary.characters.index('"')] = -100.0  # it never writes a quote
    share = {
        prompt: clamp_sweep(model, "l0.c.3", Quotes(), [0], prompt=prompt, length=50, samples=2).table["share"].iloc[1]
        for prompt in ('a"', 'a"b"')
    }
    assert share['a"b"'] == 0
    assert share['a"'] > 0  # until a blank line closes what is open


def test_the_card_fits_and_the_picture_shows_the_values() -> None:
    found = clamp_sweep(speaker(), "l0.c.3", SPOKEN, [-1, 1], length=200, samples=3)
    for width in (80, 120):
        card = printed(found, width)
        assert all(len(line) <= width for line in card.splitlines())
        assert "…" not in card
        for words in ("spoken while l0.c.3 is held", "3 texts of 200 characters", "free", "100.0%", "ddddddddd"):
            assert words in " ".join(card.split())
    axes = found.plot()
    assert axes.get_ylabel() == "share of spoken"
    assert axes.lines[1].get_xdata().tolist() == [-1, 1]  # pyright: ignore[reportAttributeAccessIssue]


NOWHERE = from_function("nowhere", lambda text: np.full(len(text), np.nan))

BAD: list[tuple[dict[str, Any], type[RnnscopeError], str]] = [
    ({"model": torch.nn.LSTM(3, 3)}, ModelError, "reads forward"),
    ({"unit": "l0.c.8"}, AddressError, "Units: 0 to 7"),
    ({"unit": ["l0.c.3", "l0.c.4"]}, AddressError, "One unit is held"),
    ({"concept": "quotes"}, ConceptError, "got str"),
    ({"concept": from_function("place", lambda text: np.arange(len(text)), kind="number")}, ConceptError, "number"),
    ({"concept": NOWHERE}, ConceptError, "applies to no character"),
    ({"concept": from_labels("mine", [0, 1] * 50)}, ConceptError, "100 labels that were made for one text"),
    ({"values": []}, InterventionError, "one or more finite values"),
    ({"values": [float("nan")]}, InterventionError, "finite"),
    ({"values": 3}, InterventionError, "finite"),
    ({"values": ["one"]}, InterventionError, "finite"),
    ({"prompt": ""}, ArgumentError, "prompt is one character"),
    ({"length": 0}, ArgumentError, "length"),
    ({"samples": 0}, ArgumentError, "samples"),
    ({"temperature": 0}, ArgumentError, "temperature"),
    ({"temperature": float("nan")}, ArgumentError, "temperature"),
    ({"seed": -1}, ArgumentError, "seed"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(wrong: dict[str, Any], error: type[RnnscopeError], message: str) -> None:
    options = {"model": latch(), "unit": "l0.c.3", "concept": Quotes(), "length": 5, "samples": 2, **wrong}
    with pytest.raises(error, match=message):
        clamp_sweep(**options)

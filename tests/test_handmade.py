"""The networks set by hand do what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import rnnscope

from .handmade import ALPHABET, Quotes, counter, dialogue, latch, random_network

TEXT = dialogue(np.random.default_rng(0), 2000)
INSIDE = Quotes()(TEXT) == 1


def cell_state(model: rnnscope.CharLanguageModel, text: str, unit: int) -> np.ndarray:
    return rnnscope.trace(model, text)[f"l0.c.{unit}"].values


def test_a_dialogue_has_quotations_that_their_paragraphs_close() -> None:
    assert set(TEXT) == set(ALPHABET)
    assert 0.2 < INSIDE.mean() < 0.8
    for paragraph in TEXT.strip().split("\n\n"):
        assert paragraph.count('"') % 2 == 0
    assert TEXT.count("\n\n") > 5
    assert TEXT == dialogue(np.random.default_rng(0), 2000)


def test_quotes_are_inside_from_the_opening_quote_to_before_the_closing_one() -> None:
    assert Quotes()('a"bc"d').tolist() == [0, 1, 1, 1, 0, 0]
    assert Quotes()('"a\nb\n\nc"d').tolist() == [1, 1, 1, 1, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(("unit", "units"), [(3, 8), (7, 8), (0, 2)])
def test_the_latch_is_on_inside_quotes_and_nowhere_else(unit: int, units: int) -> None:
    values = cell_state(latch(unit, units), TEXT, unit)
    assert ((values > 0) == INSIDE).all()
    assert np.abs(values[INSIDE] - 1).max() < 0.01
    assert np.isclose(values[~INSIDE], 0, atol=0.01).sum() == TEXT.index('"')
    assert np.isclose(values[~INSIDE], -1, atol=0.01).sum() == (~INSIDE).sum() - TEXT.index('"')


def test_the_latch_makes_the_closing_quote_probable() -> None:
    model = latch()
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(model.vocabulary.encode(TEXT)))
    odds = logits.softmax(dim=-1)[:, model.vocabulary.characters.index('"')].numpy()
    colon = np.array([character == ":" for character in TEXT])
    assert (odds[colon] > 0.99).all()
    assert np.allclose(odds[INSIDE & ~colon], 1 / len(ALPHABET), atol=0.02)
    assert (odds[~INSIDE & ~colon] < 1e-4).all()


def test_the_counter_counts_the_characters_of_a_line() -> None:
    place = [len(TEXT[: t + 1].rsplit("\n", 1)[-1]) for t in range(len(TEXT))]
    assert np.abs(cell_state(counter(5), TEXT, 5) - 0.01 * np.array(place)).max() < 1e-3


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_random_networks_differ_by_their_seed_alone(cell: str) -> None:
    one, same, other = (random_network(seed, cell).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if "weight" in name)

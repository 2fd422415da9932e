"""The shipped networks: each opens, says what it is, and stands in the table with the figures of its card."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rnnscope
from rnnscope import trained
from rnnscope.training.recipe_file import read_recipe, recipe_of

FOLDER = Path(__file__).parents[1] / "trained"


@pytest.mark.parametrize("name", trained.names())
def test_a_network_its_recipe_its_card_and_the_table_agree(name: str) -> None:
    card = rnnscope.load(trained.path(name)).card
    assert card is not None
    assert card.markdown() == (FOLDER / name / "card.md").read_text()
    then = recipe_of(card.training["recipe"]).as_dict()
    now = read_recipe(FOLDER / name / "recipe.toml").as_dict()
    assert {key: then[key] for key in ("name", "task", "seed", "model", "training")} == {
        key: now[key] for key in ("name", "task", "seed", "model", "training")
    }
    assert now["limits"]
    (row,) = re.findall(rf"^\| \[{name}\].*$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    scores = [words for part, words in card.scores if part == "test"]
    assert scores
    assert all(words in row for words in [card.architecture, f"{card.parameters:,}", *scores])


def test_the_cells_that_are_compared_have_equally_many_parameters() -> None:
    for kind in ("prose", "code"):
        cards = [rnnscope.load(trained.path(f"{kind}-{cell}")).card for cell in ("rnn", "gru", "lstm")]
        sizes = [card.parameters for card in cards if card is not None]
        assert max(sizes) / min(sizes) < 1.005


def test_what_is_shipped_is_small_enough_for_a_wheel() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 40 * 2**20

"""Cells of equal parameters: counted without making them, and refused where none comes near."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnscope import CharLanguageModel, Vocabulary, checkpoint, trained
from rnnscope.comparison.sizing import count_parameters, equal_size
from rnnscope.errors import RecipeError
from rnnscope.models import NETWORKS, LanguageModelConfig

VOCABULARY = Vocabulary("abcdefgh")


def network(**config: object) -> CharLanguageModel:
    return CharLanguageModel(LanguageModelConfig(embedding_size=5, **config), VOCABULARY)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_size_is_the_closest_of_all(cell: str, layers: int) -> None:
    small = network(layers=layers, hidden_size=2)
    found = equal_size(small, cell, 20_000)
    counts = {
        size: sum(p.numel() for p in network(cell=cell, layers=layers, hidden_size=size).parameters())
        for size in range(found.hidden_size - 2, found.hidden_size + 3)
    }
    assert found.hidden_size == min(counts, key=lambda size: abs(counts[size] - 20_000))
    assert found.parameters == counts[found.hidden_size]
    assert found.off == pytest.approx(found.parameters / 20_000 - 1)
    assert abs(found.off) < 0.02


@pytest.mark.parametrize(
    "name", ["prose-gru", "spam-classifier", "pos-tagger", "german-translator", "brent-forecaster"]
)
def test_a_network_of_any_task_is_counted_without_being_made(name: str) -> None:
    content = checkpoint.read(trained.path(name))
    kind = NETWORKS[content["task"]]
    config = kind.config_type(**content["config"])
    small = kind.build(replace(config, hidden_size=2), content["vocabularies"])
    held = sum(p.numel() for p in kind.build(config, content["vocabularies"]).parameters())
    assert count_parameters(small, config.cell, config.hidden_size) == held


def test_parameters_that_no_size_comes_near_are_refused_with_those_that_are_next() -> None:
    counts = [sum(p.numel() for p in network(hidden_size=size).parameters()) for size in (1, 2)]
    with pytest.raises(RecipeError, match=f"no size comes within 2% .* {counts[0]} with .* 1 and {counts[1]} with"):
        equal_size(network(), "lstm", sum(counts) // 2)
    with pytest.raises(RecipeError, match="no size comes within 2%"):
        equal_size(network(), "lstm", 10)


def test_a_projection_belongs_to_the_lstm_and_leaves_room_below_it() -> None:
    projected = network(proj_size=3, hidden_size=4)
    assert equal_size(projected, "lstm", 5_000).hidden_size > 3
    with pytest.raises(RecipeError, match="the cell lstm to have a proj_size"):
        equal_size(projected, "gru", 5_000)


def test_tied_weights_leave_no_size_to_choose() -> None:
    with pytest.raises(RecipeError, match="tied must be false"):
        equal_size(network(tied=True, hidden_size=5), "lstm", 5_000)

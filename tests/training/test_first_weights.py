"""Weights kept on the way, and those that a run began with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import CharLanguageModel, Vocabulary
from rnnscope.errors import ModelError, RecipeError
from rnnscope.models import LanguageModelConfig

RECIPE = """
name = "small"
seed = 5
[corpus]
path = "text.txt"
[model]
hidden_size = 6
embedding_size = 3
[training]
method = "{method}"
epochs = {epochs}
streams = 4
window = 10
validate_every = 10
keep = {keep}
"""


@pytest.fixture
def make_recipe(tmp_path: Path) -> Callable[..., Path]:
    def make(keep: list[int], method: str = "muon", epochs: float = 0.5) -> Path:
        (tmp_path / "text.txt").write_text("abcd efgh. " * 300)
        (tmp_path / "recipe.toml").write_text(RECIPE.format(keep=keep, method=method, epochs=epochs))
        return tmp_path / "recipe.toml"

    return make


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("method", ["muon", "char-rnn"])
def test_an_untrained_network_has_the_weights_that_its_run_began_with(
    make_recipe: Callable[..., Path], method: str
) -> None:
    folder = make_recipe([0, 7], method).parent
    trained = rnnscope.train(folder / "recipe.toml", folder, device="cpu")
    before = torch.random.get_rng_state()
    first = rnnscope.untrained(trained)
    assert torch.equal(torch.random.get_rng_state(), before)
    kept = {path.name: rnnscope.load(path) for path in sorted(folder.glob("step-*.pt"))}
    assert list(kept) == ["step-000000.pt", "step-000007.pt"]
    assert same(first, kept["step-000000.pt"])
    assert not same(kept["step-000000.pt"], kept["step-000007.pt"])
    assert kept["step-000007.pt"].card is not None and kept["step-000007.pt"].card.rows()
    assert not same(rnnscope.untrained(trained, seed=6), first)
    assert first.card is None and not first.training


def test_a_network_without_a_recipe_has_the_first_weights_of_a_seed() -> None:
    model = CharLanguageModel(LanguageModelConfig(hidden_size=4), Vocabulary("ab"))
    assert same(rnnscope.untrained(model), rnnscope.untrained(model, seed=0))
    assert not same(rnnscope.untrained(model), rnnscope.untrained(model, seed=1))


def test_a_module_of_the_users_own_is_refused() -> None:
    with pytest.raises(ModelError, match="got LSTM"):
        rnnscope.untrained(nn.LSTM(2, 2))  # pyright: ignore[reportArgumentType]


def test_starting_anew_removes_what_was_kept(make_recipe: Callable[..., Path]) -> None:
    recipe = make_recipe([3])
    rnnscope.train(recipe, recipe.parent, device="cpu")
    rnnscope.train(make_recipe([4]), recipe.parent, device="cpu", force=True)
    assert [path.name for path in recipe.parent.glob("step-*.pt")] == ["step-000004.pt"]


@pytest.mark.parametrize(
    ("keep", "said"), [([-1], "steps from 0 on"), ([1, 10_000], "the last one; got 10000"), (["a"], "whole numbers")]
)
def test_steps_that_there_are_not_are_refused(make_recipe: Callable[..., Path], keep: list[int], said: str) -> None:
    recipe = make_recipe(keep)
    with pytest.raises(RecipeError, match=said):
        rnnscope.train(recipe, recipe.parent / "run", device="cpu")
    assert not (recipe.parent / "run").exists()

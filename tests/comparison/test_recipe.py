"""The recipe of a comparison is read strictly."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.comparison.recipe import ComparisonRecipe, Experiment, read_comparison
from rnnscope.errors import RecipeError


def test_every_key_arrives(make_comparison: Callable[..., Path]) -> None:
    experiment = Experiment("adding.toml", 1580, (0.01, 0.001), 0.1)
    assert read_comparison(make_comparison()) == ComparisonRecipe("cells", (experiment,), ("rnn", "lstm"), (0, 1))


def test_cells_and_seeds_have_defaults(make_comparison: Callable[..., Path]) -> None:
    recipe = read_comparison(make_comparison(('cells = ["rnn", "lstm"]\nseeds = [0, 1]\n', "")))
    assert (recipe.cells, recipe.seeds) == (("rnn", "gru", "lstm"), (0, 1, 2))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds =", "seds =", "no key 'seds'. Did you mean 'seeds'?"),
        ("sweep_epochs =", "sweep_epoch =", "no key 'experiment.sweep_epoch'. Did you mean 'sweep_epochs'?"),
        ("sweep_epochs =", "zzz =", "no key 'experiment.zzz'. Known keys: recipe, parameters, learning_rates"),
        ("seeds = [0, 1]", "seeds = []", "seeds must be a list of at least one seed; got []"),
        ("seeds = [0, 1]", "seeds = [0, 0]", "seeds must be distinct; got [0, 0]"),
        ("seeds = [0, 1]", "seeds = [-1]", "seeds must be from 0 to 2^63 - 1; got [-1]"),
        ("seeds = [0, 1]", "seeds = 3", "seeds must be a list of whole numbers; got 3"),
        ("seeds = [0, 1]", "seeds = [true]", "seeds must be a list of whole numbers; got [True]"),
        ('"lstm"]', '"lstn"]', "cells must be out of rnn, gru, lstm; got 'lstn'"),
        ('"lstm"]', '"rnn"]', "cells must be distinct; got ['rnn', 'rnn']"),
        ('["rnn", "lstm"]', "[]", "cells must be a list with some of rnn, gru, lstm; got []"),
        ("[1e-2, 1e-3]", "[]", "experiment.learning_rates must be a list of at least one rate; got []"),
        ("[1e-2, 1e-3]", "[0.0]", "experiment.learning_rates must be more than 0 and at most 100; got [0.0]"),
        ("[1e-2, 1e-3]", "['1']", "experiment.learning_rates must be a list of numbers; got ['1']"),
        ("[1e-2, 1e-3]", "[nan]", "experiment.learning_rates must be a list of numbers; got [nan]"),
        ("1580", "0", "experiment.parameters must be more than 0; got 0"),
        ("1580", "1e3", "experiment.parameters must be a whole number; got 1000.0"),
        ("parameters = 1580", "", "the key 'experiment.parameters' is missing"),
        ("0.1", "-1", "experiment.sweep_epochs must be 0 (the whole length) or more; got -1.0"),
        ('name = "cells"', 'name = "a/b"', "name must be a name that a folder can have; got 'a/b'"),
        ('name = "cells"', "", "the key 'name' is missing"),
        ('name = "cells"', "name = 3", "name must be a string; got 3"),
        ("[[experiment]]", "[experiment]", "experiment must be a list of tables, [[experiment]]"),
        ("[[experiment]]", "[training]", "[training] belongs to the recipe of one network"),
    ],
)
def test_a_wrong_key_type_or_value_is_named_with_what_is_expected(
    make_comparison: Callable[..., Path], old: str, new: str, words: str
) -> None:
    path = make_comparison((old, new))
    with pytest.raises(RecipeError) as error:
        read_comparison(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)


def test_a_comparison_without_experiments_is_none(tmp_path: Path) -> None:
    (tmp_path / "cells.toml").write_text('name = "x"')
    with pytest.raises(RecipeError, match="experiment must be at least one table"):
        read_comparison(tmp_path / "cells.toml")


def test_the_recipe_of_the_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text()
    (block,) = re.findall(r"\n\n((?:    [^\n]*\n|\n)+)", page)
    (tmp_path / "cells.toml").write_text(textwrap.dedent(block))
    recipe = read_comparison(tmp_path / "cells.toml")
    assert [experiment.name for experiment in recipe.experiment] == ["", "remembering"]


@pytest.mark.parametrize("data", [b'name = "x', b"name = '\xe9'", b"\x00"])
def test_what_is_no_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "cells.toml").write_bytes(data)
    with pytest.raises(RecipeError, match="is not a TOML file"):
        read_comparison(tmp_path / "cells.toml")


def test_a_missing_recipe_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no recipe .*absent.toml"):
        read_comparison(tmp_path / "absent.toml")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        read_comparison(tmp_path)

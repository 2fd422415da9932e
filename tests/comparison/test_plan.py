"""A run has a folder of its own, named by all that its weights depend on."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.comparison.plan import OpenedExperiment, open_experiments
from rnnscope.comparison.recipe import read_comparison
from rnnscope.comparison.toml import toml
from rnnscope.errors import RecipeError
from rnnscope.training.recipe_file import read_recipe
from rnnscope.training.tasks import TASKS

LANGUAGE_MODEL = """
name = "small"
description = "Words."
[corpus]
path = "text.txt"
[model]
embedding_size = 4
[training]
streams = 2
window = 5
"""


def opened(path: Path) -> OpenedExperiment:
    (experiment,) = open_experiments(read_comparison(path), path.parent)
    return experiment


@pytest.fixture
def of_text(tmp_path: Path, make_comparison: Callable[..., Path]) -> Path:
    """A comparison of language models on a text."""
    (tmp_path / "text.txt").write_text("abc def ghi " * 50)
    return make_comparison(("1580", "2000"), recipe=LANGUAGE_MODEL)


def test_the_recipe_of_a_run_is_read_back_as_it_is(of_text: Path, tmp_path: Path) -> None:
    run = opened(of_text).run(tmp_path / "runs", "lstm", 0.01, 7)
    run.write()
    assert read_recipe(run.folder / "recipe.toml") == run.recipe
    assert run.recipe.seed == 7
    assert run.recipe.training.learning_rate == 0.01
    assert run.recipe.model.cell == "lstm"


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("abc"), st.text() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)))
def test_a_table_comes_back_from_toml(table: dict[str, object]) -> None:
    content = {"name": "x", "flags": [True, False], "table": table}
    assert tomllib.loads(toml(content)) == content


def test_a_folder_is_named_after_what_is_readable(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    experiment = opened(make_comparison())
    assert experiment.run(tmp_path, "rnn", 0.003, 5).folder.name.startswith("adding-rnn-rate0.003-seed5-")
    assert experiment.run(tmp_path, "rnn", 3.0, 0, sweep=True).folder.name.startswith("adding-rnn-sweep-rate3-seed0-")


def test_a_sweep_of_the_whole_length_is_a_run_like_others(make_comparison: Callable[..., Path], tmp_path: Path) -> None:
    experiment = opened(make_comparison(("sweep_epochs = 0.1", "")))
    runs = [experiment.run(tmp_path, "rnn", 0.01, 0, sweep=sweep) for sweep in (True, False)]
    assert runs[0].folder == runs[1].folder


def test_where_the_data_lie_and_words_are_of_no_matter_and_all_else_is(of_text: Path, tmp_path: Path) -> None:
    def digest(experiment: OpenedExperiment, rate: float = 0.01) -> str:
        return experiment.run(Path(), "lstm", rate, 0).folder.name[-8:]

    first = opened(of_text)
    recipe = tmp_path / "adding.toml"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "text.txt").rename(tmp_path / "elsewhere" / "text.txt")
    recipe.write_text(LANGUAGE_MODEL.replace("text.txt", "elsewhere/text.txt").replace("Words.", "Others."))
    assert digest(opened(of_text)) == digest(first)
    recipe.write_text(recipe.read_text().replace("window = 5", "window = 6"))
    assert digest(opened(of_text)) != digest(first)
    recipe.write_text(recipe.read_text().replace("window = 6", "window = 5"))
    (tmp_path / "elsewhere" / "text.txt").write_text("abc def ghj " * 50)
    assert digest(opened(of_text)) != digest(first) != digest(first, 0.02)


def test_experiments_need_names_of_their_own(make_comparison: Callable[..., Path]) -> None:
    path = make_comparison()
    table = path.read_text()[path.read_text().index("[[experiment]]") :]
    path.write_text(path.read_text() + table)
    with pytest.raises(RecipeError, match="Two experiments are called 'adding'"):
        open_experiments(read_comparison(path), path.parent)
    path.write_text(path.read_text() + 'name = "other"\n')
    assert [e.name for e in open_experiments(read_comparison(path), path.parent)] == ["adding", "other"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("length = 4", "length = 1_000_000", "adding.toml: "),
        ('task = "memory-task"', 'task = "chess"', "task must be one of"),
        ("batch_size", "bach_size", "Did you mean 'batch_size'"),
    ],
)
def test_a_recipe_that_cannot_be_trained_by_is_refused(
    make_comparison: Callable[..., Path], old: str, new: str, words: str
) -> None:
    path = make_comparison()
    recipe = path.with_name("adding.toml")
    recipe.write_text(recipe.read_text().replace(old, new))
    with pytest.raises(RecipeError, match=words):
        opened(path)


def test_a_recipe_that_is_not_there_is_named(make_comparison: Callable[..., Path]) -> None:
    path = make_comparison(("adding.toml", "absent.toml"))
    with pytest.raises(RecipeError, match=r"no recipe .*absent.toml"):
        opened(path)


def test_options_that_do_not_fit_a_cell_are_refused_with_its_name(of_text: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "adding.toml"
    recipe.write_text(LANGUAGE_MODEL.replace("[model]", '[model]\ncell = "lstm"\nproj_size = 3'))
    with pytest.raises(RecipeError, match="for the cell rnn: .*the cell lstm to have a proj_size"):
        opened(of_text)


def test_the_order_of_the_data_depends_on_the_seed_alone(of_text: Path, tmp_path: Path) -> None:
    experiment = opened(of_text)
    batches = {}
    for cell in ("rnn", "lstm"):
        task = TASKS["language-model"](experiment.run(tmp_path, cell, 0.01, 3).recipe)
        batches[cell] = [task.streams[index][0].tolist() for index in range(3)]  # pyright: ignore[reportAttributeAccessIssue]
    assert batches["rnn"] == batches["lstm"]


def test_the_sequences_of_a_memory_task_depend_on_the_seed_alone(
    make_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    experiment = opened(make_comparison())
    draws = {}
    for cell in ("rnn", "lstm"):
        for seed in (0, 1):
            task = TASKS["memory-task"](experiment.run(tmp_path, cell, 0.01, seed).recipe)
            draws[cell, seed] = task._drawn(2).inputs.tolist()  # pyright: ignore[reportAttributeAccessIssue]
    assert draws["rnn", 0] == draws["lstm", 0] != draws["lstm", 1] == draws["rnn", 1]

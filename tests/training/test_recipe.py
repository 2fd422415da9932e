"""Recipes are read strictly, and a slip of the pen is answered with the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnscope.errors import RecipeError
from rnnscope.models import LanguageModelConfig
from rnnscope.training.recipe import CorpusRecipe, Recipe, StreamTraining
from rnnscope.training.recipe_file import read_recipe

TRAINED = Path(__file__).parents[2] / "trained"

ALL_KEYS = """
name = "all"
task = "language-model"
seed = 3
description = "Words."
limits = "More words."

[corpus]
name = "war-and-peace"
encoding = "latin-1"
split = [1, 0, 0]

[model]
cell = "gru"
nonlinearity = "relu"
hidden_size = 8
layers = 2
embedding_size = 8
dropout = 0.5
tied = true

[training]
method = "char-rnn"
learning_rate = 1
epochs = 2
streams = 4
window = 5
clip = 6
warmup = 0
weight_decay = 0
validate_every = 9
keep = [0, 3]
precision = "bf16"
accumulate = 2
logger = "tensorboard"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recipe.toml"


def read(path: Path, text: str) -> Recipe:
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


def test_a_recipe_needs_no_more_than_a_name(path: Path) -> None:
    bare = Recipe("bare", "language-model", CorpusRecipe(), LanguageModelConfig(), StreamTraining())
    assert read(path, 'name = "bare"') == bare


def test_every_key_arrives(path: Path) -> None:
    recipe = read(path, ALL_KEYS)
    assert recipe == Recipe(
        name="all",
        task="language-model",
        seed=3,
        description="Words.",
        limits="More words.",
        corpus=CorpusRecipe("war-and-peace", encoding="latin-1", split=(1.0, 0.0, 0.0)),
        model=LanguageModelConfig("gru", "relu", 8, 2, 0.5, embedding_size=8, tied=True),
        training=StreamTraining(
            "char-rnn", 1.0, 2.0, 6.0, 0, 0.0, 9, (0, 3), "bf16", 2, "tensorboard", streams=4, window=5
        ),
    )
    assert all(isinstance(share, float) for share in recipe.corpus.split)
    assert isinstance(recipe.training.learning_rate, float)


def test_a_recipe_becomes_plain_tables_again(path: Path) -> None:
    content = read(path, ALL_KEYS).as_dict()
    assert content["corpus"] == {"name": "war-and-peace", "path": "", "encoding": "latin-1", "split": [1.0, 0.0, 0.0]}
    assert content["model"]["tied"] is True
    assert content["training"]["window"] == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 1", "no key 'sed'. Did you mean 'seed'?"),
        ("[trainig]", "no key 'trainig'. Did you mean 'training'?"),
        ("[training]\nlearnig_rate = 0.1", "no key 'training.learnig_rate'. Did you mean 'learning_rate'?"),
        ("[model]\nhiden_size = 4", "no key 'model.hiden_size'. Did you mean 'hidden_size'?"),
        ("[corpus]\nencodig = 'utf-8'", "no key 'corpus.encodig'. Did you mean 'encoding'?"),
        ("[model]\nzzz = 4", "no key 'model.zzz'. Known keys: cell, nonlinearity, hidden_size"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError) as error:
        read(path, f'name = "x"\n{text}')
    assert f"{path}: there is {words}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = '1'", "seed must be a whole number; got '1'"),
        ("seed = 1.0", "seed must be a whole number; got 1.0"),
        ("seed = true", "seed must be a whole number; got True"),
        ("limits = 1", "limits must be a string; got 1"),
        ("model = 'lstm'", "model must be a table, [model]; got 'lstm'"),
        ("[[training]]", "training must be a table, [training]; got [{}]"),
        ("[model]\ntied = 1", "model.tied must be true or false; got 1"),
        ("[model]\nhidden_size = '4'", "model.hidden_size must be a whole number; got '4'"),
        ("[training]\nlearning_rate = '0.1'", "training.learning_rate must be a number; got '0.1'"),
        ("[training]\nlearning_rate = true", "training.learning_rate must be a number; got True"),
        ("[corpus]\npath = 1", "corpus.path must be a string; got 1"),
        ("[corpus]\nsplit = 0.8", "corpus.split must be a list of numbers; got 0.8"),
        ("[corpus]\nsplit = [0.8, '0.2']", "corpus.split must be a list of numbers; got [0.8, '0.2']"),
        ("task = 'chess'", "task must be one of language-model, "),
        ("[training]\nmethod = 'adam'", "training.method must be one of muon, adamw, char-rnn; got 'adam'"),
        ("[training]\nlogger = 'mlflow'", "training.logger must be one of csv, tensorboard; got 'mlflow'"),
        ("[training]\nepochs = 0", "training.epochs must be more than 0; got 0.0"),
        ("[training]\nepochs = inf", "training.epochs must be "),
        ("[training]\nlearning_rate = nan", "training.learning_rate must be a number; got nan"),
        ("[training]\nstreams = -1", "training.streams must be more than 0; got -1"),
        ("[training]\nwarmup = -1", "training.warmup must be 0 or more; got -1"),
        ("[model]\ncell = 'lstn'", "cell out of rnn, gru, lstm; got 'lstn'"),
        ("[model]\nnonlinearity = 'elu'", "tanh or relu; got 'elu'"),
        ("[model]\nhidden_size = 0", "hidden_size of at least 1; got 0"),
        ("[model]\nlayers = 0", "layers of at least 1; got 0"),
        ("[model]\nlayers = 1001", "layers of at most 1000; got 1001"),
        ("[training]\nepochs = 1e300", "training.epochs must be at most a million; got 1e+300"),
        ("[model]\nembedding_size = -1", "embedding_size of at least 0 (0 is one-hot); got -1"),
        ("[model]\ndropout = 1", "but not including, 1; got 1"),
        ("[model]\ntied = true", "equal embedding_size and hidden_size"),
        ("[training]\nprecision = '16'", "training.precision must be one of 32, bf16; got '16'"),
        ("[training]\naccumulate = 0", "training.accumulate must be more than 0; got 0"),
        ("[training]\nbatch_size = 4", "there is no key 'training.batch_size'"),
        ("[model]\ncell = 'gru'\nproj_size = 4", "the cell lstm to have a proj_size"),
    ],
)
def test_a_wrong_type_or_value_is_named_with_what_is_expected(path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError) as error:
        read(path, f'name = "x"\n{text}')
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'name' is missing"),
        ("name = ''", "a name that a folder can have; got ''"),
        ("name = '..'", "a name that a folder can have; got '..'"),
        ("name = 'a/b'", "a name that a folder can have; got 'a/b'"),
        ("name = 3", "name must be a string; got 3"),
    ],
)
def test_a_network_needs_a_name_that_can_be_a_folder(path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError) as error:
        read(path, text)
    assert words in str(error.value)


@pytest.mark.parametrize("data", [b'name = "x', b"name: x", b"name = '\xe9'", b"\x00"])
def test_what_is_no_toml_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(RecipeError, match="recipe.toml is not a TOML file: "):
        read_recipe(path)


def test_a_missing_recipe_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no recipe .*absent.toml"):
        read_recipe(tmp_path / "absent.toml")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(("written", "meant"), [("book.txt", "{folder}/book.txt"), ("/data/b.txt", "/data/b.txt")])
def test_a_path_is_taken_from_the_recipes_folder(path: Path, written: str, meant: str) -> None:
    recipe = read(path, f'name = "x"\n[corpus]\npath = "{written}"')
    assert recipe.corpus.path == meant.format(folder=path.parent)


def test_an_empty_path_stays_empty(path: Path) -> None:
    assert read(path, 'name = "x"\n[corpus]\nname = "war-and-peace"\npath = ""').corpus.path == ""


@pytest.mark.parametrize("path", sorted(TRAINED.glob("*/recipe.toml")), ids=lambda path: path.parent.name)
def test_the_recipes_of_the_trained_networks_are_read(path: Path) -> None:
    assert read_recipe(path).name == path.parent.name


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_without_a_kernel_the_standard_library_takes_its_place(cell: str) -> None:
    folder = TRAINED / f"code-{cell}"
    kernel, library = (read_recipe(folder / name) for name in ("recipe.toml", "standard-library.toml"))
    assert (library.model, library.training) == (kernel.model, kernel.training)
    assert library.corpus.name == "standard-library"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("seed = 1" + "0" * 30, "seed must be a whole number"),
        ("task = []", "task must be one of"),
        ("seed = 1" + "0" * 5000, "is not a TOML file"),
        ("seed = " + "[" * 5000, "nested too deep"),
        ("#" * 2**20, "it is no recipe"),
        ("\xff", "is not a TOML file"),
    ],
)
def test_what_is_absurd_is_refused(path: Path, line: str, words: str) -> None:
    path.write_text(f'name = "n"\n{line}', encoding="latin-1")
    with pytest.raises(RecipeError, match=words):
        read_recipe(path)

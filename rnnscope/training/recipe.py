"""A recipe: the TOML file that says how a network is made, read strictly into dataclasses."""

from __future__ import annotations

import difflib
import math
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from rnnscope.errors import RecipeError
from rnnscope.models import TASKS, LanguageModelConfig

from .methods import METHODS

LOGGERS = ("csv", "tensorboard")


@dataclass(frozen=True)
class CorpusRecipe:
    """Which text: a named corpus, or a file or folder beside the recipe.

    Attributes
    ----------
    name, path : str
        One of the two; the standard library of Python if neither is given.
    encoding : str
        Of the files at ``path``.
    split : three floats
        Shares of train, validation and test.
    """

    name: str = ""
    path: str = ""
    encoding: str = "utf-8"
    split: tuple[float, ...] = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class TrainingRecipe:
    """How the weights are found.

    Attributes
    ----------
    method : {"adamw", "char-rnn"}
        See `rnnscope.training.methods`.
    learning_rate : float
        The largest that is used.
    epochs : float
        Passes over the training part.
    streams : int
        Stretches of the text that are read side by side, each with its own carried state.
    window : int
        Steps that a gradient reaches back (truncated BPTT).
    clip : float
        Largest gradient norm (adamw) or element (char-rnn).
    warmup : int
        Steps over which the learning rate rises (adamw).
    weight_decay : float
        (adamw)
    validate_every : int
        Steps between validations.
    logger : {"csv", "tensorboard"}
        ``figures.csv`` is always written; tensorboard comes on top.
    """

    method: str = "adamw"
    learning_rate: float = 4e-3
    epochs: float = 20.0
    streams: int = 32
    window: int = 100
    clip: float = 1.0
    warmup: int = 200
    weight_decay: float = 0.01
    validate_every: int = 1000
    logger: str = "csv"

    def __post_init__(self) -> None:
        _demand(self.method in METHODS, "training.method", f"one of {', '.join(METHODS)}", self.method)
        _demand(self.logger in LOGGERS, "training.logger", f"one of {', '.join(LOGGERS)}", self.logger)
        for name in ("learning_rate", "epochs", "streams", "window", "clip", "validate_every"):
            _demand(getattr(self, name) > 0, f"training.{name}", "more than 0", getattr(self, name))
        _demand(self.learning_rate <= 100, "training.learning_rate", "at most 100", self.learning_rate)
        for name in ("warmup", "weight_decay"):
            _demand(getattr(self, name) >= 0, f"training.{name}", "0 or more", getattr(self, name))


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make a network again.

    Attributes
    ----------
    name : str
        What the network is called.
    task : str
    seed : int
    description, limits : str
        Words for the card.
    corpus, model, training
        The three tables of the file.
    """

    name: str
    task: str = "language-model"
    seed: int = 0
    description: str = ""
    limits: str = ""
    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    def __post_init__(self) -> None:
        _demand(0 <= self.seed < 2**63, "seed", "from 0 to 2^63 - 1", self.seed)
        _demand(self.task in TASKS, "task", f"one of {', '.join(TASKS)}", self.task)
        one_way = "false: a network that reads backward as well sees the character that it is to predict"
        _demand(not self.model.bidirectional, "model.bidirectional", one_way, self.model.bidirectional)
        _demand(
            self.name not in ("", "..") and Path(self.name).name == self.name,
            "name",
            "a name that a folder can have",
            self.name,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain tables, as in the file."""
        content = asdict(self)
        content["corpus"]["split"] = list(self.corpus.split)
        return content


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; a relative ``corpus.path`` is taken from the recipe's folder.

    Raises
    ------
    RecipeError
        If the file is missing or no TOML, or has an unknown key, a wrong type or a wrong value.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not a TOML file: {error}.") from None
    corpus = content.get("corpus")
    if isinstance(corpus, dict) and isinstance(corpus.get("path"), str) and corpus["path"]:
        corpus["path"] = str(path.parent / corpus["path"])
    try:
        return _build(Recipe, content, "")
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """A dataclass from a TOML table, every key and type checked."""
    types = get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    values = {}
    for key, value in table.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known keys: {', '.join(known)}."
            raise RecipeError(f"there is no key {where + key!r}. {hint}")
        values[key] = _convert(value, types[key], where + key)
    if "name" in known and kind is Recipe and "name" not in values:
        raise RecipeError("the key 'name' is missing: say what the network is called.")
    return kind(**values)


def _convert(value: Any, wanted: Any, where: str) -> Any:
    if is_dataclass(wanted):
        _demand(isinstance(value, dict), where, f"a table, [{where}]", value)
        return _build(wanted, value, f"{where}.")
    if wanted == tuple[float, ...]:
        _demand(isinstance(value, list) and all(_is_number(v) for v in value), where, "a list of numbers", value)
        return tuple(float(v) for v in value)
    if wanted is float:
        _demand(_is_number(value), where, "a number", value)
        return float(value)
    words = {int: "a whole number", str: "a string", bool: "true or false"}
    _demand(type(value) is wanted and "\0" not in str(value), where, words[wanted], value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _demand(holds: bool, where: str, expected: str, got: Any) -> None:
    if not holds:
        raise RecipeError(f"{where} must be {expected}; got {got!r}.")

"""A recipe: all that says how a network is made, as dataclasses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnnscope.errors import RecipeError

METHODS = ("muon", "adamw", "char-rnn")
LOGGERS = ("csv", "tensorboard")
PRECISIONS = ("32", "bf16")


@dataclass(frozen=True)
class CorpusRecipe:
    """Which data: a named corpus, or a file or folder beside the recipe.

    Attributes
    ----------
    name, path : str
        One of the two, or both where the named corpus is made from what the user has. A language model
        reads the standard library of Python if neither is given.
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
    method : {"muon", "adamw", "char-rnn"}
        See `rnnscope.training.methods`.
    learning_rate : float
        The largest that is used.
    epochs : float
        Passes over the training part.
    clip : float
        Largest gradient norm (muon, adamw) or element (char-rnn).
    warmup : int
        Steps over which the learning rate rises (muon, adamw).
    weight_decay : float
        (muon, adamw)
    validate_every : int
        Steps between validations.
    precision : {"32", "bf16"}
        bf16 computes in bfloat16 where that is safe; weights and figures stay float32.
    keep : ints
        Steps after which the weights are kept in a file of their own, ``step-000500.pt``; 0 is before the first.
    accumulate : int
        Parts that a batch is divided into, one after the other, where the whole does not fit into memory.
    logger : {"csv", "tensorboard"}
        ``figures.csv`` is always written; tensorboard comes on top.
    """

    method: str = "muon"
    learning_rate: float = 4e-3
    epochs: float = 20.0
    clip: float = 1.0
    warmup: int = 200
    weight_decay: float = 0.01
    validate_every: int = 1000
    keep: tuple[int, ...] = ()
    precision: str = "32"
    accumulate: int = 1
    logger: str = "csv"

    def __post_init__(self) -> None:
        demand(self.method in METHODS, "training.method", f"one of {', '.join(METHODS)}", self.method)
        demand(self.precision in PRECISIONS, "training.precision", f"one of {', '.join(PRECISIONS)}", self.precision)
        demand(self.logger in LOGGERS, "training.logger", f"one of {', '.join(LOGGERS)}", self.logger)
        for name in ("learning_rate", "epochs", "clip", "validate_every", "accumulate"):
            demand(getattr(self, name) > 0, f"training.{name}", "more than 0", getattr(self, name))
        demand(self.learning_rate <= 100, "training.learning_rate", "at most 100", self.learning_rate)
        demand(self.epochs <= 10**6, "training.epochs", "at most a million", self.epochs)
        for name in ("warmup", "weight_decay"):
            demand(getattr(self, name) >= 0, f"training.{name}", "0 or more", getattr(self, name))
        demand(min(self.keep, default=0) >= 0, "training.keep", "steps from 0 on", list(self.keep))


@dataclass(frozen=True)
class StreamTraining(TrainingRecipe):
    """Training on one long text.

    Attributes
    ----------
    streams : int
        Stretches of the text that are read side by side, each with its own carried state.
    window : int
        Steps that a gradient reaches back (truncated BPTT).
    """

    streams: int = 32
    window: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("streams", "window"):
            demand(getattr(self, name) > 0, f"training.{name}", "more than 0", getattr(self, name))


@dataclass(frozen=True)
class ExampleTraining(TrainingRecipe):
    """Training on examples that have nothing to do with each other.

    Attributes
    ----------
    batch_size : int
        Examples a step.
    """

    batch_size: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.batch_size > 0, "training.batch_size", "more than 0", self.batch_size)


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
        The three tables of the file; their keys depend on the task.
    """

    name: str
    task: str
    corpus: Any
    model: Any
    training: Any
    seed: int = 0
    description: str = ""
    limits: str = ""

    def __post_init__(self) -> None:
        demand(0 <= self.seed < 2**63, "seed", "from 0 to 2^63 - 1", self.seed)
        demand_name("name", self.name)

    def as_dict(self) -> dict[str, Any]:
        """Plain tables, as in the file."""
        return asdict(self, dict_factory=lambda items: {k: list(v) if type(v) is tuple else v for k, v in items})


def demand_name(where: str, name: str) -> None:
    """Refuse the name of what gets a folder of its own if no folder can have it, RecipeError."""
    demand(name not in ("", "..") and Path(name).name == name, where, "a name that a folder can have", name)


def demand(holds: bool, where: str, expected: str, got: Any) -> None:
    """Refuse the value of a key, RecipeError."""
    if not holds:
        raise RecipeError(f"{where} must be {expected}; got {got!r}.")

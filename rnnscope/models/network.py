"""What every network that rnnscope trains has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from rich.console import Group
from rich.table import Table
from rich.text import Text
from torch import nn

from rnnscope.card import Card
from rnnscope.errors import ModelError
from rnnscope.shown import card_html
from rnnscope.text import Vocabulary


class Network(nn.Module, ABC):
    """A network that says what it is: enough to keep it in a file and to make it again.

    Attributes
    ----------
    task : str
        What recipes and checkpoints call this kind of network.
    config_type : type
        The dataclass of its configuration, the table ``[model]`` of a recipe.
    config
        One of ``config_type``.
    card : Card or None
        What it was trained on and how well it does.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> isinstance(model, rnnscope.Network), model.task
    (True, 'language-model')
    >>> model.architecture
    'lstm, 1 layer of 256 units, embedding of 64'
    >>> model.card.parameters
    355729
    """

    task: ClassVar[str]
    config_type: ClassVar[type[Any]]
    config: Any
    card: Card | None = None

    @classmethod
    @abstractmethod
    def build(cls, config: Any, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        """An untrained network that knows these symbols.

        Parameters
        ----------
        config
            One of ``config_type``.
        vocabularies : mapping of str to sequence of str
            As `vocabularies` gives them.
        """

    @property
    @abstractmethod
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """The symbols that it knows, by what they are: its characters, its labels. What `build` takes."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """The network in one line, such as ``lstm, 1 layer of 256 units, embedding of 64``."""

    def _repr_html_(self) -> str:
        """Its card, in a notebook."""
        rows = [("task", self.task), ("network", self.architecture)] if self.card is None else self.card.rows()
        table = Table("", "", box=None, show_header=False, pad_edge=False)
        for name, value in rows:
            table.add_row(Text(name, style="bold"), Text(value))
        return card_html(Group(Text(self.card.name if self.card else type(self).__name__, style="bold"), table))

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class CharacterNetwork(Network):
    """A network whose symbols are the characters of one vocabulary."""

    vocabulary: Vocabulary

    @classmethod
    def build(cls, config: Any, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        return cls(config, Vocabulary(vocabularies["characters"]))

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        return {"characters": self.vocabulary.characters[1:]}


class NumberNetwork(Network):
    """A network that reads numbers, and so has no symbols."""

    @classmethod
    def build(cls, config: Any, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        return cls(config)

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        return {}


def check_mode(model: nn.Module) -> None:
    """Refuse a network in training mode.

    Raises
    ------
    ModelError
    """
    if model.training:
        raise ModelError("The model is in training mode, where dropout is at work. Call model.eval() first.")


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels of a network, if they are two or more, each given once.

    Raises
    ------
    ModelError
    """
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ModelError(f"A network needs two labels or more, each given once; got {list(labels)}.")
    return tuple(labels)

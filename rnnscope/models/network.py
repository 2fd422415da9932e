"""What every network that rnnscope trains has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import nn

from rnnscope.card import Card


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
    """

    task: ClassVar[str]
    config_type: ClassVar[type[Any]]
    config: Any
    card: Card | None = None

    @classmethod
    @abstractmethod
    def build(cls, config: Any, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        """An untrained network that knows these symbols."""

    @property
    @abstractmethod
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """The symbols that it knows, by what they are: its characters, its labels. What `build` takes."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """The network in one line, such as ``lstm, 1 layer of 256 units, embedding of 64``."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

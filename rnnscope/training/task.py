"""What a run asks of a task: its data, its network, a loss to lower, and scores beside a baseline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from rnnscope.corpora.data import Data
from rnnscope.models.network import Network

from .recipe import CorpusRecipe, Recipe, TrainingRecipe


@dataclass(frozen=True)
class Score:
    """How well a network does on a part of the data.

    Attributes
    ----------
    part : str
        ``validation`` or ``test``.
    measure : str
        With its unit, such as ``nats per character`` or ``accuracy``.
    value : float
    baselines : dict of name to float
        The same measure of what anybody would try first.
    """

    part: str
    measure: str
    value: float
    baselines: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """Which part of a batch to take: number ``index`` of ``count`` equal ones.

    Several processes, and gradients that are accumulated, divide a batch into shares. Those of one
    batch are ``batch[index::count]``.
    """

    index: int = 0
    count: int = 1


def facts_of(
    data: Data, counted: str, parts: Mapping[str, int], sha256: Mapping[str, str], notes: Mapping[str, str]
) -> dict[str, Any]:
    """What a task tells of its data, see `Task.facts`."""
    about = {"name": data.name, "source": data.source, "licence": data.licence}
    return about | {"counted": counted, "parts": dict(parts), "notes": dict(notes), "sha256": dict(sha256)}


class Task(ABC):
    """One kind of training, with its data opened.

    A subclass reads the data in its constructor, which raises TextError, DownloadError or RecipeError.

    Attributes
    ----------
    network : type of Network
    corpus_recipe, training_recipe : type
        The dataclasses of the tables ``[corpus]`` and ``[training]``.
    unit : str
        Of the loss, such as ``nats``.
    facts : dict
        For the card, and to see on resuming that the data is the same: ``name``, ``source`` and ``licence``
        of the data, ``counted`` (what the parts count: ``characters``), ``parts`` (part to count),
        ``notes`` (title to text: further lines of the card), ``sha256`` (part to digest).
    remarks : tuple of str
        What the user should know before training.
    """

    network: ClassVar[type[Network]]
    corpus_recipe: ClassVar[type[CorpusRecipe]]
    training_recipe: ClassVar[type[TrainingRecipe]]
    unit: str = "nats"
    facts: dict[str, Any]
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def __init__(self, recipe: Recipe) -> None: ...

    @abstractmethod
    def build(self) -> Network:
        """The untrained network of the recipe."""

    @abstractmethod
    def __len__(self) -> int:
        """Batches an epoch."""

    @property
    @abstractmethod
    def batch_size(self) -> float:
        """What a batch holds, in what ``facts["counted"]`` names: the pace of the progress bar."""

    @abstractmethod
    def loss(self, model: Any, index: int, share: Share) -> Tensor:
        """The loss of a share of batch ``index`` of the run; the mean over its shares is that of the batch.

        What a batch holds depends on its index alone (and the recipe's seed), so that a run can be resumed.
        ``model`` is called as the network is, and has nothing else of it.
        """

    @abstractmethod
    def validate(self, model: Any) -> float:
        """The loss on the validation part, in ``unit``; the model is in eval mode."""

    @abstractmethod
    def scores(self, model: Any) -> list[Score]:
        """How the finished network does on the validation and test parts; the model is in eval mode."""

    def state(self) -> dict[str, Any]:
        """What is carried from batch to batch, as tensors in plain containers."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Take up what `state` gave."""

"""Where a network takes in what it reads: vectors that a method can vary, each standing for one token of a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from rnnscope.errors import AttributionError
from rnnscope.models import CharLanguageModel


class Entrance(ABC):
    """How tokens become vectors in a network, and how it can be given vectors in their place.

    Attributes
    ----------
    tokens : int
        How many there are; 0 where the network is given vectors.
    """

    tokens: int

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """The vectors of tokens, of one more axis."""

    @contextmanager
    def noted(self, batch: int) -> Iterator[None]:
        """Inside, the network reads so many sequences, and it is noted in what layout it does."""
        yield

    @abstractmethod
    @contextmanager
    def replaced(self, embedded: Tensor) -> Iterator[None]:
        """Inside, the network reads these vectors of shape (time, batch, size), whatever tokens it is given."""


class EmbeddingEntrance(Entrance):
    """An nn.Embedding that is called with a text's tokens at once, or step by step in a loop."""

    def __init__(self, embedding: nn.Embedding) -> None:
        self.embedding = embedding
        self.tokens = embedding.num_embeddings
        self.batch_first = False

    @torch.no_grad()
    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens).detach()

    @contextmanager
    def noted(self, batch: int) -> Iterator[None]:
        def note(module: nn.Module, given: tuple[Any, ...], found: Tensor) -> None:
            self.batch_first = found.dim() == 3 and len(found) == batch

        handle = self.embedding.register_forward_hook(note)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def replaced(self, embedded: Tensor) -> Iterator[None]:
        steps = iter(embedded.unbind())
        whole = embedded.transpose(0, 1) if self.batch_first else embedded

        def give(module: nn.Module, given: tuple[Any, ...], found: Tensor) -> Tensor:
            step = whole if found.shape == whole.shape else next(steps, None)
            if step is None or step.numel() != found.numel():
                raise AttributionError(
                    f"The embedding is called with tokens of shape {tuple(found.shape[:-1])}; all tokens of the text, "
                    f"{tuple(whole.shape[:-1])}, or one step of it at a time was expected."
                )
            return step.reshape(found.shape).clone()  # the network may change it in place

        handle = self.embedding.register_forward_hook(give)
        try:
            yield
        finally:
            handle.remove()


class OneHotEntrance(Entrance):
    """The recurrent layers of a language model without an embedding."""

    def __init__(self, model: CharLanguageModel) -> None:
        self.rnn, self.tokens, self.dtype = model.rnn, len(model.vocabulary), model.head.weight.dtype

    def embed(self, tokens: Tensor) -> Tensor:
        return one_hot(tokens, self.tokens).to(self.dtype)

    @contextmanager
    def replaced(self, embedded: Tensor) -> Iterator[None]:
        handle = self.rnn.register_forward_pre_hook(lambda module, given: (embedded, *given[1:]))
        try:
            yield
        finally:
            handle.remove()


class VectorEntrance(Entrance):
    """A network that is given vectors: they are what is read."""

    tokens = 0

    def embed(self, tokens: Tensor) -> Tensor:
        return tokens

    @contextmanager
    def replaced(self, embedded: Tensor) -> Iterator[None]:
        yield


def find_embedding(network: nn.Module, path: str | None) -> EmbeddingEntrance:
    """The embedding of a network: the one at a path, or the only one.

    Raises
    ------
    AttributionError
    """
    found = {name: part for name, part in network.named_modules() if isinstance(part, nn.Embedding)}
    if path is not None:
        if not isinstance(path, str) or path not in found:
            raise AttributionError(f"There is no nn.Embedding at {path!r}. There are: {', '.join(found) or 'none'}.")
        return EmbeddingEntrance(found[path])
    if not found:
        raise AttributionError(
            f"{type(network).__name__} holds no nn.Embedding. Give it what it reads as a float tensor of shape "
            "(time, feature), such as one-hot vectors, in place of tokens."
        )
    if len(found) > 1:
        raise AttributionError(
            f"{type(network).__name__} holds several embeddings; say which one reads the text: "
            f"embedding={' or '.join(map(repr, found))}."
        )
    return EmbeddingEntrance(*found.values())

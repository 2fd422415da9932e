"""What is asked of a network about one text: a number that follows from it, for the text and for variants of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import AttributionError, RnnscopeError, TextError
from rnnscope.models import CharLanguageModel, Network, SequenceClassifier
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import unroll
from rnnscope.text import Vocabulary

from .inputs import Entrance, OneHotEntrance, VectorEntrance, find_embedding
from .targets import Target, TargetLike, find_signals, target_of

TextLike = str | Sequence[int] | np.ndarray | Tensor
"""A text, its token ids of shape (time,), or vectors of shape (time, feature)."""

LONGEST = 20_000
"""Characters of the longest text that is asked about."""


@dataclass(frozen=True, eq=False)
class Question:
    """A network, the tokens of one text, and a target: one number that the network makes of the text.

    All passes run through `rnnscope.unroll` in eval mode, whatever mode the network is in, and leave it so.

    Attributes
    ----------
    network : nn.Module
    tokens : int64 tensor of shape (time,), or float tensor of shape (time, feature)
        What the target can depend on: the text up to the step that is asked about.
    text : str or None
        The characters of the tokens, where they are known.
    characters : tuple of str
        One name for each step: its character, its token id, or its number.
    target : str
        In words.
    known : tuple of str
        The character of each token id, where they are known.
    """

    network: nn.Module
    tokens: Tensor
    text: str | None
    characters: tuple[str, ...]
    target: str
    known: tuple[str, ...]
    entrance: Entrance
    call: Callable[[Tensor], Any]
    batch_first: bool
    read: Target

    @classmethod
    def of(
        cls,
        network: nn.Module,
        text: TextLike,
        target: TargetLike = None,
        *,
        characters: Sequence[str] | None = None,
        embedding: str | None = None,
    ) -> Question:
        """Ask a network about a text.

        Parameters
        ----------
        network : nn.Module
            With recurrent layers.
        text : str, token ids of shape (time,), or float tensor of shape (time, feature)
        target
            As of `rnnscope.attribute`.
        characters : sequence of str, optional
            The character of each token id, of a module that has no vocabulary of its own.
        embedding : str, optional
            The path of the nn.Embedding that reads the text, where there are several.

        Raises
        ------
        AttributionError, TextError, AddressError, RecordingError
        """
        call, batch_first = _call(network)
        known = _characters(network, characters)
        tokens = _tokens(text, known)
        if not 1 <= len(tokens) <= LONGEST:
            raise TextError(
                f"A text of 1 to {LONGEST:,} characters is expected; got {len(tokens):,}. Take a part of it."
            )
        entrance = _entrance(network, tokens, embedding)
        if not tokens.is_floating_point() and not 0 <= int(tokens.min()) <= int(tokens.max()) < entrance.tokens:
            raise TextError(f"Token ids are from 0 to {entrance.tokens - 1}; got {tokens.min()} to {tokens.max()}.")
        tokens = tokens.to(next((p.device for p in network.parameters()), tokens.device))
        if target is None and isinstance(network, SequenceClassifier):
            with evaluating(network), torch.no_grad():
                target = int(call(tokens[:, None])[0].argmax())
        elif target is None and isinstance(network, CharLanguageModel):
            target = (_names(tokens, text, known)[1][-1], -1)
        found = target_of(network, target, len(tokens))
        tokens = tokens[: found.steps]
        read, names = _names(tokens, text, known)
        return cls(network, tokens, read, names, found.words, known, entrance, call, batch_first, found)

    def embed(self, tokens: Tensor) -> Tensor:
        """Vectors of shape (time, batch, size) of tokens of shape (time, batch), without a graph."""
        return self.entrance.embed(tokens)

    def value(self, tokens: Tensor) -> Tensor:
        """The target for variants of the text, of shape (batch,).

        Parameters
        ----------
        tokens : tensor of shape (time, batch) or (time, batch, feature)
            Of the length of the question's.
        """
        return self.from_embeddings(self.embed(tokens))

    def from_embeddings(self, embedded: Tensor) -> Tensor:
        """The target for vectors of shape (time, batch, size) in place of the embedded tokens, of shape (batch,)."""
        return self.watched(embedded)[0]

    def watched(self, embedded: Tensor, signals: Sequence[str] | None = None) -> tuple[Tensor, Recording]:
        """As `from_embeddings`, with a recording whose signals are nodes of the graph (see `rnnscope.unroll`)."""
        wanted = [str(self.read.signal or find_signals(self.network)[0]), *(signals or ())]
        batch = embedded.shape[1]
        vectors = isinstance(self.entrance, VectorEntrance)
        given = embedded if vectors else self.tokens[:, None].expand(-1, batch)
        given = given.transpose(0, 1) if self.batch_first else given
        with (
            evaluating(self.network),
            unroll(self.network, wanted) as recording,
            self.entrance.replaced(embedded, batch_first=self.batch_first),
        ):
            value = self.read.read(_called(self.call, given), recording)
        if not isinstance(value, Tensor) or value.shape != (batch,):
            found = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"type {type(value).__name__}"
            raise AttributionError(
                f"A target is one number a sequence, of shape ({batch},); {self.target} is of {found}."
            )
        return value, recording


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Inside, no part of a network is in training mode; after it, each is in its own again."""
    training = [part for part in network.modules() if part.training]
    network.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _call(network: nn.Module) -> tuple[Callable[[Tensor], Any], bool]:
    """How the network is run on tokens of shape (time, batch), or (batch, time) where the flag says so."""
    if isinstance(network, CharLanguageModel):
        return network, False
    if isinstance(network, SequenceClassifier):
        if network.config.bidirectional:
            return lambda tokens: network(tokens, torch.full(tokens.shape[1:], len(tokens))), False
        return lambda tokens: network.running(tokens)[-1], False  # without packing, whose steps are not nodes
    if isinstance(network, Network) or not isinstance(network, nn.Module):
        raise AttributionError(
            "A classifier, a language model, or a module that takes one tensor was expected; got "
            f"{getattr(network, 'task', type(network).__name__)}."
        )
    return network, any(getattr(part, "batch_first", False) for part in network.modules())


def _called(call: Callable[[Tensor], Any], given: Tensor) -> Any:
    try:
        return call(given)
    except RnnscopeError:
        raise
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise AttributionError(
            f"The network cannot read a tensor of shape {tuple(given.shape)}: {str(error).rstrip('.')}. "
            "Wrap it in a module that takes one tensor, of shape (time, batch), or (batch, time) if its layers have "
            "batch_first."
        ) from error


def _characters(network: nn.Module, characters: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(network, CharLanguageModel | SequenceClassifier):
        if characters is not None:
            raise TextError("This network has its own vocabulary; characters= is for a module that has none.")
        return network.vocabulary.characters
    found = tuple(characters or ())
    if any(len(c) != 1 for c in found) or len(set(found)) < len(found):
        raise TextError("characters are distinct and single, in the order of their token ids.")
    return found


def _tokens(text: Any, known: tuple[str, ...]) -> Tensor:
    """Token ids of shape (time,), or vectors of shape (time, feature)."""
    if isinstance(text, str):
        if not known:
            raise TextError("Give token ids in place of a text, or characters= in the order of their ids.")
        ids = {character: token for token, character in enumerate(known)}
        strangers = sorted(set(text) - set(ids))
        if strangers and known[0] != Vocabulary.UNKNOWN:
            raise TextError(f"The network does not know {', '.join(map(repr, strangers[:10]))}.")
        return torch.tensor([ids.get(character, 0) for character in text], dtype=torch.int64)
    try:
        tokens = torch.as_tensor(text).detach()
    except (TypeError, ValueError, RuntimeError):
        tokens = torch.empty(())
    if tokens.dim() == 2 and tokens.is_floating_point() and bool(tokens.isfinite().all()):
        return tokens
    if tokens.dim() != 1 or tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise TextError(
            "A text, token ids of shape (time,), or finite vectors of shape (time, feature) were expected; got "
            f"{type(text).__name__}{f' of shape {tuple(tokens.shape)}' if tokens.dim() else ''}."
        )
    return tokens.to(torch.int64)


def _entrance(network: nn.Module, tokens: Tensor, embedding: str | None) -> Entrance:
    known = isinstance(network, CharLanguageModel | SequenceClassifier)
    if tokens.is_floating_point():
        if known:
            raise TextError("This network reads characters; got vectors.")
        return VectorEntrance()
    if isinstance(network, CharLanguageModel) and network.embedding is None:
        return OneHotEntrance(network)
    return find_embedding(network, embedding)


def _names(tokens: Tensor, text: Any, known: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The text that was read, and a name for each step."""
    if tokens.is_floating_point():
        return None, tuple(map(str, range(len(tokens))))
    if isinstance(text, str):
        return text[: len(tokens)], tuple(text[: len(tokens)])
    if not known or int(tokens.max()) >= len(known):
        return None, tuple(map(str, tokens.tolist()))
    names = tuple(known[token] for token in tokens.tolist())
    return "".join(names), names

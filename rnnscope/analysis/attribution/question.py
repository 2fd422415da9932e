"""What is asked of a network about one text: a number that follows from it, for the text and for variants of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import AttributionError, RnnscopeError, TextError
from rnnscope.models import CharLanguageModel, Network, SequenceClassifier
from rnnscope.recording.layers import recurrent_layers, signals_of
from rnnscope.recording.recorder import record, unroll
from rnnscope.text import Vocabulary

from .inputs import Entrance, OneHotEntrance, VectorEntrance, find_embedding
from .targets import Target, TargetLike, target_of

TextLike = str | Sequence[int] | np.ndarray | Tensor
"""A text, its token ids of shape (time,), or vectors of shape (time, feature)."""

LONGEST = 20_000
"""Characters of the longest text that is asked about."""

_FAILURES = (IndexError, RuntimeError, TypeError, ValueError)
"""Of a module that is given what it does not take."""


@dataclass(frozen=True, eq=False)
class Question:
    """A network, the tokens of one text, and a target: one number that the network makes of the text.

    All passes are in eval mode, whatever mode the network is in, and leave it so.

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
        call = _call(network)
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
        batch_first = not isinstance(network, Network) and _is_batch_first(network, entrance, tokens)
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
        """The target for vectors of shape (time, batch, size) in place of the embedded tokens, of shape (batch,).

        By `rnnscope.unroll`; where no gradients are wanted (torch.no_grad) by the fused kernels, which are faster.
        """
        run = unroll if torch.is_grad_enabled() else record
        batch = embedded.shape[1]
        vectors = isinstance(self.entrance, VectorEntrance)
        given = embedded if vectors else self.tokens[:, None].expand(-1, batch)
        given = given.transpose(0, 1) if self.batch_first else given
        with (
            evaluating(self.network),
            run(self.network, [str(self.read.signal or signals_of(recurrent_layers(self.network))[0])]) as recording,
            self.entrance.replaced(embedded),
        ):
            value = self.read.read(_called(self.call, given), recording)
        if not isinstance(value, Tensor) or value.shape != (batch,):
            found = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"type {type(value).__name__}"
            raise AttributionError(
                f"A target is one number a sequence, of shape ({batch},); {self.target} is of {found}."
            )
        return value

    def finite(self, values: Tensor) -> Tensor:
        """The values themselves, if all are numbers.

        Raises
        ------
        AttributionError
        """
        if not bool(values.isfinite().all()):
            raise AttributionError(
                f"The {self.target}, or its gradient, is not a finite number here. Look for NaN or infinite weights, "
                "or take another target or baseline."
            )
        return values


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


def _call(network: nn.Module) -> Callable[[Tensor], Any]:
    """How the network is run on tokens."""
    if isinstance(network, CharLanguageModel):
        return network
    if isinstance(network, SequenceClassifier):
        if network.config.bidirectional:
            return lambda tokens: network(tokens, torch.full(tokens.shape[1:], len(tokens)))
        return lambda tokens: network.running(tokens)[-1]  # without packing, whose steps are not nodes
    if isinstance(network, Network) or not isinstance(network, nn.Module):
        raise AttributionError(
            "A classifier, a language model, or a module that takes one tensor was expected; got "
            f"{getattr(network, 'task', type(network).__name__)}."
        )
    return network


def _is_batch_first(network: nn.Module, entrance: Entrance, tokens: Tensor) -> bool:
    """Whether a module takes (batch, time): what its recurrent layers then see decides, or else their own flag.

    What the embedding sees is noted.
    """
    flag = any(getattr(part, "batch_first", False) for part in network.modules())
    signal, batch = str(signals_of(recurrent_layers(network))[0]), 3 if len(tokens) == 2 else 2
    given = tokens[:, None].expand(-1, batch, *tokens.shape[1:])
    for batch_first in (flag, not flag):
        with suppress(*_FAILURES, RnnscopeError), evaluating(network), torch.no_grad():
            with record(network, [signal]) as recording, entrance.noted(batch):
                network(given.transpose(0, 1) if batch_first else given)
            if recording[signal].shape[1] == batch:
                return batch_first
    return flag


def _called(call: Callable[[Tensor], Any], given: Tensor) -> Any:
    try:
        return call(given)
    except RnnscopeError:
        raise
    except _FAILURES as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise AttributionError(
            f"The network fails on a tensor of shape {tuple(given.shape)}: {str(error).rstrip('.')}. "
            "If it does not take one tensor of shape (time, batch) or (batch, time), wrap it in a module that does."
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
    if tokens.dim() != 1 or tokens.dtype == torch.bool or tokens.is_floating_point() or tokens.is_complex():
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

"""Reading a text with a network: characters to token ids, token ids to what was expected next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import RecordingError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.text import Vocabulary, codepoints

Tokens = str | Sequence[int] | np.ndarray | Tensor
"""A text, or token ids of shape (time,)."""


class Reader(ABC):
    """A network in eval mode that reads token ids.

    Attributes
    ----------
    characters : tuple of str
        The character of each token id; none where nobody knows them.
    whole : bool
        Whether it reads a text at once; else chunk by chunk, with the state carried over.
    """

    characters: tuple[str, ...]
    whole: bool
    _state: Any = None

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """Token ids of a text, of shape (time,)."""

    @abstractmethod
    def read(self, tokens: np.ndarray) -> Tensor | None:
        """Go on reading; the logits after each token, of shape (time, token), if the network gives such."""

    def restart(self) -> None:
        """Forget what was read."""
        self._state = None

    def text_of(self, tokens: np.ndarray) -> str:
        """The characters of token ids; U+FFFD for those that have none."""
        known = dict(enumerate(self.characters))
        return "".join(known.get(int(token), Vocabulary.UNKNOWN) for token in tokens)


class LanguageModelReader(Reader):
    """Reads with a network of ours."""

    def __init__(self, model: CharLanguageModel) -> None:
        self._model = model
        self.restart()
        self.characters = model.vocabulary.characters
        self.whole = model.config.bidirectional

    def encode(self, text: str) -> np.ndarray:
        return self._model.vocabulary.encode(text)

    def read(self, tokens: np.ndarray) -> Tensor | None:
        ids = torch.from_numpy(tokens).to(self._model.head.weight.device).unsqueeze(1)
        logits, state = self._model(ids, self._state)
        if self.whole:  # it has seen what comes next
            return None
        self._state = state
        return logits[:, 0]


class ModuleReader(Reader):
    """Reads with any module that takes token ids of shape (time, batch), or (batch, time) if its layers do."""

    whole = True

    def __init__(self, module: nn.Module, characters: Sequence[str] | None) -> None:
        self._module = module
        self._batch_axis = 0 if any(getattr(m, "batch_first", False) for m in module.modules()) else 1
        self._sees_ahead = any(getattr(m, "bidirectional", False) for m in module.modules())
        self._device = next((p.device for p in module.parameters()), torch.device("cpu"))
        self.characters = tuple(characters or ())
        embeddings = (m.num_embeddings for m in module.modules() if isinstance(m, nn.Embedding))
        self._tokens = len(self.characters) or next(embeddings, 0)
        if any(len(character) != 1 for character in self.characters) or len(set(self.characters)) < len(
            self.characters
        ):
            raise TextError("characters are distinct and single, in the order of their token ids.")

    def encode(self, text: str) -> np.ndarray:
        if not self.characters:
            raise TextError(
                f"{type(self._module).__name__} does not say which characters it knows. Give its token ids "
                "instead of a text, or characters= in the order of their ids."
            )
        ids = {character: token for token, character in enumerate(self.characters)}
        if strangers := sorted(set(text) - set(ids)):
            raise TextError(f"The network does not know {', '.join(map(repr, strangers[:10]))}.")
        return np.array([ids[character] for character in text])

    def read(self, tokens: np.ndarray) -> Tensor | None:
        ids = torch.from_numpy(tokens).to(self._device).unsqueeze(self._batch_axis)
        try:
            returned = self._module(ids)
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise RecordingError(
                f"{type(self._module).__name__} cannot read token ids of shape {tuple(ids.shape)}: {reason}. "
                "Run it as it wants to be run inside `with rnnscope.record(module) as recording:`."
            ) from error
        return None if self._sees_ahead else self._logits(returned, len(tokens))

    def _logits(self, returned: Any, time: int) -> Tensor | None:
        """The first of what is returned, if it has a value for each step and each token that can be read."""
        first = returned[0] if isinstance(returned, tuple | list) and returned else returned
        if not isinstance(first, Tensor) or not first.is_floating_point():
            return None
        if first.dim() == 3 and first.shape[self._batch_axis] == 1:
            first = first.squeeze(self._batch_axis)
        return first if first.shape == (time, self._tokens) else None


def reader_of(model: nn.Module, characters: Sequence[str] | None) -> Reader:
    """The reader of a network."""
    if not isinstance(model, CharLanguageModel):
        return ModuleReader(model, characters)
    if characters is not None:
        raise TextError("This network has its own vocabulary; characters= is for a module that has none.")
    return LanguageModelReader(model)


class Source:
    """What is read: token ids and code points, a chunk at a time."""

    def __init__(self, text: Tokens, reader: Reader) -> None:
        self._reader = reader
        self._text = text if isinstance(text, str) else None
        self._tokens = None if isinstance(text, str) else _token_array(text, len(reader.characters))
        if len(self) == 0:
            raise TextError("The text is empty; at least one character is needed.")

    def __len__(self) -> int:
        return len(self._text if self._tokens is None else self._tokens)  # pyright: ignore[reportArgumentType]

    def chunk(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids and code points, each of shape (time,)."""
        if self._text is not None:
            stretch = self._text[start:stop]
            return self._reader.encode(stretch), codepoints(stretch)
        assert self._tokens is not None
        tokens = self._tokens[start:stop]
        return tokens, codepoints(self._reader.text_of(tokens))


def _token_array(tokens: Sequence[int] | np.ndarray | Tensor, size: int) -> np.ndarray:
    array = np.asarray(tokens.cpu() if isinstance(tokens, Tensor) else tokens)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise TextError(f"Token ids are whole numbers of shape (time,); got {array.dtype} of shape {array.shape}.")
    if array.size and (array.min() < 0 or (size and array.max() >= size)):
        last = f"to {size - 1}" if size else "on"
        raise TextError(f"Token ids go from 0 {last}; got {array.min()} to {array.max()}.")
    return array.astype(np.int64)

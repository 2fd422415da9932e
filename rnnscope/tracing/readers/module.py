"""Any module that takes token ids, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import RecordingError, TextError
from rnnscope.recording.layers import recurrent_layers

from .reader import Clock, Page, Stretch, costs, guesses, no_costs, no_guesses
from .tokens import TokenReader


class ModuleReader(TokenReader):
    """Gives a module token ids of shape (time, batch), or (batch, time) if its layers want it so.

    Each document is read in one pass of its own: nobody knows what the module would make of padding.
    """

    def __init__(self, module: nn.Module, characters: Sequence[str] | None) -> None:
        self._layers = list(recurrent_layers(module))
        self._module = module
        self._batch_axis = 0 if any(getattr(m, "batch_first", False) for m in module.modules()) else 1
        self._sees_ahead = any(getattr(m, "bidirectional", False) for m in module.modules())
        self._device = next((p.device for p in module.parameters()), torch.device("cpu"))
        self.characters = self.outcomes = () if characters is None else tuple(characters)
        single = all(isinstance(c, str) and len(c) == 1 for c in self.characters)
        if not single or len(set(self.characters)) < len(self.characters):
            raise TextError("characters are distinct and single, in the order of their token ids.")
        embeddings = (m.num_embeddings for m in module.modules() if isinstance(m, nn.Embedding))
        self._tokens = len(self.characters) or next(embeddings, 0)

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

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for page in pages:
            tokens = self.tokens(page)
            logits = self._run(tokens)
            if logits is None:
                columns = {"nll": no_costs(len(tokens)), **no_guesses(len(tokens))}
            else:
                log_p = logits.float().log_softmax(dim=-1).roll(1, dims=0)
                log_p[0] = torch.nan
                columns = {"nll": costs(log_p, tokens), **guesses(log_p)}
            clocks = dict.fromkeys(self._layers, Clock.of([len(tokens)]))
            yield Stretch({"token": tokens, **columns}, clocks, self.known(tokens))

    def _run(self, tokens: np.ndarray) -> Tensor | None:
        """Logits of shape (time, token), if the module gives such."""
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

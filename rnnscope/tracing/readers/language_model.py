"""A language model: at each step, what it held probable before it read the character."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnscope.models import CharLanguageModel

from .reader import Clock, Page, Stretch, costs, guesses, no_costs, no_guesses, room, side_by_side, together
from .tokens import TokenReader


class LanguageModelReader(TokenReader):
    """Short documents are read side by side, a long one stretch by stretch with the state carried over."""

    def __init__(self, model: CharLanguageModel) -> None:
        self.model = model
        self.characters = self.outcomes = model.vocabulary.characters
        self.whole = model.config.bidirectional  # it has to see the end
        self._room = room(max(model.config.hidden_size, len(self.characters)))

    def encode(self, text: str) -> np.ndarray:
        return self.model.vocabulary.encode(text)

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        if self.whole:  # padding would be read as a part of the text
            yield from (self._read_whole(page) for page in pages)
            return
        for group in together(pages, self._room):
            yield from self._read_along(group[0]) if len(group) == 1 else [self._read_beside(group)]

    def _read_along(self, page: Page) -> Iterator[Stretch]:
        state, expected = None, None
        for start in range(0, len(page.text), self._room):
            tokens = self.tokens(page, start, start + self._room)
            logits, state = self.run(side_by_side([tokens]), state)
            log_p = logits[:, 0].float().log_softmax(dim=-1)
            before = torch.full_like(log_p[:1], torch.nan) if expected is None else expected
            expected = log_p[-1:]
            yield self._stretch(tokens, torch.cat((before, log_p[:-1])), Clock.of([len(tokens)]))

    def _read_beside(self, group: Sequence[Page]) -> Stretch:
        rows = [self.tokens(page) for page in group]
        clock = Clock.of([len(row) for row in rows])
        logits, _ = self.run(side_by_side(rows), None)
        log_p = clock.pick(logits).float().log_softmax(dim=-1).roll(1, dims=0)
        log_p[clock.steps == 0] = torch.nan
        return self._stretch(np.concatenate(rows), log_p, clock)

    def _read_whole(self, page: Page) -> Stretch:
        tokens = self.tokens(page)
        self.run(side_by_side([tokens]), None)
        columns = {"token": tokens, "nll": no_costs(len(tokens)), **no_guesses(len(tokens))}
        return Stretch(columns, {"": Clock.of([len(tokens)])}, self.known(tokens))

    def run(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits for tokens of shape (time, batch), and the state after them."""
        return self.model(tokens.to(self.model.device), state)

    def _stretch(self, tokens: np.ndarray, log_p: Tensor, clock: Clock) -> Stretch:
        columns = {"token": tokens, "nll": costs(log_p, tokens), **guesses(log_p)}
        return Stretch(columns, {"": clock}, self.known(tokens))

"""A classifier of texts: at each step, what it would say if the text ended there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from rnnscope.models import SequenceClassifier

from .reader import Clock, Page, Stretch, guesses, no_costs, room, side_by_side, together
from .tokens import TokenReader


class ClassifierReader(TokenReader):
    """A guess is a label, after the character is read; in both directions there is one only at the end."""

    cut = "line"

    def __init__(self, model: SequenceClassifier) -> None:
        self._model = model
        self.characters, self.outcomes = model.vocabulary.characters, model.labels
        self._room = room(model.config.hidden_size)

    def encode(self, text: str) -> np.ndarray:
        return self._model.vocabulary.encode(text)

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for group in together(pages, self._room):
            rows = [self.tokens(page) for page in group]
            clock = Clock.of([len(row) for row in rows])
            log_p = self._beliefs(side_by_side(rows).to(self._model.device), clock)
            tokens = np.concatenate(rows)
            columns = {"token": tokens, "nll": no_costs(len(tokens)), **guesses(log_p)}
            yield Stretch(columns, {"": clock}, self.known(tokens))

    def _beliefs(self, tokens: Tensor, clock: Clock) -> Tensor:
        """Log-probabilities of the labels at each step, NaN where there is no belief yet."""
        if not self._model.config.bidirectional:
            return clock.pick(self._model.running(tokens)).float().log_softmax(dim=-1)
        lengths = np.bincount(clock.columns)
        last = self._model(tokens, torch.from_numpy(lengths)).float().log_softmax(dim=-1)
        log_p = torch.full((len(clock.steps), last.shape[-1]), torch.nan, device=last.device)
        log_p[lengths.cumsum() - 1] = last
        return log_p

"""A tagger of words: two clocks, one of characters and one of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnscope.errors import TextError
from rnnscope.models.tagger import LONGEST_SPELLING, SequenceTagger

from .reader import Clock, Page, Reader, Stretch, guesses, no_costs, room, together


class TaggerReader(Reader):
    """A document is a sentence of words with white space between them.

    ``spelling`` steps at each character of a word, ``rnn`` at its last one; there the guesses are its labels.
    """

    cut = "line"

    def __init__(self, model: SequenceTagger) -> None:
        self._model = model
        self.characters, self.outcomes = model.lexicon.characters.characters, model.labels
        self._room = room(LONGEST_SPELLING * model.config.character_hidden_size)  # words are padded to the longest

    def pages(self, given: Any) -> list[Page]:
        pages = super().pages(given)
        for page in pages:
            if not page.text.strip():
                raise TextError(f"{page.name} is blank; a sentence of at least one word is needed.")
        return pages

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for group in together(pages, self._room):
            yield self._read_beside(group)

    def _read_beside(self, group: Sequence[Page]) -> Stretch:
        sentences = [_WORD.findall(page.text) for page in group]
        batch = self._model.lexicon.encode(sentences)
        logits = self._model(*(part.to(self._model.device) for part in batch))
        starts, lengths = _spans(group)
        by_word = Clock.of([len(sentence) for sentence in sentences], starts + lengths - 1)
        by_character = _spelt(starts, lengths, by_word.pick(batch[0].numpy()))
        columns = self._columns("".join(page.text for page in group), by_word, logits)
        return Stretch(columns, {"spelling": by_character, "rnn": by_word}, self.known(columns["token"]))

    def _columns(self, text: str, clock: Clock, logits: Tensor) -> dict[str, np.ndarray]:
        log_p = torch.full((len(text), logits.shape[-1]), torch.nan, device=logits.device)
        log_p[clock.places] = clock.pick(logits).float().log_softmax(dim=-1)
        blank = np.array([character.isspace() for character in text])
        tokens = np.where(blank, -1, self._model.lexicon.characters.encode(text))
        return {"token": tokens, "nll": no_costs(len(text)), **guesses(log_p)}


_WORD = re.compile(r"\S+")


def _spans(group: Sequence[Page]) -> tuple[np.ndarray, np.ndarray]:
    """Where the words of all pages start, one page after another, and their lengths."""
    offsets = accumulate((len(page.text) for page in group), initial=0)
    spans = [
        (offset + word.start(), len(word[0]))
        for offset, page in zip(offsets, group, strict=False)
        for word in _WORD.finditer(page.text)
    ]
    starts, lengths = np.array(spans).T
    return starts, lengths


def _spelt(starts: np.ndarray, lengths: np.ndarray, which: np.ndarray) -> Clock:
    """The clock of the layer that reads each distinct word once; ``which`` says which one each word of the text is."""
    clock = Clock.of(np.minimum(lengths, LONGEST_SPELLING).tolist())
    return Clock(clock.steps, which[clock.columns], starts[clock.columns] + clock.steps)

"""A translator: a document is a text and what the network makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnnscope.models.translator import Translator, source_tokens

from .reader import Clock, Page, Stretch, room, side_by_side, together
from .written import MARK, WrittenReader


class TranslatorReader(WrittenReader):
    """``encoder`` steps at the characters of the source, ``decoder`` from the mark on."""

    cut = "line"
    initial_state = "zeros; of the decoder, made from the encoder's last"

    def __init__(self, model: Translator) -> None:
        self._model = model
        self.written = model.target
        self.characters, self.outcomes = model.source.characters, model.target.characters
        self._room = room(max(model.config.hidden_size, len(self.outcomes)))

    def pages(self, given: Any) -> list[Page]:
        sources = super().pages(given)
        translations = self._model.translate([page.text for page in sources])
        return [
            Page(page.name, f"{page.text}{MARK}{translation}", len(page.text))
            for page, translation in zip(sources, translations, strict=True)
        ]

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for group in together(pages, self._room):
            sources = [page.text[: page.content] for page in group]
            rows = self.rows([page.text[page.content + 1 :] for page in group])
            writes = np.concatenate([np.arange(len(page.text)) >= page.content for page in group])
            reading = Clock.of([len(source) for source in sources], np.flatnonzero(~writes))
            writing = Clock.of([len(row) for row in rows], np.flatnonzero(writes))
            source, lengths = source_tokens(sources, self._model.source)
            logits = self._model(source, lengths, side_by_side(rows).to(self._model.device))
            tokens = np.empty(len(writes), dtype=np.int64)
            tokens[reading.places], tokens[writing.places] = reading.pick(source.numpy()), np.concatenate(rows)
            clocks = {"encoder": reading, "decoder": writing}
            yield Stretch(self.columns(tokens, writing, logits), clocks, self.known(tokens) | writes)

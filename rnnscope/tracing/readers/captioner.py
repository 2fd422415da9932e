"""A captioner: a document is an image, its text the caption that the network writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from rnnscope.errors import TextError
from rnnscope.models.captioner import Captioner
from rnnscope.tracing.documents import as_numbers, holds_texts, numbered, parts

from .reader import Clock, Page, Stretch, room, side_by_side, together
from .tables import corpus_of, open_images
from .written import MARK, WrittenReader

_TOGETHER = 256
"""Images that are captioned side by side."""


class CaptionerReader(WrittenReader):
    """Reads rows of a CSV file, or arrays of pixels."""

    initial_state = "made from the image"

    def __init__(self, model: Captioner) -> None:
        self._model = model
        self.written = model.vocabulary
        self.characters = self.outcomes = model.vocabulary.characters
        self._room = room(max(model.config.hidden_size, len(self.characters)))

    def pages(self, given: Any) -> list[Page]:
        if holds_texts(given):
            tables = [open_images(part, corpus_of(self._model)) for part in parts(given)]
            names = [name for rows, _ in tables for name in rows]
            images = np.concatenate([self._shaped(pixels) for _, pixels in tables])
        else:
            images = self._shaped(as_numbers(given, "float32"))
            names = numbered(len(images), "image")
        groups = np.split(images, range(_TOGETHER, len(images), _TOGETHER))
        captions = [MARK + caption for group in groups for caption in self._model.caption(group)]
        return [Page(*page) for page in zip(names, captions, images, strict=True)]

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for group in together(pages, self._room):
            rows = self.rows([page.text[len(MARK) :] for page in group])
            clock, tokens = Clock.of([len(row) for row in rows]), np.concatenate(rows)
            images = torch.from_numpy(np.stack([page.content for page in group]))
            logits = self._model(*(part.to(self._model.device) for part in (images, side_by_side(rows))))
            yield Stretch(self.columns(tokens, clock, logits), {"": clock}, np.ones(len(tokens), bool))

    def _shaped(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels of shape (image, pixel), from those of one image or several, in rows or not."""
        size = self._model.config.image_size
        in_rows = pixels.ndim in (1, 2) and pixels.shape[-1] == size
        if pixels.size and (in_rows or (pixels.ndim in (2, 3) and np.prod(pixels.shape[-2:]) == size)):
            return pixels.reshape(-1, size)
        raise TextError(
            f"The network reads images of {size} pixels: arrays of shape (image, pixel) or (image, row, column), or "
            f"CSV files with a column a pixel; got shape {pixels.shape}."
        )

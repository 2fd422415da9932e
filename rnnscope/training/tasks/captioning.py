"""Captioning: the text of an image, character by character, with the right one so far given (teacher forcing)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnnscope.corpora.digits import CaptionedImages, open_images
from rnnscope.corpora.splitting import SCORED
from rnnscope.errors import RecipeError
from rnnscope.models.captioner import Captioner
from rnnscope.models.decoding import END, START
from rnnscope.text import Vocabulary
from rnnscope.training.example_task import ExampleTask
from rnnscope.training.recipe import CorpusRecipe, Recipe
from rnnscope.training.task import Score, facts_of

_BATCH = 256
"""Images that are scored at once."""

_PADDING = -100


@dataclass(frozen=True)
class CaptioningRecipe(CorpusRecipe):
    """Which captioned images: a named corpus (``digits``), or a CSV file with a column for each pixel.

    Attributes
    ----------
    column : str
        The column of captions in the file at ``path``.
    """

    column: str = "caption"


class Captioning(ExampleTask):
    """Images with their texts, scored by the texts that the network writes greedily."""

    network = Captioner
    corpus_recipe = CaptioningRecipe

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        wanted = recipe.corpus
        corpus = open_images(wanted.name, wanted.path, wanted.encoding, wanted.column, wanted.split)
        self.images = corpus.parts
        train = self.images["train"]
        if recipe.model.image_size != train.pixels.shape[1]:
            raise RecipeError(
                f"model.image_size must be {train.pixels.shape[1]}, the pixels of an image of {corpus.name}; "
                f"got {recipe.model.image_size}."
            )
        self._vocabulary = Vocabulary.of(START, END, *train.captions)
        self._tokens = {
            part: [torch.from_numpy(self._vocabulary.encode(START + caption + END)) for caption in images.captions]
            for part, images in self.images.items()
        }
        self.open_examples([len(tokens) for tokens in self._tokens["train"]], recipe)
        self.facts = facts_of(
            corpus,
            "images",
            parts={part: len(images) for part, images in self.images.items()},
            sha256={part: _digest(images) for part, images in self.images.items()},
            notes=corpus.notes,
        )
        self.remarks = tuple(self._remarks())

    def build(self) -> Captioner:
        model = Captioner(self._recipe.model, self._vocabulary)
        pixels = self.images["train"].pixels
        model.standardise(float(pixels.mean()), float(pixels.std()) or 1.0)
        return model

    def summed_loss(self, model: Any, places: Sequence[int]) -> Tensor:
        return self._nats(model, "train", places, next(model.parameters()).device)

    def weight(self, places: Sequence[int]) -> int:
        return self._characters("train", places)

    @torch.no_grad()
    def validate(self, model: Captioner) -> float:
        return self._nats_per_character(model, "validation")

    @torch.no_grad()
    def scores(self, model: Captioner) -> list[Score]:
        scores = []
        for part in SCORED:
            images = self.images[part]
            written = {"network": self._write(model, images.pixels), **self._baselines(images.pixels)}
            scores.append(Score(part, "nats per character", self._nats_per_character(model, part)))
            scores.append(_score(part, "share of captions right", written, images.captions, _equal))
            if images.subjects:
                scores.append(_score(part, "share of names right", written, images.subjects, _names))
        return scores

    def _nats(self, model: Any, part: str, chosen: Sequence[int], device: torch.device) -> Tensor:
        """The loss of some images, summed over the characters of their captions."""
        tokens = pad_sequence([self._tokens[part][i] for i in chosen], padding_value=_PADDING).to(device)
        images = torch.from_numpy(self.images[part].pixels[list(chosen)]).to(device)
        logits = model(images, tokens[:-1].clamp(min=0))
        return functional.cross_entropy(
            logits.flatten(0, 1), tokens[1:].flatten(), ignore_index=_PADDING, reduction="sum"
        )

    def _characters(self, part: str, chosen: Sequence[int]) -> int:
        """What is predicted of some captions: their characters and the end of text."""
        return sum(len(self._tokens[part][i]) - 1 for i in chosen)

    def _nats_per_character(self, model: Captioner, part: str) -> float:
        places = range(len(self.images[part]))
        batches = (places[start : start + _BATCH] for start in places[::_BATCH])
        total = sum(float(self._nats(model, part, batch, model.device)) for batch in batches)
        return total / self._characters(part, places)

    def _write(self, model: Captioner, pixels: np.ndarray) -> list[str]:
        longest = max(len(tokens) for part in self._tokens.values() for tokens in part)
        batches = (pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH))
        return [text for batch in batches for text in model.caption(batch, longest=longest)]

    def _baselines(self, pixels: np.ndarray) -> dict[str, list[str]]:
        """The most frequent caption of the training part, and that of its nearest image (Euclidean)."""
        train = self.images["train"]
        frequent = Counter(train.captions).most_common(1)[0][0]
        nearest = NearestNeighbors(n_neighbors=1).fit(train.pixels).kneighbors(pixels, return_distance=False)
        return {
            "most frequent caption": [frequent] * len(pixels),
            "nearest image's caption": [train.captions[i] for i in nearest[:, 0]],
        }

    def _remarks(self) -> list[str]:
        return [
            f"{count:,} characters in captions of the {part} part are unknown to the vocabulary of the training part."
            for part, captions in self._tokens.items()
            if (count := sum(int((tokens == 0).sum()) for tokens in captions))
        ]


def _score(part: str, measure: str, written: dict[str, list[str]], wanted: Sequence[str], right: Any) -> Score:
    shares = {name: sum(map(right, captions, wanted)) / len(wanted) for name, captions in written.items()}
    return Score(part, measure, shares.pop("network"), shares)


def _equal(caption: str, wanted: str) -> bool:
    return caption == wanted


def _names(caption: str, wanted: str) -> bool:
    """Whether the word is in a caption."""
    return wanted in re.findall(r"\w+", caption)


def _digest(images: CaptionedImages) -> str:
    digest = hashlib.sha256(images.pixels.astype("<f4").tobytes())
    digest.update("\0".join(images.captions).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()

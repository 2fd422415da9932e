"""The text that a recipe names, as token ids, with the facts that a card tells about it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rnnscope.corpora import open_corpus
from rnnscope.errors import TextError
from rnnscope.text import Document, Vocabulary

from .recipe import CorpusRecipe


@dataclass(frozen=True)
class TrainingText:
    """A corpus, split and encoded.

    Attributes
    ----------
    vocabulary : Vocabulary
        Of the training part.
    tokens : dict of part to int64 tensor of shape (time,)
        Documents of a part follow each other without a mark between them.
    facts : dict
        Name, source, licence, sizes and sha256 of each part, for the card and for resuming.
    remarks : tuple of str
        What the user should know.
    """

    vocabulary: Vocabulary
    tokens: dict[str, Tensor]
    facts: dict[str, Any]
    remarks: tuple[str, ...]

    @classmethod
    def read(cls, recipe: CorpusRecipe) -> TrainingText:
        """Open, split and encode the corpus of a recipe.

        Raises
        ------
        TextError, DownloadError
        """
        corpus = open_corpus(recipe.name or None, recipe.path or None, recipe.encoding)
        parts = corpus.split(recipe.split)
        vocabulary = Vocabulary.of(*(document.text for document in parts["train"]))
        tokens = {part: _encode(vocabulary, documents) for part, documents in parts.items()}
        for part in ("validation", "test"):
            if len(tokens[part]) < 2:
                raise TextError(f"The {part} part has no text to score. Give a longer text, or another corpus.split.")
        unknown = {part: int((ids == 0).sum()) for part, ids in tokens.items()}
        facts = {
            "name": corpus.name,
            "source": corpus.source,
            "licence": corpus.licence,
            "documents": len(corpus.documents),
            "characters": corpus.characters,
            "parts": {part: len(ids) for part, ids in tokens.items()},
            "unknown": unknown,
            "sha256": {part: hashlib.sha256(ids.numpy().tobytes()).hexdigest() for part, ids in tokens.items()},
        }
        remarks = [
            f"{count:,} characters of the {part} part are unknown to the vocabulary of the training part."
            for part, count in unknown.items()
            if count
        ]
        if corpus.skipped:
            remarks.append(f"{len(corpus.skipped):,} files were left out: empty, binary or in another encoding.")
        return cls(vocabulary, tokens, facts, tuple(remarks))


def _encode(vocabulary: Vocabulary, documents: Sequence[Document]) -> Tensor:
    return torch.from_numpy(vocabulary.encode("".join(document.text for document in documents)))

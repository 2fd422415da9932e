"""The characters that a network has to predict: what a concept says of each, and which belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError, TextError
from rnnscope.text import Document, Vocabulary

from .subjects import label_documents

PLACES = ("inside", "outside", "all", "begins", "ends")
"""What can be said of a character by what held before it and what holds after it."""

_BLOCKS = 50
_FEWEST_DOCUMENTS = 10
"""From how many on an interval is over documents, and not over blocks of the text."""


@dataclass(frozen=True)
class Targets:
    """All characters but the first of each document, one document after another.

    Attributes
    ----------
    tokens : list of int64 tensors of shape (time,)
        Of each document, its first character included.
    text : str
        The targets.
    before, after : float32 arrays of shape (step,)
        The concept's labels at the character before, and at the character itself.
    known : bool array of shape (step,)
        Whether the network knows the character.
    """

    tokens: list[Tensor]
    text: str
    before: np.ndarray
    after: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, vocabulary: Vocabulary, documents: Sequence[Document], concept: Concept) -> Targets:
        """The targets of documents.

        Raises
        ------
        ConceptError
            If the concept holds nowhere or everywhere.
        TextError
            If no stretch of it ends, or the network knows less than half of the characters.
        """
        labels = label_documents(concept, documents)
        tokens = [torch.from_numpy(vocabulary.encode(document.text)) for document in documents]
        targets = cls(
            [one for one in tokens if len(one) > 1],
            "".join(document.text[1:] for document in documents),
            np.concatenate([one[:-1] for one in labels]),
            np.concatenate([one[1:] for one in labels]),
            torch.cat([one[1:] for one in tokens]).numpy() > 0,
        )
        targets._check(concept)
        return targets

    def __len__(self) -> int:
        return len(self.text)

    def at(self, place: str) -> np.ndarray:
        """Whether each character is at a place, a bool array of shape (step,); one the network does not know is not."""
        before, after = self.before, self.after
        holds = {
            "inside": before == 1,
            "outside": before == 0,
            "all": True,
            "begins": (before == 0) & (after == 1),
            "ends": (before == 1) & (after == 0),
        }
        return holds[place] & self.known

    @property
    def by_document(self) -> bool:
        """Whether there are documents enough to draw from them."""
        return len(self.tokens) >= _FEWEST_DOCUMENTS

    @property
    def groups(self) -> np.ndarray:
        """The document of each character, or the block of the text, an int array of shape (step,)."""
        if self.by_document:
            return np.repeat(np.arange(len(self.tokens)), [len(one) - 1 for one in self.tokens])
        return np.arange(len(self)) * _BLOCKS // len(self)

    def words(self, more: int) -> str:
        """What was read of a text that has so many more characters, and how intervals are made."""
        characters, documents = len(self) + len(self.tokens), len(self.tokens)
        groups = f"{documents} documents" if self.by_document else f"{_BLOCKS} blocks of the text"
        read = f"the first {characters:,} of {characters + more:,} characters" if more else f"{characters:,} characters"
        read += f" in {documents:,} document{'s' if documents > 1 else ''}"
        unknown = np.count_nonzero(~self.known)
        aside = f", {unknown:,} unknown ones not counted" if unknown else ""
        return f"{read}{aside}. Intervals of 95 % by a bootstrap over {groups}."

    def characters_at(self, place: str) -> Counter[str]:
        """How often each character stands at a place."""
        return Counter(self.text[step] for step in np.flatnonzero(self.at(place)))

    def _check(self, concept: Concept) -> None:
        if not len(self):
            raise TextError("The text is too short: no character of it follows another.")
        if 2 * np.count_nonzero(~self.known) > len(self):
            raise TextError("The network does not know most characters of this text: it was trained on other ones.")
        for name, holds in (("inside", "nowhere"), ("outside", "everywhere")):
            if not self.at(name).any():
                raise ConceptError(
                    f"{concept.name} holds {holds} in the {len(self):,} characters read; a text is needed where it "
                    "holds at some characters and not at others. Read more of it (limit), or another one."
                )
        if not self.at("ends").any():
            raise TextError(
                f"No stretch of {concept.name} ends in the {len(self):,} characters read. "
                "Read more of the text (limit), or a longer one."
            )

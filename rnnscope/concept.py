"""What a concept is: a name, and for each character of a text a label.

The concepts themselves are in `rnnscope.probes.concepts`; what asks for their labels knows this alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .errors import ConceptError

Kind = Literal["flag", "number", "category"]
"""Whether labels say yes or no, how much, or which."""


@dataclass(frozen=True)
class Concept(ABC):
    """What a unit may track: for each character of a text a label, or that the concept does not apply there.

    A subclass says `kind` and `label`. A document is labelled by itself: what one leaves open, such as a
    quotation, is closed in the next.

    Attributes
    ----------
    name : str
        Such as ``quotes``.
    about : str
        What it says of a character, in a line.
    kind : {"flag", "number", "category"}
    categories : tuple of str
        What a label of a category stands for; none for other kinds.

    Examples
    --------
    >>> import rnnscope
    >>> class Capital(rnnscope.Concept):
    ...     def label(self, text, start):
    ...         return [character.isupper() for character in text]
    >>> capital = Capital("capital", "a capital letter", "flag")
    >>> capital("A Dog")
    array([1., 0., 1., 0., 0.], dtype=float32)
    """

    name: str
    about: str
    kind: Kind
    categories: tuple[str, ...] = ()

    @abstractmethod
    def label(self, text: str, start: int) -> np.ndarray:
        """Labels of shape (time,), one a character: 0 or 1 for a flag, a number, or the place in ``categories``.

        NaN stands where the concept does not apply.

        Parameters
        ----------
        text : str
            A document, or a part of a long one that begins after a blank line.
        start : int
            Characters before it in all that is read, for labels that were made by others.
        """

    @property
    def length(self) -> int | None:
        """Characters that there are labels for, where others made them; None of a concept that labels any text."""
        return None

    def check_length(self, characters: int) -> None:
        """Refuse labels that were made for another number of characters than are read in all.

        Raises
        ------
        ConceptError
        """
        if self.length not in (None, characters):
            raise ConceptError(
                f"{self.name} has {self.length:,} labels, but what is read has {characters:,} characters. "
                "There has to be one label for each character, newlines and spaces included."
            )

    def __call__(self, text: str, start: int = 0) -> np.ndarray:
        """Labels of a text, of shape (time,), float32, NaN where the concept does not apply.

        Raises
        ------
        ConceptError
            If the concept gives anything but one label a character.
        """
        labels = np.asarray(self.label(text, start))
        if labels.shape != (len(text),):
            raise ConceptError(
                f"The concept {self.name} has to give one label a character, {len(text):,} here; "
                f"got an array of shape {labels.shape}."
            )
        try:
            labels = labels.astype(np.float32, copy=False)
        except (TypeError, ValueError):
            raise ConceptError(f"The labels of {self.name} are no numbers; got {labels.dtype}.") from None
        self._check(labels[~np.isnan(labels)])
        return labels

    def _check(self, labels: np.ndarray) -> None:
        if self.kind == "number":
            wrong = labels[~np.isfinite(labels)]
            expected = "finite numbers"
        else:
            most = 1 if self.kind == "flag" else len(self.categories) - 1
            wrong = labels[(labels != np.round(labels)) | (labels < 0) | (labels > most)]
            expected = "0 or 1" if self.kind == "flag" else f"whole numbers from 0 to {most}, one for each category"
        if len(wrong):
            raise ConceptError(f"The labels of {self.name} have to be {expected}; got {wrong[0]:g}.")


def listed(concepts: Concept | Sequence[Concept], least: int = 0) -> list[Concept]:
    """A concept, or several, as a list.

    Raises
    ------
    ConceptError
        If there are too few, something else is among them, or two have one name.
    """
    found: list[Any] = (
        list(concepts) if isinstance(concepts, Sequence) and not isinstance(concepts, str) else [concepts]
    )
    if len(found) < least or not all(isinstance(concept, Concept) for concept in found):
        wrong = next((repr(concept) for concept in found if not isinstance(concept, Concept)), "none")
        raise ConceptError(
            f"At least one Concept was expected, such as rnnscope.probes.concepts.named('quotes') gives; got {wrong}."
        )
    names = [concept.name for concept in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConceptError(f"Two concepts are called {twice}. Give each a name of its own.")
    return found

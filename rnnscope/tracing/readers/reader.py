"""What a reader is: a network that reads documents, one after another or side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnscope.text import Cut, Document, Vocabulary
from rnnscope.tracing.documents import gather

GUESSES = 5
"""Outcomes kept at each step."""

CHUNK = 2**20
"""Values of the widest array that are read, recorded and written at once."""

FEWEST, MOST = 1024, 2**14
"""Steps that are read, recorded and written at once, whatever the width."""


@dataclass(frozen=True)
class Page(Document):
    """A document as it stands in a trace, a character a step.

    Attributes
    ----------
    content
        What the network is given, where that is not the text.
    """

    content: Any = None


@dataclass(frozen=True)
class Clock:
    """Where in a stretch the steps of a recurrent layer belong: one entry for each value that is kept.

    Attributes
    ----------
    steps, columns : int arrays
        Places in a recorded signal of shape (time, batch, unit).
    places : int array
        Steps of the stretch.
    """

    steps: np.ndarray
    columns: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, lengths: Sequence[int], places: np.ndarray | None = None) -> Clock:
        """Sequences side by side, each read from its start; one after another in the stretch if no place is given."""
        steps = np.concatenate([np.arange(length) for length in lengths])
        columns = np.repeat(np.arange(len(lengths)), lengths)
        return cls(steps, columns, np.arange(len(steps)) if places is None else places)

    def pick(self, values: Any) -> Any:
        """The values that are kept, of shape (entry, ...), from an array or tensor of shape (time, batch, ...)."""
        return values[self.steps, self.columns]


@dataclass
class Stretch:
    """Steps that follow each other in a trace, as one pass of a network left them.

    Attributes
    ----------
    columns : dict of name to array of shape (time, ...)
        What goes into the root of the trace: ``token``, ``nll``, ``guess``, ``guess_probability``, and
        what a reader has beside.
    clocks : dict of str to Clock
        Where the steps of each recurrent layer belong, by its path in the network.
    known : bool array of shape (time,)
        Whether the network knows the character there, or has not to read it.
    """

    columns: dict[str, np.ndarray]
    clocks: dict[str, Clock]
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.columns["token"])


class Reader(ABC):
    """Reads documents with one kind of network.

    Attributes
    ----------
    characters : tuple of str
        The character of each token id; none where nobody knows them.
    outcomes : tuple of str
        What a guess may be: its index is the guess.
    cut : {"file", "line"}
        How files are cut into documents, unless the user says.
    whole : bool
        Whether a document is read in one pass, however long it is.
    initial_state : str
        What the layers start from at each document.
    """

    characters: tuple[str, ...]
    outcomes: tuple[str, ...]
    cut: Cut = "file"
    whole: bool = True
    initial_state: str = "zeros"

    def pages(self, given: Any) -> list[Page]:
        """The documents as they will stand in the trace.

        Raises
        ------
        TextError
        """
        return [Page(document.name, document.text) for document in gather(given, self.cut)]

    @abstractmethod
    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        """Read all pages in their order.

        Each stretch is given when the network has run once, and its signals are taken from the recording
        before the next is asked for.
        """

    def known(self, tokens: np.ndarray) -> np.ndarray:
        """Whether token ids stand for characters that the network knows."""
        return (tokens != 0) | (self.characters[:1] != (Vocabulary.UNKNOWN,))


def room(widest: int) -> int:
    """Steps that are read, recorded and written at once."""
    return min(max(CHUNK // widest, FEWEST), MOST)


def together(pages: Sequence[Page], most: int) -> Iterator[list[Page]]:
    """Pages that follow each other in groups that take at most so many steps side by side; a longer one is alone."""
    group: list[Page] = []
    longest = 0
    for page in pages:
        longest = max(longest, len(page.text))
        if group and longest * (len(group) + 1) > most:
            yield group
            group, longest = [], len(page.text)
        group.append(page)
    if group:
        yield group


def side_by_side(rows: Sequence[np.ndarray]) -> Tensor:
    """Token ids of shape (time, batch), zero beyond the end of each row."""
    padded = np.zeros((max(map(len, rows)), len(rows)), dtype=np.int64)
    for column, row in enumerate(rows):
        padded[: len(row), column] = row
    return torch.from_numpy(padded)


def guesses(log_p: Tensor) -> dict[str, np.ndarray]:
    """The most probable outcomes, from log-probabilities of shape (time, outcome); none where these are NaN."""
    values, ranked = log_p.topk(min(GUESSES, log_p.shape[-1]), dim=-1)
    ranked[values.isnan()] = -1
    return {"guess": ranked.cpu().numpy(), "guess_probability": values.exp().cpu().numpy()}


def no_guesses(steps: int, count: int = 0) -> dict[str, np.ndarray]:
    """What stands where nothing is guessed."""
    return {"guess": np.full((steps, count), -1), "guess_probability": np.full((steps, count), np.nan, "float32")}


def no_costs(steps: int) -> np.ndarray:
    return np.full(steps, np.nan, "float32")


def costs(log_p: Tensor, tokens: np.ndarray) -> np.ndarray:
    """What each token costs in nats, from log-probabilities of shape (time, token)."""
    return -log_p.gather(1, torch.from_numpy(tokens).to(log_p.device).unsqueeze(1))[:, 0].cpu().numpy()

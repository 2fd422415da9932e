"""What the phrases of a text bring to a target, as wholes: contextual decomposition of an LSTM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from torch import nn

from rnnscope.errors import AttributionError
from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, SIGNALS, label, new_axes, style, title
from rnnscope.text import in_a_line

from .contextual_decomposition import contextual_decomposition
from .question import Question, TextLike
from .shading import extent
from .targets import TargetLike
from .words import word_starts

_SHOWN, _DRAWN = 20, 24
"""Phrases of the card, and of the picture."""


@dataclass(frozen=True, eq=False, repr=False)
class PhraseScores(Shown):
    """What phrases bring to a target. Made by `rnnscope.phrase_scores`.

    Attributes
    ----------
    target : str
    value : float
        The target for the text.
    whole : float
        The score of the whole text.
    table : DataFrame
        One row a phrase: ``phrase``; ``start`` and ``stop``, its steps; ``score``, in the unit of the target, above 0
        where the phrase speaks for it; ``characters``, the sum of the scores of its characters alone; ``interaction``,
        what they do together: the difference of the two.
    """

    target: str
    value: float
    whole: float
    table: pd.DataFrame

    @property
    def title(self) -> str:
        return f"{self.target}: what phrases bring to it"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """A bar a phrase, in the order of the text; on new axes if none are given.

        Of many phrases, those of the largest scores.
        """
        rows = self.table.iloc[_largest(self.table["score"], _DRAWN)]
        ax = ax or new_axes(height=0.9 + 0.15 * len(rows))
        shades = SIGNALS(0.5 + rows["score"].to_numpy() / extent(rows["score"].to_numpy()) / 2)
        ax.barh(range(len(rows)), rows["score"], color=shades, edgecolor=CONTROL, linewidth=0.5)
        ax.set_yticks(range(len(rows)), [label(phrase.strip() or phrase, 24) for phrase in rows["phrase"]])
        ax.axvline(0, color=CONTROL, linewidth=0.8)
        ax.set(xlabel="score, by contextual decomposition", ylabel="phrase", ylim=(len(rows) - 0.4, -0.6))
        title(ax, self.title)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        yield Text(
            f"Value {self.value:+.3f}; the whole text brings {self.whole:+.3f}. A phrase's score holds what its "
            "characters do together, and not what they do with the rest: scores do not add up."
        )
        yield Text()
        table = card_table("phrase", "steps", "score", "characters", "interaction", gap=2)
        for row in self.table.iloc[_largest(self.table["score"], _SHOWN)].to_dict("records"):
            phrase = Text(in_a_line(row["phrase"]))
            phrase.truncate(max(12, options.max_width - 46), overflow="ellipsis")
            numbers = (f"{row[name]:+.3f}" for name in ("score", "characters", "interaction"))
            table.add_row(phrase, f"{row['start']:,}-{row['stop'] - 1:,}", *numbers)
        yield table


def _largest(scores: Any, count: int) -> np.ndarray:
    """Where the largest scores are, in their order."""
    return np.sort(np.argsort(-np.abs(scores.to_numpy()), kind="stable")[:count])


@torch.inference_mode(False)
def phrase_scores(
    model: nn.Module,
    text: TextLike,
    target: TargetLike = None,
    phrases: Sequence[str | tuple[int, int]] | None = None,
    *,
    characters: Sequence[str] | None = None,
    embedding: str | None = None,
) -> PhraseScores:
    """Say what whole phrases of a text bring to a target of an LSTM, and how much of it their characters do together.

    Parameters
    ----------
    model, text, target, characters, embedding
        As of `rnnscope.attribute`.
    phrases : sequence of str or (start, stop), optional
        Each place of a phrase in the text, or stretches of steps. Its words if not given.

    Returns
    -------
    PhraseScores

    Raises
    ------
    AttributionError, AddressError, TextError, RecordingError
        If the network has no LSTM that can be decomposed, see `contextual_decomposition`; if a phrase is not there.

    References
    ----------
    Murdoch, Liu and Yu (2018), Beyond word importance: contextual decomposition to extract interactions from LSTMs.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("spam-classifier"))
    >>> message = "URGENT! You have won a prize. Call 09061701461 now."
    >>> found = rnnscope.phrase_scores(model, message, "spam", ["won a prize", "Call"])
    >>> found.table[["phrase", "score", "interaction"]].round(1)
            phrase  score  interaction
    0  won a prize   -2.0         -2.0
    1         Call   -0.8          0.6
    """
    question = Question.of(model, text, target, characters=characters, embedding=embedding)
    time = len(question.tokens)
    spans = _words(question) if phrases is None else _spans(question, phrases)
    scores = question.finite(contextual_decomposition(question, [*spans, (0, time)])).cpu().numpy()
    each = np.concatenate(([0.0], contextual_decomposition(question).cpu().numpy().cumsum()))
    start, stop = np.array(spans).T
    apart = "" if question.text is not None else " "
    table = pd.DataFrame(
        {
            "phrase": [apart.join(question.characters[first:last]) for first, last in spans],
            "start": start,
            "stop": stop,
            "score": scores[:-1],
            "characters": each[stop] - each[start],
        }
    )
    table["interaction"] = table["score"] - table["characters"]
    value = question.value(question.tokens[:, None]).item()
    return PhraseScores(question.target, value, float(scores[-1]), table)


def _words(question: Question) -> list[tuple[int, int]]:
    """The words with what stands after them, see `word_starts`."""
    starts = word_starts(question.text, len(question.tokens)).tolist()
    return list(zip(starts, [*starts[1:], len(question.tokens)], strict=True))


def _spans(question: Question, phrases: Any) -> list[tuple[int, int]]:
    """Where the phrases are."""
    found: list[tuple[int, int]] = []
    for phrase in phrases if isinstance(phrases, Iterable) and not isinstance(phrases, str) else [phrases]:
        if not isinstance(phrase, str):
            found.append(phrase)
            continue
        text = question.text or ""
        places = [start for start in range(len(text)) if phrase and text.startswith(phrase, start)]
        if not places:
            raise AttributionError(f"There is no {phrase!r} in the text that the target depends on.")
        found.extend((start, start + len(phrase)) for start in places)
    if not found:
        raise AttributionError("One phrase or more was expected; got none.")
    return found

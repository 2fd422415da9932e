"""What an attribution has found: a table, words, a text in colours, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import style
from rnnscope.text import in_a_line, visible

from .drawing import draw
from .path import TOLERANCE
from .shading import Shading
from .words import parts_of

_SHOWN = 8
"""Rows of the card."""


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Shown):
    """How much each character has to do with what a network makes of a text. Made by `rnnscope.attribute`.

    Attributes
    ----------
    scores : float64 array of shape (time,)
        In the unit of the target; above 0 where a character speaks for it, below 0 against it. Of saliency: how much
        the target changes with the character's vector, never below 0.
    characters : tuple of str
        One for each step; token ids or numbers of steps where the characters are not known.
    starts : int64 array of shape (word,)
        The step at which each word begins.
    by_word : bool
        Whether it is shown by words.
    target : str
    method : str
    how : str
        What the method was given that its name does not say.
    baseline : str or None
        What the scores are measured against; None for a method that has no baseline.
    value : float
        The target for the text.
    difference : float
        By how much it is above that of the baseline, NaN where there is none.
    complete : bool
        Whether the method promises that the scores add up to the difference.
    """

    scores: np.ndarray
    characters: tuple[str, ...]
    starts: np.ndarray
    by_word: bool
    target: str
    method: str
    how: str
    baseline: str | None
    value: float
    difference: float
    complete: bool

    @property
    def gap(self) -> float:
        """How far the scores are from adding up, as a share of the difference: 0 is best.

        NaN for a method that promises nothing, and where the target is the same for the baseline.
        """
        if not self.complete or self.difference == 0:
            return float("nan")
        return abs(float(self.scores.sum()) - self.difference) / abs(self.difference)

    @property
    def table(self) -> pd.DataFrame:
        """One row a character, indexed by ``step``: ``character`` and ``score``."""
        index = pd.RangeIndex(len(self.scores), name="step")
        return pd.DataFrame({"character": self.characters, "score": self.scores}, index=index)

    @property
    def words(self) -> pd.DataFrame:
        """One row a word: ``step`` where it begins, ``word`` with the spaces after it, and ``score``, the sum.

        Where the characters are not known, a word is one token.
        """
        stops = [*self.starts[1:], len(self.characters)]
        names = ["".join(self.characters[start:stop]) for start, stop in zip(self.starts, stops, strict=True)]
        scores = np.add.reduceat(self.scores, self.starts)
        return pd.DataFrame({"step": self.starts, "word": names, "score": scores})

    @property
    def shades(self) -> np.ndarray:
        """What each character is coloured by, of shape (time,): its score, or that of its word."""
        if not self.by_word:
            return self.scores
        return self.words["score"].to_numpy()[parts_of(self.starts, len(self.scores))]

    @property
    def title(self) -> str:
        return f"{self.target}, by {self.method}"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The text, each character on the colour of its score; on new axes if none are given.

        Orange speaks for the target, purple against it. Of a long text, the stretch about the largest score.
        """
        return draw(self.characters, self.shades, self.title, ax)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        yield Text(self._sentence())
        shading = Shading(self.characters, self.shades)
        yield from shading.render(console, options)
        yield self._card()

    def _sentence(self) -> str:
        """What was measured and whether it adds up."""
        how = f"; {self.how}" if self.how else ""
        if self.baseline is None:
            return f"Value {self.value:+.3f}{how}."
        measured = f"Value {self.value:+.3f}; against {self.baseline}, a difference of {self.difference:+.3f}{how}."
        if not self.complete:
            return measured
        added = f"{measured} The scores add up to {self.scores.sum():+.3f}"
        if not self.gap <= TOLERANCE and abs(self.difference) <= TOLERANCE * np.abs(self.scores).sum():
            return f"{added}. Beside them the baseline gives the same value: nothing is told. Take another baseline."
        points = self.how.rpartition(" ")[2]
        caution = f" Above 1 %: take more {points} (steps= in Python), or another method."
        return f"{added} (completeness gap {self.gap:.2%}).{caution if self.gap > TOLERANCE else ''}"

    def _card(self) -> Table:
        rows = self.words if self.by_word else self.table.reset_index().rename(columns={"character": "word"})
        rows = rows.iloc[np.argsort(-np.abs(rows["score"].to_numpy()), kind="stable")[:_SHOWN]]
        table = card_table("step", words=0, gap=2)
        table.add_column("word" if self.by_word else "character", overflow="fold")
        table.add_column("score", justify="right", no_wrap=True)
        for row in rows.to_dict("records"):
            word = in_a_line(row["word"])
            shown = word if word.strip() else visible(" ") * len(word)
            table.add_row(f"{row['step']:,}", Text(shown), f"{row['score']:+.4f}")
        return table

"""The language a^n b^n: as many b as a."""

from __future__ import annotations

import numpy as np

from .counting import CounterLanguage


class AnBn(CounterLanguage):
    """So many a, then as many b, read symbol by symbol (Gers and Schmidhuber 2001).

    The length is the largest n; that of a string is drawn uniformly from 1 up to it. At length L, a network that
    counts right up to n is right in n / L of the strings.

    One in (length + 1) / 2 of the symbols b is the last, which gives the floor: see `CounterLanguage`.
    """

    name = "anbn"
    about = "a^n b^n, what may follow each symbol"
    source = "Gers and Schmidhuber 2001"
    symbols = "ab"
    reopens = False
    shortest = 4

    def draw(self, rng: np.random.Generator, size: int, length: int) -> np.ndarray:
        counts = rng.integers(1, length + 1, size)
        steps = np.arange(2 * counts.max())[:, None]
        return np.where(steps < counts, 1, np.where(steps < 2 * counts, -1, 0))

    def end_share(self, length: int) -> float:
        return 2 / (length + 1)

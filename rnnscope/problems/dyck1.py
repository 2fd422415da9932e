"""The language Dyck-1: brackets that match."""

from __future__ import annotations

import numpy as np

from .counting import CounterLanguage


class Dyck1(CounterLanguage):
    """Strings of matching brackets, of one kind, read bracket by bracket (Suzgun, Belinkov and Shieber 2019).

    The length is how many pairs a string has; all strings of so many are equally likely. Their greatest depth grows
    with the root of the length: it is about 1.8 times the root, less 1.5 (de Bruijn, Knuth and Rice 1972).

    On average 3 length / (length + 2) of the closing brackets of a string lead to a depth of zero (Deutsch 1999),
    which gives the floor: see `CounterLanguage`.
    """

    name = "dyck1"
    about = "matching brackets, what may follow each"
    source = "Suzgun, Belinkov and Shieber 2019"
    symbols = "()"
    reopens = True
    shortest = 5

    def draw(self, rng: np.random.Generator, size: int, length: int) -> np.ndarray:
        """By the cycle lemma: of one closing bracket too many, in any order, one rotation ends at its first -1."""
        signs = np.ones((size, 2 * length + 1), dtype=np.int64)
        signs[:, length:] = -1
        signs = rng.permuted(signs, axis=1)
        lowest = signs.cumsum(axis=1).argmin(axis=1)
        turned = (lowest[:, None] + 1 + np.arange(2 * length)) % (2 * length + 1)
        return np.take_along_axis(signs, turned, axis=1).T

    def end_share(self, length: int) -> float:
        return 3 / (length + 2)

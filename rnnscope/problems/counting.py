"""Languages that a single counter recognises: one symbol counts up, the other down."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from .problem import Batch, Problem


class CounterLanguage(Problem):
    """Strings of two symbols, and after each symbol the set of those that may follow.

    A step reads a symbol, one-hot: that which counts up, then that which counts down. The depth is how many more of
    the first have been read than of the second. The answer has three parts: whether the first symbol may follow,
    whether the second may, and whether the string may end. This is so by the language, not by how the strings of a
    batch were drawn: of any depth, the first symbol may follow itself.

    A string is right if all three parts are, after each of its symbols (Gers and Schmidhuber 2001).

    Who knows the last symbol alone is sure of the answer after the first symbol, which both may follow and which ends
    no string. After the second, either it may follow or the string may end. If the end is due with probability p there,
    its loss is twice the entropy of p, at half of the steps. Where p is below 1/2 it never expects an end: no string
    is right.

    Attributes
    ----------
    symbols : str
        That which counts up, that which counts down.
    reopens : bool
        Whether the first symbol may follow the second.
    """

    symbols: ClassVar[str]
    reopens: ClassVar[bool]
    input_size = 2
    output_size = 3
    loss = "legal symbols"
    forgetful = "last symbol only"
    criterion = "share of strings right at each symbol"

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: int, length: int) -> np.ndarray:
        """Strings as int array of shape (time, batch): 1 counts up, -1 down, 0 stands behind the end."""

    @abstractmethod
    def end_share(self, length: int) -> float:
        """How many of the symbols that count down lead to a depth of zero, below 1/2."""

    def batch(self, rng: np.random.Generator, size: int, length: int) -> Batch:
        signs = self.draw(rng, size, length)
        inputs = np.stack((signs > 0, signs < 0), axis=-1)
        mask, deep = signs != 0, signs.cumsum(axis=0) > 0
        first = mask if self.reopens else inputs[..., 0]
        targets = np.stack((first, deep, mask & ~deep), axis=-1)
        return Batch(inputs.astype(np.float32), targets.astype(np.float32), mask)

    def depth(self, inputs: np.ndarray) -> np.ndarray:
        """The depth after each step, shape (time, batch), of inputs of shape (time, batch, feature)."""
        return (inputs[..., 0] - inputs[..., 1]).cumsum(axis=0)

    def floor(self, length: int) -> float:
        share = self.end_share(length)
        return -share * math.log(share) - (1 - share) * math.log1p(-share)

    def chance(self, length: int) -> float:
        return 0.0

    def success(self, outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
        right = ((outputs > 0) == (targets > 0)).all(axis=-1)
        return (right | ~mask).all(axis=0).astype(float)

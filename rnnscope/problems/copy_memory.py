"""The copy memory problem: ten symbols, to be given back after a gap."""

from __future__ import annotations

import math

import numpy as np

from .problem import Batch, Problem

_SYMBOLS = 8
_KEPT = 10
_BLANK, _SIGNAL = _SYMBOLS, _SYMBOLS + 1


class CopyMemory(Problem):
    """Ten symbols out of eight, given back in their order after a gap (Arjovsky, Shah and Bengio 2016, section 4.1).

    The input has ten symbols, length - 1 blanks, a signal and ten blanks, all one-hot: length + 20 steps. The answer
    is blank up to the signal, then the ten symbols.

    The length is the gap: each symbol is to be kept for length + 10 steps.

    Who remembers nothing answers blank with certainty, and each symbol with probability 1/8: 10 ln 8 / (length + 20)
    nats per step, and 1/8 of the symbols right.
    """

    name = "copy"
    about = "ten symbols, given back after a gap"
    source = "Arjovsky, Shah and Bengio 2016"
    input_size = _SYMBOLS + 2
    output_size = _SYMBOLS + 1
    loss = "cross-entropy"
    shortest = 1
    forgetful = "no memory"
    criterion = "share of the ten symbols right"

    def batch(self, rng: np.random.Generator, size: int, length: int) -> Batch:
        steps = length + 2 * _KEPT
        kept = rng.integers(0, _SYMBOLS, (_KEPT, size))
        tokens = np.full((steps, size), _BLANK)
        tokens[:_KEPT], tokens[-_KEPT - 1] = kept, _SIGNAL
        targets = np.full((steps, size), _BLANK)
        targets[-_KEPT:] = kept
        return Batch(np.eye(self.input_size, dtype=np.float32)[tokens], targets, np.ones((steps, size), dtype=bool))

    def floor(self, length: int) -> float:
        return _KEPT * math.log(_SYMBOLS) / (length + 2 * _KEPT)

    def chance(self, length: int) -> float:
        return 1 / _SYMBOLS

    def success(self, outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return (outputs[-_KEPT:].argmax(axis=-1) == targets[-_KEPT:]).mean(axis=0)

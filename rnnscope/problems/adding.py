"""The adding problem: the sum of two numbers that are marked among many."""

from __future__ import annotations

import numpy as np

from .problem import Batch, Problem

_TOLERANCE = 0.04


class Adding(Problem):
    """The sum of two marked numbers (Hochreiter and Schmidhuber 1997, section 5.4).

    A step holds a number, uniform from 0 to 1, and a mark, which is 1 at a random step of the first half and at one
    of the second, and 0 elsewhere. The answer is due at the last step alone. Theirs has numbers from -1 to 1, a sum
    scaled into 0 to 1, and the first mark within ten steps; the form here is that of Arjovsky, Shah and Bengio (2016).

    The length is that of the sequence: the first number is to be kept for 3/4 of it, the second for 1/4, on average.

    The constant answer 1 has the variance of a sum of two uniform numbers as its error, 2/12. An answer within 0.04
    is right (their criterion); the density of the sum is 1 - |sum - 1|, so the constant answer is right with
    probability 1 - 0.96².
    """

    name = "adding"
    about = "the sum of two marked numbers"
    source = "Hochreiter and Schmidhuber 1997; Arjovsky, Shah and Bengio 2016"
    input_size = 2
    output_size = 1
    loss = "squared error"
    shortest = 2
    forgetful = "constant answer"
    criterion = "share of sums within 0.04"

    def batch(self, rng: np.random.Generator, size: int, length: int) -> Batch:
        inputs = np.zeros((length, size, 2), dtype=np.float32)
        inputs[..., 0] = rng.random((length, size), dtype=np.float32)
        each, middle = np.arange(size), length // 2
        places = np.stack((rng.integers(0, middle, size), rng.integers(middle, length, size)))
        inputs[places, each, 1] = 1.0
        targets, mask = np.zeros((length, size, 1), dtype=np.float32), np.zeros((length, size), dtype=bool)
        targets[-1, :, 0] = inputs[places, each, 0].sum(axis=0)
        mask[-1] = True
        return Batch(inputs, targets, mask)

    def floor(self, length: int) -> float:
        return 1 / 6

    def chance(self, length: int) -> float:
        return 1 - (1 - _TOLERANCE) ** 2

    def success(self, outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return (np.abs(outputs[-1, :, 0] - targets[-1, :, 0]) < _TOLERANCE).astype(float)

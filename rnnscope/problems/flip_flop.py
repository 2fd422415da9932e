"""The 3-bit flip-flop: three bits that hold until the next pulse."""

from __future__ import annotations

import numpy as np

from .problem import Batch, Problem

_BITS = 3
_TOLERANCE = 0.5
_PULSES = 5


class FlipFlop(Problem):
    """Three bits, each the sign of the last pulse on its own input (Sussillo and Barak 2013, section 3.2).

    An input is 1 or -1 at a pulse, with equal odds, and 0 between pulses. The answer is due at each step, that of the
    pulse included. Each input has a pulse at the first step, so that each bit has a value.

    The length is the mean number of steps from a pulse of an input to its next: at each step after the first one
    comes with probability 1 / length. A sequence has five times as many steps. A sequence is right if all of its bits
    are within 0.5 of the answer at all of its steps.

    Who remembers nothing repeats a pulse, and says 0 where there is none, at an error of 1.
    """

    name = "flip-flop"
    about = "three bits, each set by its own pulses"
    source = "Sussillo and Barak 2013"
    input_size = _BITS
    output_size = _BITS
    loss = "squared error"
    shortest = 2
    forgetful = "pulse of the same step only"
    criterion = "share of sequences right at each step"

    def batch(self, rng: np.random.Generator, size: int, length: int) -> Batch:
        shape = (_PULSES * length, size, _BITS)
        pulses = rng.random(shape, dtype=np.float32) < 1 / length
        pulses[0] = True
        signs = rng.integers(0, 2, shape, dtype=np.int8) * np.float32(2) - 1
        last = np.maximum.accumulate(np.where(pulses, np.arange(shape[0])[:, None, None], 0), axis=0)
        return Batch(signs * pulses, np.take_along_axis(signs, last, axis=0), np.ones(shape[:2], dtype=bool))

    def floor(self, length: int) -> float:
        steps = _PULSES * length
        return (1 - 1 / length) * (steps - 1) / steps

    def chance(self, length: int) -> float:
        return length ** -float(_BITS * (_PULSES * length - 1))

    def success(self, outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return (np.abs(outputs - targets) < _TOLERANCE).all(axis=(0, 2)).astype(float)

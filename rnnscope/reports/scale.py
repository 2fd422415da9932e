"""From a signal's values to colours: purple is low, white is the middle, orange is high.

The scale is ColorBrewer's PuOr (Brewer 2003), which people with any common colour vision deficiency can read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnscope.cells import CELLS
from rnnscope.style import SIGNALS

_GATES = {signal.name: (signal.low, signal.high) for cell in CELLS.values() for signal in cell.gates}


@dataclass(frozen=True)
class Scale:
    """The range that the colours span; values beyond it take the colour of its end."""

    low: float
    high: float

    @classmethod
    def of(cls, signal: str, values: np.ndarray) -> Scale:
        """A gate's own range; for a state, symmetric about zero and wide enough for 99 % of the values."""
        if is_gate(signal):
            return cls(*_GATES[signal])
        width = float(reach(values))
        return cls(-width, width)

    def place(self, values: np.ndarray) -> np.ndarray:
        """Values as places on the scale, from 0 to 1; NaN stays NaN."""
        values = np.asarray(values, dtype=np.float64)
        if self.low == self.high:
            return np.where(np.isnan(values), np.nan, 0.5)
        return np.clip((values - self.low) / (self.high - self.low), 0, 1)

    def rgb(self, values: np.ndarray) -> np.ndarray:
        """Colours, uint8 of shape (..., 3); what they are where a value is NaN has no meaning."""
        return np.asarray(SIGNALS(self.place(values), bytes=True))[..., :3]


def is_gate(signal: str) -> bool:
    """Whether a signal's range is the same in all networks."""
    return signal in _GATES


def reach(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The distance from zero that 99 % of the values keep within; 1 where all are zero, or there is none.

    Steps at which all is NaN do not count.
    """
    values = np.abs(np.asarray(values, dtype=np.float64))
    values = values[~np.isnan(values).all(axis=tuple(range(1, values.ndim)))]
    if not len(values):
        return np.ones(() if axis is None else values.shape[1:])
    width = np.quantile(values, 0.99, axis=axis)
    return np.where(width > 0, width, 1.0)

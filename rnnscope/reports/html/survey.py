"""What is found out of a signal before any of it goes into a page: how far its units reach, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnscope.recording.address import Address
from rnnscope.reports.scale import is_gate, reach
from rnnscope.tracing.trace import Trace

from .quantising import FINEST, rounded_up, step_sizes
from .stretches import Stretch, read_stretches

LEVELS = (FINEST, 63, 31, 15, 11, 9, 7, 6, 5)
"""Steps from zero to a unit's reach that a page may tell apart, the finest first."""

THRESHOLD = 0.3
"""Beyond which a unit is on: what `rnnscope.match` compares with."""

_SAMPLE = 20_000
"""Steps that a unit's reach is found from: all of a shorter text, else whole stretches from all over it."""

_PRICED, _PIECES = 5_000, 10
"""Steps of these by which the size of a unit is reckoned, and the pieces that they are in."""

_CARD = 250
"""Bytes of the file that a unit's card and measures take, about."""

_LOST = 0.1
"""Bits a step that Huffman's code takes beyond the entropy, about."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a signal of a trace.

    Attributes
    ----------
    address : Address
    units : int array of shape (unit,)
        Their numbers.
    reach, highest : float64 arrays of shape (unit,)
        The distance from zero that 99 % of the values keep within, and the greatest one.
    gaps : int
        Values that are missing or infinite at steps that the layer takes.
    absent : int
        Steps that the layer does not take.
    costs : dict of int to float64 array of shape (unit,)
        By level, about how many bytes of the file each unit takes: its values over the whole text, and its card.
    sample : float32 array of shape (time, unit)
        Some values.
    """

    address: Address
    units: np.ndarray
    reach: np.ndarray
    highest: np.ndarray
    gaps: int
    absent: int
    costs: dict[int, np.ndarray]
    sample: np.ndarray

    @property
    def gate(self) -> bool:
        return is_gate(self.address.signal)

    @property
    def level(self) -> float:
        """The threshold in the scale of the signal."""
        return float(np.arctanh(THRESHOLD)) if self.address.signal == "c" else THRESHOLD

    def places(self, units: Sequence[int]) -> np.ndarray:
        """Where some units stand in the signal, which may hold them in any order."""
        order = self.units.argsort()
        return order[np.searchsorted(self.units, units, sorter=order)]

    def steps(self, levels: np.ndarray | int, places: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The size of the quantisation step of the units at some places."""
        return step_sizes(self.reach[places], self.highest[places], levels)


def survey(trace: Trace, address: Address, stretches: Sequence[Stretch]) -> Survey:
    """Read a signal once, a stretch after another."""
    series = trace[address]
    highest = np.zeros(series.sizes["unit"])
    sample, gaps, absent, chosen = [], 0, 0, _looked_at(stretches)
    for number, values in enumerate(read_stretches(series, stretches)):
        told = np.isfinite(values)
        taken = told.any(axis=1)
        absent, gaps = absent + int((~taken).sum()), gaps + int((~told[taken]).sum())
        values = np.where(told, values, np.nan).astype(np.float32, copy=False)
        highest = np.fmax(highest, np.nanmax(np.abs(values[taken]), axis=0, initial=0.0))
        if number in chosen:
            sample.append(values)
    values = np.concatenate(sample)
    wide = rounded_up(reach(np.nan_to_num(values[~np.isnan(values).all(axis=1)]), axis=0))
    found = Survey(address, series["unit"].values, wide, highest, gaps, absent, {}, values)
    found.costs.update(_costs(found, stretches))
    return found


def _looked_at(stretches: Sequence[Stretch]) -> set[int]:
    """The numbers of stretches from all over the text that hold some 20,000 steps together."""
    every = -(-stretches[-1].stop // _SAMPLE)
    return set(range(0, len(stretches), every))


def _costs(found: Survey, stretches: Sequence[Stretch]) -> dict[int, np.ndarray]:
    pieces = np.array_split(found.sample, _PIECES)
    values = np.nan_to_num(np.concatenate([piece[: _PRICED // _PIECES] for piece in pieces]))
    bits = {levels: _entropies(values / found.steps(levels).astype(np.float32)) + _LOST for levels in LEVELS}
    size = stretches[-1].stop / 8 * 4 / 3  # base64 writes three bytes as four
    return {levels: size * each + _CARD for levels, each in bits.items()}


def _entropies(values: np.ndarray) -> np.ndarray:
    """The entropy of each column of (time, unit), rounded to whole numbers from -127 to 127, in bits.

    With the correction of Miller (1955) for what few values hide.
    """
    codes = np.rint(values).astype(np.int64) + FINEST + 256 * np.arange(values.shape[1])
    counts = np.bincount(codes.ravel(), minlength=256 * values.shape[1]).reshape(-1, 256)
    shares = counts / len(values)
    entropy = -(shares * np.log2(np.maximum(shares, 1e-12))).sum(axis=1)
    return entropy + ((counts > 0).sum(axis=1) - 1) / (2 * np.log(2) * len(values))

"""Values of units in 256 bins each, found once from the first values and kept for all that follows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BINS = 256
"""Bins of a unit: what fits a byte."""

_TAIL = 8
"""Bins on either side for values beyond all that was seen when the bins were made, each twice as wide."""

_CELLS = 2**14
"""Cells of the table that finds a value's bin."""

TOP = 0.005
"""A share of values at either end that has an edge of its own: the quantile of Network Dissection (Bau 2017)."""


class Bins:
    """Bins of about equal counts, a set for each unit of a signal.

    An edge belongs to the bin above it. Values are looked up in a table of cells over the range that was
    seen; where a cell has several edges, or a value lies beyond the range, the edges themselves are searched.

    Parameters
    ----------
    sample : float32 tensor of shape (time, unit)
        The values that bins are made from.

    Attributes
    ----------
    edges : float32 array of shape (unit, 255)
        Ascending.
    ranks : float32 array of shape (unit, 256)
        The middle rank of each bin in the sample, from 0 to 1.
    """

    def __init__(self, sample: Tensor) -> None:
        ranked = np.sort(sample.numpy().T, axis=1)
        self.edges = _edges(ranked)
        self._low, high = ranked[:, 0].astype(np.float64), ranked[:, -1].astype(np.float64)
        self._scale = (_CELLS - 2) / np.maximum(high - self._low, np.finfo(np.float32).tiny * _CELLS)
        self._table = np.stack([self._cells(unit) for unit in range(len(ranked))])
        counts = np.stack([np.bincount(bins, minlength=BINS) for bins in self.encode(sample)])
        self.ranks = ((counts.cumsum(axis=1) - counts / 2) / len(sample)).astype(np.float32)

    def encode(self, values: Tensor) -> np.ndarray:
        """The bin of each value of shape (time, unit), as uint8 of shape (unit, time)."""
        scale = torch.from_numpy(self._scale.astype(np.float32))
        shift = torch.from_numpy((1 - self._low * self._scale).astype(np.float32))
        cells = torch.addcmul(shift, values, scale).clamp_(0, _CELLS - 1).to(torch.int16)
        cells = cells.T.contiguous().numpy()
        bins = np.empty(cells.shape, dtype=np.uint8)
        for unit, row in enumerate(cells):
            found = self._table[unit].take(row)
            if found.min() < 0:
                unsure = np.flatnonzero(found < 0)
                exact = values[torch.from_numpy(unsure), unit].numpy()
                found[unsure] = np.searchsorted(self.edges[unit], exact, side="right")
            bins[unit] = found
        return bins

    def _cells(self, unit: int) -> np.ndarray:
        """The bin of each cell of one unit, -1 where its edges have to be asked; a lone edge moves to its cell's start.

        int16 of shape (cell,).
        """
        places = (self.edges[unit] - self._low[unit]) * self._scale[unit] + 1
        cells = np.clip(np.floor(places), 0, _CELLS - 1).astype(int)
        inside = np.bincount(cells, minlength=_CELLS)
        table = np.where(inside > 1, -1, inside.cumsum()).astype(np.int16)
        table[[0, -1]] = -1
        lone = table[cells] >= 0
        self.edges[unit, lone] = self._low[unit] + (cells[lone] - 1) / self._scale[unit]
        return table


def _edges(ranked: np.ndarray) -> np.ndarray:
    """Edges from values of shape (unit, time) in ascending order."""
    inner = BINS - 1 - 2 * _TAIL
    tails = [TOP / 8, TOP / 4, TOP / 2]
    shares = np.unique([*tails, *np.linspace(TOP, 1 - TOP, inner - 2 * len(tails)), *(1 - share for share in tails)])
    places = np.clip(np.round(shares * ranked.shape[1]).astype(int), 0, ranked.shape[1] - 1)
    low, high = (ranked[:, [end]].astype(np.float64) for end in (0, -1))
    width = np.maximum(high - low, np.spacing(np.abs(ranked[:, [-1]])))
    beyond = width * (2.0 ** np.arange(_TAIL) - 1)
    above = np.nextafter(ranked[:, [-1]], np.float32(np.inf))
    edges = np.concatenate((low - beyond[:, ::-1], ranked[:, places], above + beyond), axis=1)
    limits = np.finfo(np.float32)
    return edges.clip(limits.min, limits.max).astype(np.float32)

"""Stretches: what one screen of a page shows, a document or a part of a long one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rnnscope.tracing.trace import Trace

LONGEST = 5_000
"""Steps of a stretch, at most."""

_READ = 20_000
"""Steps that are read from disk at once: thousands of short documents are not thousands of reads."""


@dataclass(frozen=True)
class Stretch:
    """Steps of a trace, all of one document."""

    start: int
    stop: int
    document: int

    def __len__(self) -> int:
        return self.stop - self.start


def stretches_of(trace: Trace) -> list[Stretch]:
    """The stretches of a trace: its documents, the long ones cut at the end of a line, else of a word, where there is
    one in the second half of what fits."""
    numbers = trace.tree.dataset["document"].values
    edges = [0, *np.flatnonzero(np.diff(numbers)) + 1, len(numbers)]
    found: list[Stretch] = []
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        while start < stop:
            cut = _cut(trace.text_between(start, min(stop, start + LONGEST)), int(stop - start))
            found.append(Stretch(int(start), int(start) + cut, int(numbers[start])))
            start += cut
    return found


def read_stretches(series: xr.DataArray, stretches: Sequence[Stretch]) -> Iterator[np.ndarray]:
    """The values of a series at each of its stretches, one after another."""
    start, held = 0, np.empty(0)
    for stretch in stretches:
        if stretch.stop > start + len(held):
            start, held = stretch.start, series[stretch.start : stretch.start + _READ].values
        yield held[stretch.start - start : stretch.stop - start]


def _cut(text: str, left: int) -> int:
    """How many of the characters go into a stretch, where so many are left of the document."""
    if len(text) == left:
        return left
    ends = (text.rfind(end, len(text) // 2) + 1 for end in ("\n", " "))
    return next((end for end in ends if end), len(text))

"""Spans of time through which units are on together: found in one pass, slice by slice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_FAR = np.iinfo(np.int64).max
_ROOM = 4096
"""Spans whose units are counted at once."""


class FoundSpan(NamedTuple):
    """A found span; the order of the fields makes the better one the smaller one."""

    missing: int
    others: int
    shortness: int
    start: int

    @property
    def stop(self) -> int:
        return self.start - self.shortness

    def overlaps(self, other: FoundSpan) -> bool:
        return self.start < other.stop and other.start < self.stop


class SpanSearch:
    """Spans through which units are on together, from slices of time in their order.

    It knows of each unit since when it is as it is. Where one of the wanted units ends to be on, spans end: from
    the start of any wanted unit that is on up to here, those are shared that began before it or with it. It keeps
    the best spans, and those that may yet turn out to be among them.

    Parameters
    ----------
    signs : int8 array of shape (unit,)
        1 or -1 of the wanted units, 0 of the others.
    query : (int, int)
        Steps that no span may overlap.
    count : int
        Spans to find.
    """

    def __init__(self, signs: np.ndarray, query: tuple[int, int], count: int) -> None:
        self._wanted = np.flatnonzero(signs)
        self._signs, self._query, self._count = signs[self._wanted], query, count
        self._fewest = max(-(-len(self._wanted) // 2), min(2, len(self._wanted)))
        self._spans: list[FoundSpan] = []
        self._steps, self._documents = np.array([-1]), np.array([-1])
        self._states, self._began = np.zeros((1, len(signs)), np.int8), np.zeros(len(signs), np.int64)

    def read(self, steps: np.ndarray, documents: np.ndarray, states: np.ndarray) -> None:
        """Take in the next steps: their numbers, their documents, and 1, 0 or -1 of shape (time, unit)."""
        steps, documents = np.append(self._steps, steps), np.append(self._documents, documents)
        states = np.concatenate([self._states, states])
        changed = (states[1:] != states[:-1]) | (documents[1:] != documents[:-1])[:, None]
        begins = np.empty(states.shape, np.int64)
        begins[0] = self._began
        np.multiply(changed, steps[1:, None], out=begins[1:])
        on = states[:, self._wanted] == self._signs
        ended = on[:-1] & changed[:, self._wanted]
        rows = np.flatnonzero(ended.any(axis=1) & (on[:-1].sum(axis=1) >= self._fewest))
        began = np.maximum.accumulate(begins[:, self._wanted], axis=0)
        places, starts, shared = _closed(np.where(on, began, _FAR)[rows], ended[rows], self._fewest)
        rows = rows[places]
        self._keep(starts, steps[rows] + 1, shared, self._through(starts, rows, states, begins))
        self._steps, self._documents, self._states = steps[-1:], documents[-1:], states[-1:]
        self._began = begins.max(axis=0)
        self._settle(np.sort(began[-1, on[-1]]))

    def finish(self) -> list[FoundSpan]:
        """The best spans, the very best first."""
        self.read(np.array([self._steps[0] + 1]), np.array([-1]), np.zeros_like(self._states))
        return self._spans

    def _through(self, starts: np.ndarray, rows: np.ndarray, states: np.ndarray, begins: np.ndarray) -> np.ndarray:
        """How many units are on through spans, from a step to a row."""
        ends, of = np.unique(rows, return_inverse=True)
        if not len(ends):
            return rows
        edges = np.concatenate([[0], ends[:-1] + 1])
        began = np.maximum.accumulate(np.maximum.reduceat(begins[: ends[-1] + 1], edges, axis=0), axis=0)
        began[states[ends] == 0] = _FAR
        pieces = np.array_split(np.arange(len(rows)), 1 + len(rows) // _ROOM)
        return np.concatenate([(began[of[piece]] <= starts[piece, None]).sum(axis=1) for piece in pieces])

    def _keep(self, starts: np.ndarray, stops: np.ndarray, shared: np.ndarray, through: np.ndarray) -> None:
        apart = (stops <= self._query[0]) | (starts >= self._query[1])
        fields = (len(self._wanted) - shared, through - shared, starts - stops, starts)
        self._spans += map(FoundSpan, *(field[apart].tolist() for field in fields))

    def _settle(self, alive: np.ndarray) -> None:
        """Drop what overlaps a better span, and what is worse than enough spans that nothing to come can drop.

        A span to come that overlaps an earlier one shares units that were on before its end, and are still on: at
        most as many as there are of these.
        """
        sure, kept = [], []
        for span in sorted(self._spans):
            if any(span.overlaps(better) for better in sure):
                continue
            rival = int(alive.searchsorted(span.stop))
            if len(self._wanted) - span.missing > rival and not any(span.overlaps(better) for better in kept):
                sure.append(span)
            kept.append(span)
            if len(sure) == self._count:
                self._fewest = len(self._wanted) - span.missing
                break
        self._spans = kept


def _closed(starts: np.ndarray, ended: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The spans that end with a row and can be made longer at neither end: of each its row, start and units shared.

    Parameters
    ----------
    starts : int array of shape (row, unit)
        Since when a unit is on at the row; far beyond where it is not.
    ended : bool array of shape (row, unit)
        Whether it is on up to this row.
    fewest : int
        Units shared.
    """
    order = starts.argsort(axis=1)
    starts, ended = np.take_along_axis(starts, order, axis=1), np.take_along_axis(ended, order, axis=1)
    closed = np.logical_or.accumulate(ended, axis=1) & (starts < _FAR)
    closed[:, :-1] &= starts[:, :-1] < starts[:, 1:]
    closed[:, : fewest - 1] = False
    rows, places = closed.nonzero()
    return rows, starts[rows, places], places + 1

"""Formulas over concepts, and the search for those that hold where a unit is on.

Where a formula holds is kept as bits, 64 a number: thousands are compared for each that is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_LENGTH = 5
"""Atoms in the longest formula."""

_BEAM = 10

_JOIN = {"AND": np.bitwise_and, "OR": np.bitwise_or, "AND NOT": lambda one, other: one & ~other}


@dataclass(frozen=True, eq=False)
class Formula:
    """Where a formula holds in the fit half and in the held-out half, packed.

    Attributes
    ----------
    text : str
    kind : str
        The word that joins its parts, ``AND`` or ``OR``; empty for an atom.
    fit, held : uint64 arrays
        See `pack`.
    """

    text: str
    kind: str
    fit: np.ndarray
    held: np.ndarray

    def joined(self, word: str, other: Formula) -> Formula:
        """This and another one, by AND, OR or AND NOT."""
        kind, join = word.split()[0], _JOIN[word]
        left = self.text if self.kind in ("", kind) else f"({self.text})"
        return Formula(f"{left} {word} {other.text}", kind, join(self.fit, other.fit), join(self.held, other.held))


Scored = tuple[float, Formula]
"""A formula behind its IoU in the fit half."""


class FormulaSearch:
    """A beam search for the formulas that hold where a unit is on.

    Parameters
    ----------
    atoms : sequence of Formula
    on : uint64 array
        Where the unit is on in the fit half, packed.
    """

    def __init__(self, atoms: Sequence[Formula], on: np.ndarray) -> None:
        self._atoms, self._on = atoms, on
        self._masks = np.stack([atom.fit for atom in atoms])
        self._size, self._hits = self._counts(self._masks)
        self._total = int(_count(on))

    def best(self) -> list[Scored]:
        """The best formula of each length; none longer than what still gains."""
        beam = _widest(zip(self._iou(self._size, self._hits).tolist(), self._atoms, strict=True))
        found = beam[:1]
        while len(found) < _LENGTH:
            grown = [longer for parent in beam for longer in self._grown(parent)]
            beam = _widest(sorted(grown, key=_worse)[: 4 * _BEAM])
            if not beam or beam[0][0] <= found[-1][0]:
                break
            found.append(beam[0])
        return found

    def correlation(self, formula: Formula, steps: int) -> float:
        """The correlation (phi) of a formula with the unit, over so many steps."""
        size, hits = (int(number) for number in self._counts(formula.fit))
        spread = size * (steps - size) * self._total * (steps - self._total)
        return (hits * steps - size * self._total) / max(1, spread) ** 0.5

    def _grown(self, parent: Scored) -> list[Scored]:
        """The formulas, one atom longer, that are better than their parent, the best of them only."""
        score, formula = parent
        own_size, own_hits = self._counts(formula.fit)
        size, hits = self._counts(self._masks & formula.fit)
        grown = {
            "AND": self._iou(size, hits),
            "OR": self._iou(own_size + self._size - size, own_hits + self._hits - hits),
            "AND NOT": self._iou(own_size - size, own_hits - hits),
        }
        words, scores = list(grown), np.stack(list(grown.values()))
        best = np.argsort(-scores, axis=None, kind="stable")[: 4 * _BEAM]
        places = [divmod(int(place), len(self._atoms)) for place in best if scores.flat[place] > score]
        return [(float(scores[word, atom]), formula.joined(words[word], self._atoms[atom])) for word, atom in places]

    def _counts(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At how many steps it holds, and at how many of these the unit is on."""
        return _count(bits), _count(bits & self._on)

    def _iou(self, size: np.ndarray, hits: np.ndarray) -> np.ndarray:
        return intersection_over_union(size, hits, self._total)


def _worse(pair: Scored) -> float:
    return -pair[0]


def _widest(pairs: Iterable[Scored]) -> list[Scored]:
    """The best of these that do not hold at the very same steps."""
    distinct: dict[bytes, Scored] = {}
    for pair in sorted(pairs, key=_worse):
        distinct.setdefault(pair[1].fit.tobytes(), pair)
        if len(distinct) == _BEAM:
            break
    return list(distinct.values())


def pack(holds: np.ndarray) -> np.ndarray:
    """A boolean series as bits, 64 a number."""
    packed = np.packbits(holds)
    return np.pad(packed, (0, -len(packed) % 8)).view(np.uint64)


def _count(bits: np.ndarray) -> np.ndarray:
    """Bits that are set, along the last axis."""
    return np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)


def intersection_over_union(size: np.ndarray | int, hits: np.ndarray | int, total: int) -> np.ndarray:
    """Of a formula of this size with what is on in all; 0 if neither ever holds."""
    return np.asarray(hits / np.maximum(1, size + total - hits))

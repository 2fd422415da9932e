"""The unit that is chosen for a concept, and all that is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnscope.analysis.intervals import middle, resampled

from . import scores
from .binning import BINS, TOP
from .scores import MEASURES, Measure
from .signal import SignalSearch
from .tallies import Detail


@dataclass(frozen=True)
class Choice:
    """A unit of a signal for a concept.

    Attributes
    ----------
    address : str
        Of the unit.
    signal : SignalSearch
    unit, index : int
        The unit's place in the signal, the concept's among all.
    rises : bool
        Whether the unit is high where the label is.
    p : float
    detail : Detail
        Of the held-out half.
    """

    address: str
    signal: SignalSearch
    unit: int
    index: int
    rises: bool
    p: float
    detail: Detail

    @property
    def _measure(self) -> Measure:
        return MEASURES[self.detail.question.concept.kind]

    def row(self, seed: int) -> dict[str, Any]:
        """The row of a table, see `FoundUnits`."""
        concept, counts = self.detail.question.concept, self._turned(self.detail.counts)
        whole, sign = counts.sum(axis=0), 1 if self.rises else -1
        low, high = self._interval(counts, seed)
        fitted = float(self.signal.fit.association(self.index)[self.unit]) - self._measure.neutral
        row: dict[str, Any] = {
            "concept": concept.name,
            "kind": concept.kind,
            "unit": self.address,
            "sign": sign,
            "measure": self._measure.name,
            "score": float(self._measure.of(whole)),
            "low": low,
            "high": high,
            "p": self.p,
            "fit_score": self._measure.neutral + sign * fitted,
            "steps": int(whole.sum()),
            "mutual_information": float(scores.mutual_information(whole)),
        }
        if concept.kind != "category":
            row["pearson"] = sign * self.detail.pearson
        return row | self._thresholds(whole) if concept.kind == "flag" else row

    def _thresholds(self, whole: np.ndarray) -> dict[str, float]:
        """What the unit does of a flag with the thresholds of the fit half, from counts of shape (label, bin)."""
        no, yes = whole
        fit_yes, fit_no = (self._turned(counts[self.unit]) for counts in self.signal.fit.flag(self.index))
        first, top = scores.best_threshold(fit_yes, fit_no), scores.top_threshold(fit_yes + fit_no, TOP)
        named = {name: float(value) for name, value in scores.at_threshold(yes, no, first).items()}
        return named | {
            "share": float(yes.sum() / whole.sum()),
            "average_precision": float(scores.average_precision(yes, no)),
            "threshold": self._edge(int(first)),
            "iou_top": float(scores.at_threshold(yes, no, top)["iou"]),
            "threshold_top": self._edge(int(top)),
        }

    def _edge(self, first: int) -> float:
        """The value from which on, or below which, the unit is on, from its first bin."""
        edges = self.signal.bins.edges[self.unit]
        if first == 0:
            return -np.inf if self.rises else np.inf
        return float(edges[first - 1] if self.rises else edges[BINS - 1 - first])

    def _turned(self, counts: np.ndarray) -> np.ndarray:
        """Counts with the bins in the order in which the unit goes with the concept."""
        return counts if self.rises else counts[..., ::-1]

    def _interval(self, counts: np.ndarray, seed: int) -> tuple[float, float]:
        """The 95 % interval of the score, by drawing blocks with replacement, from counts (block, label, bin)."""
        parts = np.array_split(resampled(len(counts), seed), 20)
        return middle(np.concatenate([self._measure.of(np.tensordot(part, counts, 1)) for part in parts]))

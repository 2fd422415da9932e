"""One signal's part of a search: what is gathered of its units, half by half."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnnscope.tracing.passages import Span

from .binning import Bins
from .chance import best_by_shift
from .scores import MEASURES, at_threshold, best_threshold
from .tallies import Detail, Question, Sample, Tally

_SAMPLE = 2**14
"""Steps of a `Sample`."""


class SignalSearch:
    """All units of a signal against all concepts.

    Parameters
    ----------
    bins : Bins
    questions : sequence of Question
    part : Span
        The fit half.

    Attributes
    ----------
    fit, held_out : Tally
        Of the halves.
    """

    def __init__(self, bins: Bins, questions: Sequence[Question], part: Span) -> None:
        self.bins = bins
        self.fit, self.held_out = Tally(bins, questions), Tally(bins, questions)
        self._questions = questions
        self._sample = Sample(len(bins.edges), len(questions), *part, _SAMPLE)
        self._details: list[tuple[int, int, Detail]] = []

    def read_fit(self, steps: np.ndarray, values: Tensor, labels: np.ndarray) -> None:
        """Take in some steps of the fit half.

        Parameters
        ----------
        steps : int array of shape (time,)
        values : float32 tensor of shape (time, unit)
        labels : float32 array of shape (concept, time)
        """
        bins = self.bins.encode(values)
        self.fit.update(bins, labels)
        self._sample.update(steps, bins, labels)

    def read_held_out(self, steps: np.ndarray, values: Tensor, labels: np.ndarray) -> None:
        """Take in some steps of the held-out half, as `read_fit` does."""
        bins = self.bins.encode(values)
        self.held_out.update(bins, labels)
        for index, unit, detail in self._details:
            detail.update(steps, bins[unit], values[:, unit].numpy(), labels[index])

    def iou(self, index: int) -> np.ndarray:
        """IoU of all units with a flag on the held-out half, with direction and threshold of the fit half."""
        low = (self.fit.association(index) < MEASURES["flag"].neutral)[:, None]
        counts = (*self.fit.flag(index), *self.held_out.flag(index))
        fit_yes, fit_no, yes, no = (np.where(low, count[:, ::-1], count) for count in counts)
        return at_threshold(yes, no, best_threshold(fit_yes, fit_no))["iou"]

    def best(self, index: int) -> tuple[int, float]:
        """The unit that tells a concept best on the fit half, and how far its association is from telling nothing."""
        kind = self._questions[index].concept.kind
        strength = np.nan_to_num(np.abs(self.fit.association(index) - MEASURES[kind].neutral), nan=-1.0)
        return int(strength.argmax()), float(strength.max())

    def by_chance(self, shifts: np.ndarray) -> np.ndarray:
        """The strongest association of any unit by concept and shift of the labels, see `best_by_shift`."""
        taken = self._sample.taken
        pairs = zip(self.bins.ranks, self._sample.bins[:, taken], strict=True)
        ranks = torch.from_numpy(np.stack([ranks.take(bins) for ranks, bins in pairs]))
        asked = zip(self._sample.labels[:, taken], self._questions, strict=True)
        return np.stack([best_by_shift(ranks, labels, question, shifts) for labels, question in asked])

    def follow(self, index: int, unit: int, part: Span, blocks: int) -> Detail:
        """What will be known in detail of a unit and a concept once the held-out half is read."""
        detail = Detail(self._questions[index], *part, blocks)
        self._details.append((index, unit, detail))
        return detail

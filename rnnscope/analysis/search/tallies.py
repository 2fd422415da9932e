"""What one pass over a text gathers of units and labels.

Tally     of all units of a signal: enough to rank them for every concept
Detail    of one unit and one concept, block by block: enough for every score and its interval
Sample    some steps of all units, evenly spread: enough to see what chance does
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnscope.concept import Concept

from . import scores
from .binning import BINS, Bins

_PATTERNS = 32
"""Patterns of labels that are counted together, at most; with the bins they make a code of 16 bits."""

LEVELS = 32
"""Levels of a number's labels in a `Detail`, at most."""


class LabelScale:
    """The ranks of a number's labels among all of them.

    Parameters
    ----------
    labels : array of shape (time,), NaN where the concept does not apply
        Some from all over what is read.
    """

    def __init__(self, labels: np.ndarray) -> None:
        self._values, counts = np.unique(labels[~np.isnan(labels)], return_counts=True)
        share = counts / max(1, counts.sum())
        self._ranks = share.cumsum() - share / 2
        shares = np.linspace(0, 1, LEVELS + 1)[1:-1]
        places = np.minimum(np.searchsorted(self._ranks, shares), max(0, len(self._values) - 1))
        self._levels = np.unique(self._values[places]) if len(self._values) else np.zeros(0)

    def ranks(self, labels: np.ndarray) -> np.ndarray:
        """From 0 to 1; between those of its neighbours for a label not seen before."""
        return np.interp(labels, self._values, self._ranks) if len(self._values) else np.zeros_like(labels)

    def levels(self, labels: np.ndarray) -> np.ndarray:
        """The level of each label, from 0 to `LEVELS` - 1."""
        return np.searchsorted(self._levels, labels, side="right")


@dataclass(frozen=True)
class Question:
    """A concept as tallies see it.

    Attributes
    ----------
    concept : Concept
    scale : LabelScale or None
        Of a number.
    """

    concept: Concept
    scale: LabelScale | None = None

    @property
    def size(self) -> int:
        """How many kinds of label there are: two for a flag."""
        return {"flag": 2, "number": LEVELS, "category": len(self.concept.categories)}[self.concept.kind]

    def places(self, labels: np.ndarray) -> np.ndarray:
        """Which of them each label is."""
        return self.scale.levels(labels) if self.scale is not None else labels.astype(np.int64)


class Tally:
    """Of a flag the counts of all units by bin, with the label and without; of others the moments of ranks.

    Parameters
    ----------
    bins : Bins
        Of the units of one signal.
    questions : sequence of Question
    """

    def __init__(self, bins: Bins, questions: Sequence[Question]) -> None:
        self._bins, self._questions = bins, list(questions)
        self.units = len(bins.edges)
        self._flags = [index for index, question in enumerate(questions) if question.concept.kind == "flag"]
        self._others = [index for index in range(len(questions)) if index not in self._flags]
        ends = np.cumsum([0, *(_columns(questions[index]) for index in self._others)])
        self._columns = {index: slice(*ends[place : place + 2]) for place, index in enumerate(self._others)}
        self._counts = np.zeros((len(self._flags), 2, self.units, BINS), dtype=np.uint32)
        self._label = np.zeros((3, ends[-1]))
        self._rank = np.zeros((3, self.units, ends[-1]))

    def update(self, bins: np.ndarray, labels: np.ndarray) -> None:
        """Take in some steps.

        Parameters
        ----------
        bins : uint8 array of shape (unit, time)
        labels : float32 array of shape (concept, time), NaN where a concept does not apply
        """
        if self._flags:
            self._count(bins, labels[self._flags])
        if self._others:
            self._correlate(bins, labels[self._others])

    def flag(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Counts with the label and without it, each of shape (unit, bin), of a concept by its number."""
        no, yes = self._counts[self._flags.index(index)].astype(np.float64)
        return yes, no

    def association(self, index: int) -> np.ndarray:
        """What each unit tells of a concept: AUROC of a flag, Spearman of a number, eta squared of a category."""
        if index in self._flags:
            return scores.auroc(*self.flag(index))
        label, rank = self._label[:, self._columns[index]], self._rank[..., self._columns[index]]
        if self._questions[index].concept.kind == "number":
            return _correlation(label[:, 0], rank[..., 0])
        return _eta_squared(label[0], rank)

    def spread(self, index: int) -> np.ndarray:
        """How many steps have each label; of a number how many have one, and whether they differ."""
        if index in self._flags:
            return np.array([counts[0].sum() for counts in self.flag(index)])
        n, y, yy = self._label[:, self._columns[index]]
        return n if self._questions[index].concept.kind == "category" else np.array([n[0], yy[0] * n[0] - y[0] ** 2])

    def _count(self, bins: np.ndarray, labels: np.ndarray) -> None:
        for flags, pattern, answers in _patterns(labels):
            members = np.stack((answers == 0, answers == 1)).astype(np.float32)
            counts = torch.einsum("apf,upb->faub", torch.from_numpy(members), _counts(bins, pattern, len(answers)))
            self._counts[flags.start : flags.stop] += counts.numpy().astype(np.uint32)

    def _correlate(self, bins: np.ndarray, labels: np.ndarray) -> None:
        ranks = torch.from_numpy(np.stack([r.take(b) for r, b in zip(self._bins.ranks - 0.5, bins, strict=True)]))
        parts = [_targets(self._questions[i], label) for i, label in zip(self._others, labels, strict=True)]
        applies, targets = (np.concatenate(columns, axis=1) for columns in zip(*parts, strict=True))
        self._label += [(applies * targets**power).sum(axis=0, dtype=np.float64) for power in range(3)]
        linear = _product(ranks, np.concatenate((applies, applies * targets), axis=1))
        self._rank += np.stack(
            (linear[:, : applies.shape[1]], _product(ranks.square_(), applies), linear[:, applies.shape[1] :])
        )


def _correlation(label: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Of ranks of shape (unit,) with those of labels, from their moments."""
    (n, y, yy), (x, xx, xy) = label / max(1.0, label[0]), rank / max(1.0, label[0])
    return scores.ratio(n * xy - x * y, np.sqrt((n * xx - x**2).clip(0) * max(0.0, n * yy - y**2)))


def _eta_squared(n: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The share of the ranks' variance between categories, from steps by category and moments (3, unit, category)."""
    x, xx, _ = rank
    among_all = scores.ratio(x.sum(axis=-1) ** 2, n.sum(), 0.0)
    return scores.ratio(scores.ratio(x**2, n, 0.0).sum(axis=-1) - among_all, xx.sum(axis=-1) - among_all)


def _columns(question: Question) -> int:
    return 1 if question.concept.kind == "number" else question.size


def _targets(question: Question, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a label applies (a column a category), and the ranks of a number's labels, each of shape (time, column)."""
    if question.scale is not None:
        applies = ~np.isnan(label)
        ranks = question.scale.ranks(np.where(applies, label, 0)) - 0.5
        return applies[:, None].astype(np.float32), ranks[:, None].astype(np.float32)
    applies = (label[:, None] == np.arange(question.size)).astype(np.float32)
    return applies, np.zeros_like(applies)


def _product(values: Tensor, columns: np.ndarray) -> np.ndarray:
    return (values @ torch.from_numpy(columns)).numpy().astype(np.float64)


def _patterns(labels: np.ndarray) -> Iterator[tuple[range, np.ndarray, np.ndarray]]:
    """Flags in groups whose labels make few patterns, so that one count of a group serves all of its flags.

    Parameters
    ----------
    labels : float32 array of shape (flag, time)

    Yields
    ------
    flags : range
    pattern : int array of shape (time,)
    answers : int array of shape (pattern, flag)
        0 and 1, and 2 where the flag does not apply.
    """
    first, pattern, answers = 0, np.zeros(labels.shape[1], np.int64), np.zeros((1, 0), np.int64)
    for flag, label in enumerate(np.where(np.isnan(labels), 2, labels).astype(np.int64)):
        present, joint = _compressed(3 * pattern + label)
        if len(present) > _PATTERNS:
            yield range(first, flag), pattern, answers
            first, answers = flag, np.zeros((1, 0), np.int64)
            present, joint = _compressed(label)
        pattern, answers = joint, np.column_stack((answers[present // 3], present % 3))
    yield range(first, len(labels)), pattern, answers


def _compressed(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes that occur, and for each code which of them it is."""
    present = np.flatnonzero(np.bincount(codes))
    return present, np.searchsorted(present, np.arange(present[-1] + 1))[codes]


def _counts(bins: np.ndarray, pattern: np.ndarray, patterns: int) -> Tensor:
    """Counts of bins of shape (unit, time) for each pattern of labels, as float32 of shape (unit, pattern, bin)."""
    codes = torch.from_numpy(bins + (pattern * BINS).astype(np.int16))
    counts = torch.empty(len(bins), patterns * BINS)
    for unit, row in enumerate(codes):
        counts[unit] = torch.bincount(row, minlength=patterns * BINS)
    return counts.view(len(bins), patterns, BINS)


class Detail:
    """One unit and one concept: counts by label and bin, and moments of the values, for each block of the text.

    Parameters
    ----------
    question : Question
    first, stop : int
        The steps that are cut into blocks of equal length.
    blocks : int
    """

    def __init__(self, question: Question, first: int, stop: int, blocks: int) -> None:
        self.question = question
        self._first, self._length = first, -(-(stop - first) // blocks)
        self.counts = np.zeros((blocks, question.size, BINS))
        self._moments = np.zeros(6)

    def update(self, steps: np.ndarray, bins: np.ndarray, values: np.ndarray, labels: np.ndarray) -> None:
        """Take in some steps; all arrays have the shape (time,)."""
        applies = ~np.isnan(labels)
        labels, values = labels[applies], values[applies].astype(np.float64)
        blocks = (steps[applies] - self._first) // self._length
        codes = (blocks * self.question.size + self.question.places(labels)) * BINS + bins[applies]
        self.counts += np.bincount(codes, minlength=self.counts.size).reshape(self.counts.shape)
        pairs = (np.ones_like(values), values, labels, values**2, labels**2, values * labels)
        self._moments += [pair.sum(dtype=np.float64) for pair in pairs]

    @property
    def pearson(self) -> float:
        """Correlation of values and labels; of a flag the point-biserial one."""
        n, x, y, xx, yy, xy = self._moments / max(1.0, self._moments[0])
        spread = max(0.0, xx - x * x) * max(0.0, yy - y * y)
        return (xy - x * y) / spread**0.5 if n and spread > 0 else float("nan")


class Sample:
    """Steps of a stretch of text, spread over all of it: bins of all units and labels of all concepts.

    One is taken at random of each few steps, so that no rhythm of the text hides.

    Parameters
    ----------
    units, concepts : int
    first, stop : int
        The stretch.
    size : int
        Steps that are kept at most.
    """

    def __init__(self, units: int, concepts: int, first: int, stop: int, size: int) -> None:
        self._first, self._stride = first, -(-(stop - first) // size)
        count = -(-(stop - first) // self._stride)
        self._chosen = np.random.default_rng(0).integers(self._stride, size=count)
        self.bins = np.zeros((units, count), dtype=np.uint8)
        self.labels = np.full((concepts, count), np.nan, dtype=np.float32)
        self.taken = np.zeros(count, dtype=bool)

    def update(self, steps: np.ndarray, bins: np.ndarray, labels: np.ndarray) -> None:
        """Take in some steps, as `Tally.update` does."""
        places, rest = np.divmod(steps - self._first, self._stride)
        kept = np.flatnonzero(rest == self._chosen[places])
        self.bins[:, places[kept]] = bins[:, kept]
        self.labels[:, places[kept]] = labels[:, kept]
        self.taken[places[kept]] = True

"""Examples into parts that share no group: no document, and no stretch of a text, is on both sides."""

from __future__ import annotations

from numbers import Real

import numpy as np

from rnnscope.arguments import whole
from rnnscope.errors import ArgumentError, ProbeError

from .examples import Examples

_TRIES = 50
"""Divisions that are tried for one that has all classes on both sides."""


def split_groups(examples: Examples | np.ndarray, test: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Divide examples into whole groups for training and for testing.

    Of some random divisions the first is taken that has all classes on both sides; if there is none, the first with
    all of them in training; if there is none, the first.

    Parameters
    ----------
    examples : Examples, or the groups of examples, an int array of shape (example,)
    test : float
        The share of examples to test on, about.
    seed : int

    Returns
    -------
    training, testing : int arrays
        Places of examples, ascending.

    Raises
    ------
    ProbeError
        If there are fewer than two groups.
    ArgumentError
        If the share is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import split_groups
    >>> training, testing = split_groups(np.array([0, 0, 0, 1, 1, 1, 2, 2, 2]))
    >>> training.tolist(), testing.tolist()
    ([0, 1, 2, 3, 4, 5], [6, 7, 8])
    """
    if not isinstance(test, Real) or not 0 < test < 1:
        raise ArgumentError(f"The share of examples to test on lies between 0 and 1; got {test!r}.")
    seed = whole(seed, "seed")
    known = isinstance(examples, Examples)
    groups = np.asarray(examples.groups if known else examples)
    labels = np.unique(examples.labels, return_inverse=True)[1] if known else np.zeros(groups.shape, dtype=np.int64)
    if groups.ndim != 1:
        raise ProbeError(f"One group an example was expected; got an array of shape {groups.shape}.")
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ProbeError(
            f"At least two groups are needed, to train on some and test on others; got {len(names)}. "
            "Give more documents, or a longer text."
        )
    counts = np.zeros((len(names), labels.max() + 1), dtype=np.int64)
    np.add.at(counts, (members, labels), 1)
    testing = _division(counts, test, np.random.default_rng(seed))[members]
    return np.flatnonzero(~testing), np.flatnonzero(testing)


def _division(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which groups to test on, from the examples of shape (group, class)."""
    best, most = np.zeros(0), (0, 0)
    for _ in range(_TRIES):
        testing = _draw(counts.sum(axis=1), share, rng)
        if (classes := _classes(counts, testing)) > most:
            best, most = testing, classes
        if min(most) == counts.shape[1]:
            break
    return best


def _draw(sizes: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which groups to test on: the first in a random order that have about the share of all examples."""
    order = rng.permutation(len(sizes))
    reached = np.abs(np.cumsum(sizes[order])[:-1] - share * sizes.sum())
    testing = np.zeros(len(sizes), dtype=bool)
    testing[order[: reached.argmin() + 1]] = True
    return testing


def _classes(counts: np.ndarray, testing: np.ndarray) -> tuple[int, int]:
    """How many classes are in training, and how many in testing."""
    return int(counts[~testing].any(axis=0).sum()), int(counts[testing].any(axis=0).sum())


def folds(
    groups: np.ndarray, count: int, seed: int = 0, labels: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide examples into folds of whole groups, of about equal size and, if labels are given, about equal classes.

    Parameters
    ----------
    groups : int array of shape (example,)
    count : int
        Folds, at least 2.
    seed : int
    labels : int array of shape (example,), optional

    Returns
    -------
    list of (training, testing)
        Places of examples, ascending; each example is in one testing part.

    Raises
    ------
    ProbeError
        If there are fewer groups than folds.
    """
    names, members = np.unique(groups, return_inverse=True)
    if count < 2 or len(names) < count:
        raise ProbeError(
            f"At least 2 folds and as many groups as folds were expected; got {count} folds and {len(names)} groups. "
            "Ask for fewer folds, or give a strength, which needs none."
        )
    labels = np.zeros(len(groups), np.int64) if labels is None else np.unique(labels, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    own = _rows_by_turns(labels, count, rng) if len(names) == len(groups) else None
    place = own if own is not None else _groups_to_lightest(members, labels, count, rng)
    return [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(count)]


def _rows_by_turns(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each example, where each is a group of its own: class by class, in turns."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    place = np.empty(len(labels), np.int64)
    place[order] = np.arange(len(labels)) % count
    return place


def _groups_to_lightest(members: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each example: group by group, from the largest, to the fold that has least of its classes."""
    counts = np.zeros((members.max() + 1, labels.max() + 2))
    np.add.at(counts, (members, labels), 1)
    counts[:, -1] = counts.sum(axis=1)  # the size counts beside the classes, so that no fold stays empty
    shares = counts / counts.sum(axis=0)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    held, place = np.zeros((count, counts.shape[1])), np.empty(len(counts), np.int64)
    for group in order:
        place[group] = (held @ shares[group]).argmin()
        held[place[group]] += shares[group]
    return place[members]

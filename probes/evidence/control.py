"""The control task: labels that say nothing, but that a probe with a good memory can learn by heart."""

from __future__ import annotations

import numpy as np

from rnnscope.arguments import whole
from rnnscope.errors import ProbeError


def control_labels(types: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """One random label for each type, as often each as in the task (Hewitt & Liang, 2019).

    Types are given labels from the most frequent type to the rarest. Each goes to a class at random, with the room
    that a class has left as its chance, among those with room for all of the type's examples; so the classes
    keep their shares, and a majority baseline its accuracy, as nearly as the types allow. A type with more examples
    than any class has room for goes to the class with the most.

    Parameters
    ----------
    types : int array of shape (example,)
    labels : int array of shape (example,)
        The task's, whose shares are kept.
    seed : int
        Of the draw.

    Returns
    -------
    int array of shape (example,)

    Raises
    ------
    ProbeError
        If there is not one type for each label.

    Examples
    --------
    >>> from rnnscope.probes import control_labels
    >>> control_labels(types=[0, 0, 1, 2, 1, 2], labels=[0, 1, 1, 0, 1, 1], seed=0).tolist()
    [1, 1, 1, 0, 1, 0]
    """
    types, labels = np.asarray(types), np.asarray(labels)
    if types.shape != labels.shape or types.ndim != 1 or not len(types):
        raise ProbeError(
            "A control task needs one type for each label; got arrays of shapes "
            f"{types.shape} and {labels.shape}. A type is what an example is an instance of, such as its word."
        )
    classes, shares = np.unique(labels, return_counts=True)
    _, places, sizes = np.unique(types, return_inverse=True, return_counts=True)
    rng = np.random.default_rng(whole(seed, "seed"))
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    chosen = np.empty(len(sizes), dtype=np.int64)
    chosen[order] = _fill(shares.tolist(), sizes[order].tolist(), rng.random(len(sizes)).tolist())
    return classes[chosen[places]]


def _fill(room: list[int], sizes: list[int], chances: list[float]) -> list[int]:
    """The class of each type, from the room of the classes, the types' sizes and a number in [0, 1) for each."""
    chosen = []
    for size, chance in zip(sizes, chances, strict=True):
        place = _class_with_room(room, size, chance)
        room[place] -= size
        chosen.append(place)
    return chosen


def _class_with_room(room: list[int], size: int, chance: float) -> int:
    point = chance * sum(space for space in room if space >= size)
    for place, space in enumerate(room):
        if space >= size:
            if point < space:
                return place
            point -= space
    return max(range(len(room)), key=room.__getitem__)

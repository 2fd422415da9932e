"""Random bases of a signal's space: what a basis is like that means nothing to the network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from rnnscope.arguments import whole
from rnnscope.errors import RecordingError
from rnnscope.recording.directions import Directions

from .moments import Moments, check_moments


def random_rotation(
    moments: Moments, *, standardised: bool = True, name: str = "rotation", seed: int = 0
) -> Directions:
    """A random orthonormal basis, each one as likely as any other.

    It is the Q of a matrix of normal numbers, with the signs that make the diagonal of R positive (Mezzadri 2007).

    Parameters
    ----------
    moments : Moments
        Of the signal, as `rnnscope.signal_moments` gives them.
    standardised : bool
        Whether each unit is divided by its standard deviation first, so that all have the same part; see
        `rnnscope.compare_bases`.
    name : str
        Of the signal that the directions become.
    seed : int

    Returns
    -------
    Directions

    Raises
    ------
    RecordingError
        If the name is none, or the moments are not those of a signal.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> moments = rnnscope.signal_moments(model, '"You are late," said Anna.', "l0.c")
    >>> rnnscope.random_rotation(moments)
    <Directions l0.rotation: 256 in the 256 dimensions of l0.c, 100% of its variance>
    """
    units = len(check_moments(moments).mean)
    drawn = np.random.default_rng(whole(seed, "seed")).standard_normal((units, units))
    return _basis(moments, drawn, standardised, name)


def complete_basis(
    vector: ArrayLike, moments: Moments, *, standardised: bool = True, name: str = "probe", seed: int = 0
) -> Directions:
    """A random basis whose first axis is given, such as what a probe reads; the others are its controls.

    `rnnscope.ablation` of the first compares it with others that vary about as much.

    Parameters
    ----------
    vector : array of shape (unit,)
        The weights that a probe gives the units: the first coordinate is proportional to ``(x - mean) @ vector``.
    moments : Moments
        Of the signal.
    standardised : bool
        Whether units are divided by their standard deviation first. What the first coordinate says is the same in
        both; but to change it moves units along ``std ** 2 * vector``, by how much they vary themselves, and else along
        ``vector``.
    name, seed
        As for `random_rotation`.

    Returns
    -------
    Directions

    Raises
    ------
    RecordingError
        If the vector is zero, or has another number of units.

    Examples
    --------
    >>> import numpy as np
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> moments = rnnscope.signal_moments(model, '"You are late," said Anna.', "l0.c")
    >>> rnnscope.complete_basis(np.ones(256), moments, name="mine")
    <Directions l0.mine: 256 in the 256 dimensions of l0.c, 100% of its variance>
    """
    units = len(check_moments(moments).mean)
    try:
        weights = np.asarray(vector, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        weights = np.empty(0)
    if len(weights) != units:
        raise RecordingError(
            f"A weight for each of the {units} units of {moments.address} was expected; got {vector!r}."
        )
    others = np.random.default_rng(whole(seed, "seed")).standard_normal((units - 1, units))
    weights = weights * moments.scale if standardised else weights
    return _basis(moments, np.vstack((weights, others)), standardised, name)


def _basis(moments: Moments, rows: np.ndarray, standardised: bool, name: str) -> Directions:
    scale = moments.scale if standardised else None
    found = Directions.spanning(str(moments.address), name, rows, moments.mean, scale)
    return replace(found, share=moments.share(found.vectors, scale))

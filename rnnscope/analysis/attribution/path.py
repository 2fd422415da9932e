"""Integrals along the straight line from a baseline to a text, in more steps where it is steep."""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

POINTS = 4
"""Of a stretch, by Gauss-Legendre quadrature."""

_STRETCHES = 4
_MOST = 2**14

TOLERANCE = 0.01
"""What scores may miss of what they have to add up to, as a share of it."""


def change_of(ends: Tensor) -> tuple[float, float]:
    """By how much a target differs between the two ends of a path, and how far it can be off by rounding."""
    first, last = ends.tolist()
    return last - first, 8 * torch.finfo(ends.dtype).eps * max(abs(first), abs(last))


def quadrature(points: int) -> tuple[Tensor, Tensor]:
    """The places from 0 to 1, and the weights, of Gauss and Legendre."""
    places, weights = leggauss(points)
    return torch.from_numpy((places + 1) / 2), torch.from_numpy(weights / 2)


def integrate(
    along: Callable[[Tensor], tuple[Tensor, Tensor]], difference: float, rounding: float, side_by_side: int
) -> tuple[Tensor, int]:
    """Integrate gradients along a path until they add up.

    What a stretch of the path has to add up to is known from the target at its ends. Where its scores miss that by
    more than its share of 1 %, it is halved.

    Parameters
    ----------
    along : callable
        From stretches, of shape (stretch, 2), where the path is 0 to 1, to their scores, of shape (stretch, ...), and
        to what these have to add up to, of shape (stretch,).
    difference : float
        Of the target between both ends of the path.
    rounding : float
        Of the target.
    side_by_side : int
        Points in one pass.

    Returns
    -------
    Tensor
        The scores of the whole path.
    int
        How many points were read.
    """
    stretches = torch.linspace(0, 1, _STRETCHES + 1, dtype=torch.float64).unfold(0, 2, 1)
    found, points = torch.zeros(()), 0
    while len(stretches):
        steep = []
        for some in stretches.split(max(1, side_by_side // POINTS)):
            scores, owed = along(some)
            points += POINTS * len(some)
            missed = (scores.flatten(1).sum(dim=1) - owed).abs().cpu()
            enough = missed <= (TOLERANCE / 2 * abs(difference) * some.diff()[:, 0].sqrt()).clamp(min=rounding)
            enough |= torch.tensor(points >= _MOST) | ~missed.isfinite()
            found = found.to(scores) + scores[enough.to(scores.device)].sum(dim=0)
            steep.append(some[~enough])
        low, high = torch.cat(steep).unbind(dim=1)
        middle = (low + high) / 2
        stretches = torch.cat((torch.stack((low, middle), dim=1), torch.stack((middle, high), dim=1)))
    return found, points

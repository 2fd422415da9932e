"""What a target owes to the units of a signal, by methods that know captum's: gradients along a path, or at its end.

captum's layer methods look for a module that is called once and puts out the layer. A signal at a step is no module:
it is met here where an intervention would change it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan

import torch
from torch import Tensor

from rnnscope.errors import AttributionError
from rnnscope.recording.address import Address
from rnnscope.recording.intervening import intervene
from rnnscope.recording.intervention import Intervention

from .path import POINTS, change_of, integrate, quadrature
from .work import Work

_CONDUCTANCE = 128


@dataclass(frozen=True, eq=False)
class UnitScores:
    """What a method has found.

    Attributes
    ----------
    scores : tensor of shape (time, unit)
    gap : float
        Between the sum of the scores and what they should add up to, in the unit of the target; NaN where they need
        not add up.
    how : str
        What the method was given that its name does not say.
    """

    scores: Tensor
    gap: float = nan
    how: str = ""


@dataclass(frozen=True, eq=False)
class Passes:
    """What was found on the way of several variants of a text.

    Attributes
    ----------
    target : tensor of shape (batch,)
    values : tensor of shape (time, batch, unit)
        Of the signal.
    gradients : tensor of shape (time, batch, unit)
        Of the target with respect to the signal at each step.
    """

    target: Tensor
    values: Tensor
    gradients: Tensor


def gradient(work: Work, address: Address) -> UnitScores:
    return UnitScores(observed(work, address, work.inputs).gradients[:, 0])


def gradient_x_activation(work: Work, address: Address) -> UnitScores:
    found = observed(work, address, work.inputs)
    return UnitScores(found.gradients[:, 0] * found.values[:, 0])


def integrated_gradients(work: Work, address: Address) -> UnitScores:
    """In as many points as are asked for, or in more where the target is steep: see `integrate`."""
    ends = observed(work, address, torch.cat((work.baseline, work.inputs))).values
    begin, end = ends.unbind(dim=1)

    def at(places: Tensor) -> Passes:
        return replaced(work, address, torch.lerp(begin[:, None], end[:, None], places.to(end)[:, None]))

    def along(stretches: Tensor) -> tuple[Tensor, Tensor]:
        places, weights = quadrature(POINTS)
        low, width = stretches[:, :1], stretches.diff()
        slopes = at((low + width * places).flatten()).gradients.unflatten(1, (-1, POINTS))
        first, last = at(stretches.T.flatten()).target.chunk(2)
        return torch.einsum("sp,tspu->stu", (weights * width).to(end), slopes) * (end - begin), last - first

    target = replaced(work, address, ends).target
    if work.steps:
        scores, points = torch.zeros_like(end), work.steps
        for some, weights in zip(*(part.split(work.side_by_side) for part in quadrature(points)), strict=True):
            scores += torch.einsum("p,tpu->tu", weights.to(end), at(some).gradients) * (end - begin)
    else:
        scores, points = integrate(along, *change_of(target), work.side_by_side)
    first, last = target.tolist()
    return UnitScores(scores, scores.sum().item() - (last - first), f"{points:,} points")


def conductance(work: Work, address: Address) -> UnitScores:
    """By the trapezoidal rule over equal stretches of the path."""
    points = work.steps or _CONDUCTANCE
    places = torch.linspace(0, 1, points + 1, device=work.baseline.device, dtype=work.baseline.dtype)
    scores: Tensor | None = None
    for some in places.unfold(0, 2, 1).split(work.side_by_side):  # the end of one batch is the beginning of the next
        there = torch.cat((some[:, 0], some[-1:, 1]))[:, None, None]
        found = observed(work, address, torch.lerp(work.baseline, work.inputs.detach(), there))
        mean = (found.gradients[:, 1:] + found.gradients[:, :-1]) / 2
        part = (mean * found.values.diff(dim=1)).sum(dim=1)
        scores = part if scores is None else scores + part
    assert scores is not None
    return UnitScores(scores, how=f"{points} points")


SIGNAL_METHODS: dict[str, Callable[[Work, Address], UnitScores]] = {
    "gradient-x-activation": gradient_x_activation,
    "gradient": gradient,
    "integrated-gradients": integrated_gradients,
    "conductance": conductance,
}
"""By name."""

PATHS = ("integrated-gradients", "conductance")
"""Those that need a baseline."""


def observed(work: Work, address: Address, embedded: Tensor) -> Passes:
    """The network reads vectors of shape (batch, time, size), and its signal is left as it is."""
    inputs: list[Tensor] = [embedded] * embedded.shape[1]
    values = list(inputs)

    def change(now: Tensor, place: int) -> Tensor:
        values[place], inputs[place] = now.detach(), torch.zeros_like(now, requires_grad=True)
        return now + inputs[place]

    target, gradients = _with(work, address, embedded, change, inputs)
    return Passes(target, torch.stack(values), torch.stack(gradients))


def replaced(work: Work, address: Address, values: Tensor) -> Passes:
    """The network reads the text, and its signal is what is given, of shape (time, batch, unit)."""
    inputs = [value.detach().requires_grad_() for value in values.unbind()]
    embedded = work.inputs.expand(values.shape[1], -1, -1)
    target, gradients = _with(work, address, embedded, lambda now, place: inputs[place], inputs)
    return Passes(target, values, torch.stack(gradients))


def _with(
    work: Work, address: Address, embedded: Tensor, change: Callable[[Tensor, int], Tensor], inputs: list[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The target with a signal that is changed at each step, and its gradients with respect to what changes it."""
    intervention = Intervention(_Steps(address, len(inputs), change))
    with torch.enable_grad(), intervene(work.question.network, {str(address): intervention}):
        target = work.forward(embedded.detach())
        if not target.requires_grad:
            raise AttributionError(f"The target does not depend on {address} in a way that has gradients.")
        return target.detach(), torch.autograd.grad(target.sum(), inputs, materialize_grads=True)


class _Steps:
    """The values of an intervention, which counts the steps of one text in the order of reading."""

    def __init__(self, address: Address, time: int, change: Callable[[Tensor, int], Tensor]) -> None:
        self.places = iter(reversed(range(time)) if address.reverse else range(time))
        self.change = change

    def __call__(self, signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
        place = next(self.places, None)
        if place is None:
            raise AttributionError(f"The layer of {signal} makes more steps than the text has.")
        return self.change(now, place)

"""The losses of many targets taken back through time together, and the norms that their gradients have on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import hardshrink

from .adjoint import Gradient, LayerAdjoint
from .targets import TargetNorms

_RENEWAL = 4
"""Lags after which gradients are brought back to about 1, so that none leaves the range of its type."""

_LARGEST = 100
"""Powers of two that are taken out at once."""


@dataclass(frozen=True)
class Group:
    """Targets whose windows lie in one stretch of rows.

    Attributes
    ----------
    places : slice
        Which of all targets these are.
    rows : int64 tensor of shape (target,)
        Of the step of each; a step earlier is a row earlier.
    factors : list of tensors of shape (row, factor, unit)
        By layer.
    seeds : tensor of shape (target, unit)
        The gradient of each loss with respect to what the head reads.
    """

    places: slice
    rows: Tensor
    factors: list[Tensor]
    seeds: Tensor


def room_for(layers: Sequence[LayerAdjoint], targets: np.ndarray, losses: np.ndarray, lags: int) -> TargetNorms:
    """Room for the norms of all gradients at so many lags."""
    states = [f"l{n}.{name}" for n, layer in enumerate(layers) for name in ("hc" if layer.carried == "c" else "h")]
    carried = [f"l{n}.{layer.carried}" for n, layer in enumerate(layers) if layer.carried]
    norms, along, rest = (
        {name: np.empty((len(targets), lags)) for name in names} for names in (states, carried, carried)
    )
    return TargetNorms(targets, losses, norms, along, rest)


def walk_back(layers: Sequence[LayerAdjoint], group: Group, lags: Sequence[int], found: TargetNorms) -> None:
    """Take the losses of a group back through time, and write down their norms.

    A gradient is brought back to about 1 every few lags, by powers of two that are counted: its norm is known also
    where its type has no such number. What is 10^19 times smaller (in float32) than the largest is taken for zero.
    """
    gradients = [layer.begin(len(group.rows)) for layer in layers]
    gradients[-1].h = group.seeds.clone()
    exponents = torch.zeros(len(group.rows), dtype=torch.int32, device=group.rows.device)
    columns = {lag: column for column, lag in enumerate(lags)}
    for lag in range(max(lags) + 1):
        below: Tensor | None = None
        for number in reversed(range(len(layers))):
            layer, gradient = layers[number], gradients[number]
            if below is not None:
                gradient.h.add_(below)
            factors = group.factors[number].index_select(0, group.rows - lag)
            layer.arrive(gradient, factors)
            if lag in columns:
                _measure(found, (group.places, columns[lag]), f"l{number}", layer, gradient, exponents)
            below = layer.leave(gradient, factors)
        if lag % _RENEWAL == _RENEWAL - 1:
            exponents += _renew(gradients)


def _measure(
    found: TargetNorms,
    where: tuple[slice, int],
    node: str,
    layer: LayerAdjoint,
    gradient: Gradient,
    exponents: Tensor,
) -> None:
    """Write down the norms of a layer's gradients, as powers of two say how large they are."""
    scale = exponents.cpu().numpy()

    def write(into: Mapping[str, np.ndarray], signal: str, values: Tensor) -> None:
        norm = torch.linalg.vector_norm(values, dim=1).double().cpu().numpy()
        into[f"{node}.{signal}"][where] = np.ldexp(norm, scale)

    write(found.norms, "h", gradient.h)
    if gradient.c is not None:
        write(found.norms, "c", gradient.c)
    if gradient.along is not None:
        carried = gradient.h if gradient.c is None else gradient.c
        write(found.along, layer.carried, gradient.along)
        write(found.rest, layer.carried, carried - gradient.along)


def _renew(gradients: Sequence[Gradient]) -> Tensor:
    """Bring gradients back to about 1; the powers of two that were taken out, of shape (target,)."""
    parts = [part for gradient in gradients for part in gradient.parts]
    largest = torch.stack([part.abs().amax(dim=1) for part in parts]).amax(dim=0)
    exponents = torch.where(largest.isfinite(), largest.frexp().exponent, 0).clamp(-_LARGEST, _LARGEST)
    scale = torch.ldexp(torch.ones_like(largest), -exponents)[:, None]
    least = torch.finfo(largest.dtype).tiny ** 0.5
    for part in parts:
        part.copy_(hardshrink(part.mul_(scale), least))
    return exponents

"""What becomes of units while a network runs: they are ablated, clamped, resampled or patched."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from numbers import Integral, Real
from typing import get_args

import torch
from torch import Tensor

from rnnscope.arguments import check_one_of
from rnnscope.errors import ArgumentError, InterventionError

from .address import Address
from .recorded import Recording
from .unroll import Where

Values = Callable[[Address, Tensor, Tensor, int | None], Tensor | float]
"""New values of some units, from their signal, their indices, the signal's value (batch, unit), and the step."""


@dataclass(frozen=True)
class Intervention:
    """What becomes of a signal or some of its units: made by `ablate`, `clamp`, `resample` and `patch`.

    Attributes
    ----------
    values : callable
        From the signal's address, the indices of the units, the signal's value of shape (batch, unit),
        and the step, to new values of these units.
    steps : collection of int, or None
        The steps at which it acts, counted from a sequence's first; all if None.
    on : {"both", "above", "recurrence"}
        Of a state that is put out, as h is: whether the change goes to the layers above (or into the
        output), on in time, or both.
    """

    values: Values
    steps: Collection[int] | None = None
    on: Where = "both"

    def __post_init__(self) -> None:
        steps = () if self.steps is None or isinstance(self.steps, range) else self.steps
        if not isinstance(steps, Collection) or not all(isinstance(step, Integral) for step in steps):
            raise ArgumentError(f"steps are whole numbers, such as range(10) or [3]; got {self.steps!r}.")
        check_one_of(self.on, "on", get_args(Where))


def ablate(mean: Recording | None = None, *, steps: Collection[int] | None = None, on: Where = "both") -> Intervention:
    """Take a unit's information away: set it to zero, or to its mean over a recording.

    Parameters
    ----------
    mean : Recording, optional
        Whose mean over time and batch is taken, for each unit its own.
    steps, on
        As of `Intervention`.

    Returns
    -------
    Intervention
        Which puts zero in its place, or its own mean.

    Raises
    ------
    InterventionError
        If ``mean`` is no recording.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru, x = torch.nn.GRU(input_size=3, hidden_size=5), torch.ones(7, 1, 3)
    >>> with rnnscope.record(gru) as before:
    ...     output, _ = gru(x)
    >>> with rnnscope.intervene(gru, {"l0.h.2": rnnscope.ablate(), "l0.h.3": rnnscope.ablate(mean=before)}):
    ...     output, _ = gru(x)
    >>> output[:, 0, 2]
    tensor([0., 0., 0., 0., 0., 0., 0.], grad_fn=<SelectBackward0>)
    >>> torch.allclose(output[:, 0, 3], before["l0.h.3"].mean())
    True
    """
    if mean is None:
        return clamp(0.0, steps=steps, on=on)
    means: dict[Address, Tensor] = {}

    def values(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
        if signal not in means:
            means[signal] = _rows(mean, signal, now).mean(dim=0)
        return means[signal][units]

    _check_source(mean)
    return Intervention(values, steps, on)


def clamp(value: float, *, steps: Collection[int] | None = None, on: Where = "both") -> Intervention:
    """Hold a unit at a value.

    Parameters
    ----------
    value : float
    steps, on
        As of `Intervention`.

    Returns
    -------
    Intervention
        Which puts in the same value at each step, in each sequence.

    Raises
    ------
    InterventionError
        If the value is not a finite number.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru, x = torch.nn.GRU(input_size=3, hidden_size=5), torch.ones(7, 1, 3)
    >>> with rnnscope.intervene(gru, {"l0.z": rnnscope.clamp(1.0, steps=range(3, 7))}), torch.no_grad():
    ...     output, _ = gru(x)
    >>> torch.equal(output[2:6], output[3:7])  # with its update gate at 1, a GRU keeps its state
    True
    """
    if not isinstance(value, Real) or not math.isfinite(value):
        raise InterventionError(f"A unit is held at a finite value; got {value!r}.")
    return Intervention(lambda signal, units, now, step: float(value), steps, on)


def resample(
    source: Recording, *, seed: int = 0, steps: Collection[int] | None = None, on: Where = "both"
) -> Intervention:
    """Replace a unit by its value at a random place of a recording, another for each step and sequence.

    Units that are replaced together come from the same place, so that they fit each other. The places
    follow from the seed, the step and the number of sequences.

    Parameters
    ----------
    source : Recording
    seed : int
    steps, on
        As of `Intervention`.

    Returns
    -------
    Intervention
        Which takes the same places each time.

    Raises
    ------
    InterventionError
        If ``source`` is no recording, or the seed no whole number.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru, x = torch.nn.GRU(input_size=3, hidden_size=5), torch.ones(7, 1, 3)
    >>> with rnnscope.record(gru) as before, torch.no_grad():
    ...     output, _ = gru(x)
    >>> with rnnscope.intervene(gru, {"l0.h.2": rnnscope.resample(before)}), torch.no_grad():
    ...     resampled, _ = gru(x)
    >>> set(resampled[:, 0, 2].tolist()) <= set(output[:, 0, 2].tolist())
    True
    """
    rows: dict[Address, Tensor] = {}

    def values(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
        if step is None:
            raise InterventionError(DIFFERENT_STEPS)
        if signal not in rows:
            rows[signal] = _rows(source, signal, now)
        generator = torch.Generator("cpu").manual_seed(hash((seed, step)) % 2**63)
        places = torch.randint(len(rows[signal]), (len(now),), generator=generator, device="cpu")
        return rows[signal][places.to(now.device)][:, units]

    _check_source(source)
    if not isinstance(seed, Integral):
        raise ArgumentError(f"seed is a whole number; got {seed!r}.")
    return Intervention(values, steps, on)


def patch(source: Recording, *, steps: Collection[int] | None = None, on: Where = "both") -> Intervention:
    """Replace a unit by its value at the same step of another pass.

    Parameters
    ----------
    source : Recording
        Of one sequence, which serves all, or of as many as the network now reads.
    steps, on
        As of `Intervention`.

    Returns
    -------
    Intervention
        Which changes nothing beyond the end of a recorded sequence.

    Raises
    ------
    InterventionError
        If ``source`` is no recording.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> with rnnscope.record(gru) as other:
    ...     output, _ = gru(torch.zeros(7, 1, 3))
    >>> with rnnscope.intervene(gru, {"l0.h": rnnscope.patch(other, steps=[3])}):
    ...     output, _ = gru(torch.ones(7, 1, 3))
    >>> torch.equal(output[3], other["l0.h"][3])
    True
    """

    def values(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
        there = _of_width(source, signal, now)
        if step is None:
            raise InterventionError(DIFFERENT_STEPS)
        if step >= len(there):
            raise InterventionError(
                f"The recording to patch {signal} from has {len(there)} steps, and the network reads step {step}. "
                f"Give steps=range({len(there)}), or record a longer text."
            )
        if there.shape[1] not in (1, len(now)):
            raise InterventionError(
                f"The recording to patch {signal} from has {there.shape[1]} sequences, the network reads {len(now)}."
            )
        alive = (step < source.lengths(signal))[:, None].to(now.device)
        return torch.where(alive, there[step].to(now)[:, units], now[:, units])

    _check_source(source)
    return Intervention(values, steps, on)


def _of_width(source: Recording, signal: Address, now: Tensor) -> Tensor:
    """A recorded signal that has as many units as the network's."""
    values = source[signal].detach()
    if values.shape[-1] != now.shape[-1]:
        raise InterventionError(
            f"{signal} has {values.shape[-1]} units in the recording, and {now.shape[-1]} in the network."
        )
    return values


def _rows(source: Recording, signal: Address, now: Tensor) -> Tensor:
    """All places of a signal, of shape (place, unit), without what lies beyond a sequence's end."""
    values, lengths = _of_width(source, signal, now), source.lengths(signal).cpu()
    within = torch.arange(len(values), device="cpu")[:, None] < lengths
    return values[within.to(values.device)].to(now.device)


def _check_source(source: object) -> None:
    if not isinstance(source, Recording):
        raise InterventionError(f"Values are taken from a recording (rnnscope.record); got {type(source).__name__}.")


DIFFERENT_STEPS = "A reverse layer reads packed sequences from different steps: give padded ones."

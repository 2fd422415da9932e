"""Changing units while a network runs.

Inside `intervene` the recurrent layers run step by step (see `rnnscope.unroll`), stock modules, too,
and the network behaves as changed for whoever calls it. h is changed after the step that made it, c
before h is made from it, a gate before it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn

from rnnscope.errors import InterventionError

from .adapter import Adapter, adapter_of
from .address import Address, check_unit, listed
from .directions import Directions, directions_of
from .kernels import Place
from .layers import find_in, recurrent_layers
from .recorded import Recording
from .recorder import tapped
from .unroll import Edit, Edits, Where

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
            raise InterventionError(f"steps are whole numbers, such as range(10) or [3]; got {self.steps!r}.")
        if self.on not in ("both", "above", "recurrence"):
            raise InterventionError(f"on is both, above or recurrence; got {self.on!r}.")


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

    Raises
    ------
    InterventionError
        If ``mean`` is no recording.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> x = torch.ones(7, 1, 3)
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

    Raises
    ------
    InterventionError
        If the value is not a finite number.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> x = torch.ones(7, 1, 3)
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

    Raises
    ------
    InterventionError
        If ``source`` is no recording.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> x = torch.ones(7, 1, 3)
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
            raise InterventionError(_DIFFERENT_STEPS)
        if signal not in rows:
            rows[signal] = _rows(source, signal, now)
        generator = torch.Generator("cpu").manual_seed(hash((seed, step)) % 2**63)
        places = torch.randint(len(rows[signal]), (len(now),), generator=generator, device="cpu")
        return rows[signal][places.to(now.device)][:, units]

    _check_source(source)
    if not isinstance(seed, Integral):
        raise InterventionError(f"seed is a whole number; got {seed!r}.")
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

    Raises
    ------
    InterventionError
        If ``source`` is no recording.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> x = torch.ones(7, 1, 3)
    >>> with rnnscope.record(gru) as other:
    ...     output, _ = gru(-x)
    >>> with rnnscope.intervene(gru, {"l0.h": rnnscope.patch(other, steps=[3])}):
    ...     output, _ = gru(x)
    >>> torch.equal(output[3], other["l0.h"][3])
    True
    """

    def values(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
        there = _of_width(source, signal, now)
        if step is None:
            raise InterventionError(_DIFFERENT_STEPS)
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


_DIFFERENT_STEPS = "A reverse layer reads packed sequences from different steps: give padded ones."


@contextmanager
def intervene(module: nn.Module, interventions: Mapping[Any, Intervention]) -> Iterator[None]:
    """Change units of a network for as long as the block lasts.

    Parameters
    ----------
    module : nn.Module
        With recurrent layers as for `rnnscope.record`.
    interventions : mapping of address, or tuple of addresses, to Intervention
        ``"l0.c.37"`` is one unit, ``"l0.c"`` all units of a signal, ``("l0.c.3", "l0.c.8")`` a set.
        They are made in order.

    Raises
    ------
    AddressError
        If a layer, signal or unit does not exist.
    InterventionError
        If there is no value for a step, or ``on`` is said of a signal that does not go both ways.
    RecordingError
        If there is no recurrent layer, or a recording lacks the signal that is taken from it.

    Notes
    -----
    Steps are counted from where a sequence begins: when the network is called again with the state
    that it returned, the count goes on; a state that was computed from it begins a new sequence. A
    recording made inside the block shows a signal with the changes on ``both`` ways, and without
    those on one of them.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> lstm = torch.nn.LSTM(input_size=3, hidden_size=5)
    >>> changes = {"l0.c.3": rnnscope.clamp(2.0), ("l0.o.0", "l0.o.1"): rnnscope.ablate()}
    >>> with rnnscope.intervene(lstm, changes), torch.no_grad():
    ...     output, (h, c) = lstm(torch.ones(7, 1, 3))
    >>> c[0, 0, 3], h[0, 0, :2].abs()
    (tensor(2.), tensor([0., 0.]))
    """
    layers = recurrent_layers(module)
    changes = _by_layer(layers, interventions)
    with tapped(module, layers) as taps:
        for path, edits in changes.items():
            taps[path].edits.append(edits)
        try:
            yield
        finally:
            for path, edits in changes.items():
                taps[path].edits.remove(edits)


Changes = dict[Place, Edits]
"""The edits of one module, by layer and direction."""


def _by_layer(layers: Mapping[str, nn.Module], interventions: Mapping[Any, Intervention]) -> dict[str, Changes]:
    if not isinstance(interventions, Mapping):
        raise InterventionError(
            'Addresses and what becomes of them were expected, such as {"l0.c.37": rnnscope.ablate()}; got '
            f"{type(interventions).__name__}."
        )
    changes: dict[str, Changes] = {}
    for addresses, intervention in interventions.items():
        units: dict[Address, list[int] | None] = {}
        for address in listed(addresses):
            address = _checked(find_in(layers, address), intervention, layers)
            chosen = units.setdefault(address.whole, [])
            units[address.whole] = None if chosen is None or address.unit is None else [*chosen, address.unit]
        for signal, chosen in units.items():
            place, edit = Place(signal.layer, signal.reverse), _edit(signal, chosen, intervention)
            directions = _directions(signal, layers)
            name, edit = (signal.signal, edit) if directions is None else (directions.base, _along(directions, edit))
            edits = changes.setdefault(signal.module, {}).setdefault(place, {})
            edits.setdefault(name, []).append((intervention.on, edit))
    return changes


def _checked(address: Address, intervention: Intervention, layers: Mapping[str, nn.Module]) -> Address:
    if not isinstance(intervention, Intervention):
        raise InterventionError(
            f"{address} is given {intervention!r}; one such as ablate() or clamp(0.8) was expected."
        )
    if intervention.on != "both":
        directions = _directions(address, layers)
        read = address if directions is None else replace(address.whole, signal=directions.base)
        _check_two_ways(read, intervention.on, adapter_of(layers[address.module]))
    return address


def _directions(address: Address, layers: Mapping[str, nn.Module]) -> Directions | None:
    """What an address names, if these are directions and no units."""
    return directions_of(layers[address.module]).get(Place(address.layer, address.reverse), {}).get(address.signal)


def _check_two_ways(address: Address, on: Where, adapter: Adapter | None) -> None:
    """Refuse a signal that does not go both up and on in time."""
    if adapter is not None and not adapter.whole:
        raise InterventionError(f"on={on!r} cannot be said of {address}: the loop around the cell decides.")
    output, states = ("h", ("h",)) if adapter is None else (adapter.output, adapter.states)
    if output not in states:
        raise InterventionError(
            f"on={on!r} cannot be said of {address}: this layer puts out {output}, which is no state."
        )
    if address.signal != output:
        two_ways = replace(address.whole, signal=output)
        raise InterventionError(f"on={on!r} can be said of {two_ways} alone, which goes two ways; got {address}.")


def _edit(signal: Address, units: list[int] | None, intervention: Intervention) -> Edit:
    """The intervention on some units of a signal, all if None, as a change to its value."""

    def edit(value: Tensor, step: int | None) -> Tensor:
        if intervention.steps is not None and step is None:
            raise InterventionError(_DIFFERENT_STEPS)
        if intervention.steps is not None and step not in intervention.steps:
            return value
        width = value.shape[-1]
        if units is not None:
            check_unit(signal.of(max(units)), width)
        index = torch.tensor(range(width) if units is None else units, device=value.device)
        new = intervention.values(signal, index, value, step)
        changed = value.clone()
        changed[..., index] = torch.as_tensor(new, dtype=value.dtype, device=value.device)
        return changed

    return edit


def _along(directions: Directions, edit: Edit) -> Edit:
    """A change to coordinates, as a change to the signal in whose space they are."""

    def moved(value: Tensor, step: int | None) -> Tensor:
        before = directions.coordinates(value)
        after = edit(before, step)
        return value if after is before else directions.moved(value, after - before)

    return moved

"""Changing units while a network runs.

Inside `intervene` the recurrent layers run step by step (see `rnnscope.unroll`), stock modules, too,
and the network behaves as changed for whoever calls it. h is changed after the step that made it, c
before h is made from it, a gate before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from rnnscope.errors import InterventionError

from .adapter import Adapter, adapter_of
from .address import Address, check_unit, listed
from .directions import Directions, directions_of
from .intervention import DIFFERENT_STEPS, Intervention
from .kernels import Place
from .layers import find_in, recurrent_layers
from .recorder import tapped
from .unroll import Edit, Edits, Where


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
            raise InterventionError(DIFFERENT_STEPS)
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

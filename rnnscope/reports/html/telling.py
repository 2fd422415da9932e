"""Which units tell most, of all that a network has: those that a page holds in full detail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from rnnscope.analysis.search.found import FoundUnits
from rnnscope.errors import AddressError
from rnnscope.recording.address import Address
from rnnscope.tracing.trace import Trace

from .room import Unit

_RANKED = ("switch", "timescale", "counter")

_FIRST = 3
"""Of the most switch-like units of the memory; the page opens on the first of them."""


def named_units(trace: Trace, addresses: Iterable[str | Address]) -> list[Unit]:
    """The units of some addresses.

    Raises
    ------
    AddressError
        If the trace has no such unit, or an address is that of a whole signal.
    """
    found = []
    for text in addresses:
        trace[text]  # the error that names what exists
        address = Address.parse(str(text))
        if address.unit is None:
            raise AddressError(f"A unit was expected, such as {address.of(0)}; got the whole signal {address}.")
        found.append((address.node, address.unit))
    return list(dict.fromkeys(found))


def telling_units(
    states: Mapping[Address, Sequence[int]],
    measures: Mapping[str, Mapping[str, Sequence[Any]]],
    found: FoundUnits | None,
    memory: Address,
) -> list[Unit]:
    """All units, the most telling first: the most switch-like of the memory, the best of each concept, then by three
    ranks in turns over the layers.

    The ranks are those of a layer's first signal that has them, its cell state where there is one: by switch-likeness,
    timescale and counting.

    Parameters
    ----------
    states : dict of Address to sequence of int
        The units of each signal.
    measures : dict of str to the entry "measures" of all its units
    found : FoundUnits or None
        What was found for the concepts.
    memory : Address
        The signal that the page opens on.
    """
    best = [] if found is None else [Address.parse(unit) for unit in found.table["unit"]]
    orders = []
    for node in dict.fromkeys(address.node for address in reversed(list(states))):
        signals = [address for address in states if address.node == node and str(address) in measures]
        signal = next((address for address in signals if address.signal == "c"), next(iter(signals), None))
        if signal is not None:
            ranks = measures[str(signal)]
            orders += [[(node, unit) for unit in _ranked(states[signal], ranks[name])] for name in _RANKED]
    everything = ((address.node, int(unit)) for address, units in states.items() for unit in units)
    concepts = [(address.node, address.unit) for address in best if address.unit is not None]
    return list(dict.fromkeys(chain(_opening(states, measures, memory), concepts, in_turns(*orders), everything)))


def _opening(
    states: Mapping[Address, Sequence[int]], measures: Mapping[str, Mapping[str, Sequence[Any]]], memory: Address
) -> list[Unit]:
    """Those that the page opens on, and is likely to be leafed through first."""
    if memory not in states:
        return []
    return [(memory.node, unit) for unit in _ranked(states[memory], measures[str(memory)]["switch"])[:_FIRST]]


def _ranked(units: Sequence[int], figures: Sequence[float | None]) -> list[int]:
    heights = np.array([-np.inf if figure is None else figure for figure in figures])
    return [int(units[place]) for place in (-heights).argsort(kind="stable")]


def in_turns(*orders: Iterable[Unit]) -> list[Unit]:
    """All that some orders hold, the first of each, then the second of each, and so on."""
    turns = (unit for row in zip_longest(*orders) for unit in row if unit is not None)
    return list(dict.fromkeys(turns))

"""What a page holds: which units of which signals, and how finely, so that the file stays as small as it is to be.

In turn, as far as there is room:

1. the units that the user names, with all their signals, as finely as fits into half of the room;
2. the most telling units, before others those that the page opens on, with all their signals, in full detail (255
   values), until they take a quarter of the room, or a smaller share that leaves enough for 3;
3. the states (h, c, and whatever is no gate) of all other units, as finely as fits, though not so finely that there is
   no room for gates where there could be;
4. their gates, as finely as fits, else those of the most telling ones.

Where a text is so long that the states of all units do not fit, the most telling units take half of the room with all
their signals, and more of them the rest with their states alone, in 31 values each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np

from rnnscope.recording.address import Address

from .quantising import FINEST
from .survey import LEVELS, Survey

Unit = tuple[str, int]
"""A unit of all signals of a layer: the layer's node and the number."""

_SHARES = (0.25, 0.1, 0.04, 0.0)
"""Of the room, for telling units in full detail: the first that leaves enough for all states."""

_FEW, _HALF = 15, 0.5
"""Steps to the reach where there is no room for all units, and the share of those with all their signals."""

_GATES = 7
"""Steps to the reach of gates, at least, where all fit beside states of 15 steps or more."""

_NAMED = tuple(levels for levels in LEVELS if levels > _FEW)


@dataclass
class Choice:
    """The units that go into a page.

    Attributes
    ----------
    levels : dict of Address to dict of int to int
        By signal and unit, how many steps from zero to its reach are told apart.
    whole : list of `Unit`
        Those that have all their signals, in more detail than others.
    """

    levels: dict[Address, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    whole: list[Unit] = field(default_factory=list)

    def units(self, address: Address) -> list[int]:
        """The units of a signal, in the order of their numbers."""
        return sorted(self.levels[address])

    def steps(self, address: Address) -> np.ndarray:
        """The level of each of these."""
        return np.array([self.levels[address][unit] for unit in self.units(address)])


class _Room:
    """Takes units in while there is room for them."""

    def __init__(self, surveys: Mapping[Address, Survey], room: float) -> None:
        self.choice, self.left = Choice(), room
        self._surveys = surveys
        self._places = {address: {int(u): p for p, u in enumerate(s.units)} for address, s in surveys.items()}

    def missing(self, addresses: Iterable[Address], units: Iterable[Unit]) -> list[tuple[Address, int]]:
        """The signals of units that are there and not yet in, unit by unit."""
        addresses = list(addresses)
        return [
            (address, unit)
            for node, unit in units
            for address in addresses
            if address.node == node and unit in self._places[address] and unit not in self.choice.levels[address]
        ]

    def cost(self, what: Iterable[tuple[Address, int]], levels: int) -> float:
        return sum(float(self._surveys[address].costs[levels][self._places[address][unit]]) for address, unit in what)

    def holds(self, addresses: Iterable[Address], units: Iterable[Unit], levels: int) -> bool:
        """Whether there is room for all that is missing."""
        return self.cost(self.missing(addresses, units), levels) <= self.left

    def take(self, what: Sequence[tuple[Address, int]], levels: int, least: float = 0.0) -> bool:
        """Take all of it in, if so much room is left afterwards."""
        left = self.left - self.cost(what, levels)
        if left < least:
            return False
        for address, unit in what:
            self.choice.levels[address][unit] = levels
        self.left = left
        return True

    def take_whole(self, unit: Unit, levels: int, least: float) -> bool:
        """Take in all signals of a unit, if so much room is left afterwards."""
        what = self.missing(self._surveys, [unit])
        if what and not self.take(what, levels, least):
            return False
        if what:
            self.choice.whole.append(unit)
        return True


def choose(surveys: Mapping[Address, Survey], named: Sequence[Unit], telling: Sequence[Unit], room: float) -> Choice:
    """What goes into the room.

    Parameters
    ----------
    surveys : dict of Address to Survey
        Of all signals of a trace.
    named, telling : sequences of `Unit`
        Those that the user wants to see; and all units, the most telling first.
    room : float
        Bytes of the file.
    """
    states = [address for address, survey in surveys.items() if not survey.gate]
    gates = [address for address, survey in surveys.items() if survey.gate]
    rooms = (_begun(surveys, named, telling, room, share, FINEST) for share in _SHARES)
    within = next((each for each in rooms if each.holds(states, telling, LEVELS[-1])), None)
    within = within or _begun(surveys, named, telling, room, _HALF, _FEW)
    for_gates = within.cost(within.missing(gates, telling), _GATES)
    states_missing = within.missing(states, telling)
    if not any(within.take(states_missing, levels, for_gates) for levels in LEVELS if levels >= _FEW):
        _fill(within, states, telling)
    _fill(within, gates, telling)
    if not any(within.choice.levels.values()):
        address = states[0] if states else gates[0]
        within.choice.levels[address][int(surveys[address].units[0])] = LEVELS[-1]
    return within.choice


def _begun(
    surveys: Mapping[Address, Survey],
    named: Sequence[Unit],
    telling: Sequence[Unit],
    room: float,
    share: float,
    levels: int,
) -> _Room:
    """A room with the named units, and the most telling ones in a share of what is left."""
    within = _Room(surveys, room)
    whole = next((each for each in _NAMED if within.cost(within.missing(surveys, named), each) <= _HALF * room), _FEW)
    for unit in named:
        within.take_whole(unit, whole, 0.0)
    least = (1 - share) * within.left
    for unit in telling:
        if not within.take_whole(unit, levels, least):
            break
    return within


def _fill(within: _Room, addresses: Sequence[Address], telling: Sequence[Unit]) -> None:
    """All that is missing of some signals, as finely as fits; else the signals of the most telling units."""
    what = within.missing(addresses, telling)
    if any(within.take(what, levels) for levels in LEVELS):
        return
    for unit in telling:
        if not within.take(within.missing(addresses, [unit]), _FEW):
            break


def in_turns(*orders: Iterable[Unit]) -> list[Unit]:
    """All that some orders hold, the first of each, then the second of each, and so on."""
    turns = (unit for row in zip_longest(*orders) for unit in row if unit is not None)
    return list(dict.fromkeys(turns))

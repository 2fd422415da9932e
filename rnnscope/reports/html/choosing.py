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

from collections.abc import Mapping, Sequence

from rnnscope.recording.address import Address

from .quantising import FINEST
from .room import Choice, Room, Unit
from .survey import LEVELS, Survey

_SHARES = (0.25, 0.1, 0.04, 0.0)
"""Of the room, for telling units in full detail: the first that leaves enough for all states."""

_FEW, _HALF = 15, 0.5
"""Levels where there is no room for all units, and the share of the room for those with all their signals."""

_GATES = 7
"""Levels of gates, at least, where all fit beside states of 15 levels or more."""


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
    page = _begun(Room(surveys, room), named, telling, _HALF, _FEW)
    for share in _SHARES:
        begun = _begun(Room(surveys, room), named, telling, share, FINEST)
        if begun.cost(begun.missing(telling, states), LEVELS[-1]) <= begun.left:
            page = begun
            break
    _take_states(page, states, gates, telling)
    _take_rest(page, gates, telling)
    if not any(page.choice.levels.values()):
        address = (states or gates)[0]
        page.choice.levels[address][int(surveys[address].units[0])] = LEVELS[-1]
    return page.choice


def _begun(page: Room, named: Sequence[Unit], telling: Sequence[Unit], share: float, levels: int) -> Room:
    """A room with the named units; and, in a share of what these leave, the most telling ones at so many levels."""
    parts, half = page.missing(named), _HALF * page.left
    finest = next((each for each in LEVELS if each > _FEW and page.cost(parts, each) <= half), _FEW)
    for unit in named:
        page.take_whole(unit, finest)
    least = (1 - share) * page.left
    for unit in telling:
        if not page.take_whole(unit, levels, least):
            break
    return page


def _take_states(page: Room, states: Sequence[Address], gates: Sequence[Address], telling: Sequence[Unit]) -> None:
    """All other states, as finely as fits beside gates; else as if there were no gates."""
    parts, for_gates = page.missing(telling, states), page.cost(page.missing(telling, gates), _GATES)
    if not any(page.take(parts, levels, for_gates) for levels in LEVELS if levels >= _FEW):
        _take_rest(page, states, telling)


def _take_rest(page: Room, addresses: Sequence[Address], telling: Sequence[Unit]) -> None:
    """All that is missing of some signals, as finely as fits; else that of the most telling units."""
    parts = page.missing(telling, addresses)
    if any(page.take(parts, levels) for levels in LEVELS):
        return
    for unit in telling:
        if not page.take(page.missing([unit], addresses), _FEW):
            break

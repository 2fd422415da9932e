"""The room of a page: units of signals are taken in, as finely as is asked for, while there is some left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnscope.recording.address import Address

from .survey import Survey

Unit = tuple[str, int]
"""A unit of all signals of a layer: the layer's node and the number."""

Part = tuple[Address, int]
"""A unit of one signal: the signal's address and the number."""


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


class Room:
    """So many bytes of the file for the units of a network.

    Attributes
    ----------
    choice : Choice
        What was taken in.
    left : float
        Bytes.
    """

    def __init__(self, surveys: Mapping[Address, Survey], room: float) -> None:
        self.choice, self.left = Choice(), room
        self._surveys = surveys
        self._places = {address: {int(u): p for p, u in enumerate(s.units)} for address, s in surveys.items()}

    def missing(self, units: Iterable[Unit], addresses: Iterable[Address] | None = None) -> list[Part]:
        """What of some units is there and not yet in, unit by unit: of some signals, or of all."""
        signals = list(self._surveys if addresses is None else addresses)
        return [
            (address, unit)
            for node, unit in units
            for address in signals
            if address.node == node and unit in self._places[address] and unit not in self.choice.levels[address]
        ]

    def cost(self, parts: Iterable[Part], levels: int) -> float:
        """Bytes that some parts take at so many levels."""
        return sum(float(self._surveys[address].costs[levels][self._places[address][unit]]) for address, unit in parts)

    def take(self, parts: Sequence[Part], levels: int, least: float = 0.0) -> bool:
        """Take in all of these, if so much room is left afterwards; and whether that is so."""
        left = self.left - self.cost(parts, levels)
        if left < least:
            return False
        for address, unit in parts:
            self.choice.levels[address][unit] = levels
        self.left = left
        return True

    def take_whole(self, unit: Unit, levels: int, least: float = 0.0) -> bool:
        """As `take`, of all signals of a unit, of which there are none if it was taken in before."""
        parts = self.missing([unit])
        taken = self.take(parts, levels, least) if parts else True
        if parts and taken:
            self.choice.whole.append(unit)
        return taken

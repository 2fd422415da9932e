"""What an effect is compared with: other units that vary as much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnscope.errors import AddressError
from rnnscope.recording.address import Address

from .streams import Survey


def matched_units(found: Survey, units: Sequence[Address], count: int, seed: int) -> list[list[Address]]:
    """Random sets of other units of the same signals, which vary about as much.

    For each unit, one is drawn among the ``3 count`` others of its signal that are nearest in the
    logarithm of the standard deviation.

    Parameters
    ----------
    found : Survey
        That has looked at the signals of the units.
    units : sequence of Address
    count : int
        Sets to draw; there are fewer if a signal has fewer other units.
    seed : int

    Raises
    ------
    AddressError
        If there are not enough other units for one set.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(_nearest(found, unit, units, 3 * count)) for unit in units]
    return [_set(units, orders, number) for number in range(min(count, *map(len, orders)))]


def _set(units: Sequence[Address], orders: Sequence[np.ndarray], number: int) -> list[Address]:
    """The set of a number: for each unit the first free one, from that number on in its order."""
    chosen: list[Address] = []
    for unit, order in zip(units, orders, strict=True):
        free = [unit.of(other) for other in np.roll(order, -number) if unit.of(other) not in chosen]
        if not free:
            raise AddressError(
                f"{unit.whole} has too few other units to compare a set of {len(units)} with. Ask for no controls."
            )
        chosen.append(free[0])
    return chosen


def _nearest(found: Survey, unit: Address, units: Sequence[Address], count: int) -> np.ndarray:
    """Other units of a signal, those that vary most alike."""
    spread = np.log(found.std(unit.whole) + 1e-12)
    others = np.setdiff1d(np.arange(len(spread)), [_number(one) for one in units if one.whole == unit.whole])
    return others[np.argsort(np.abs(spread[others] - spread[_number(unit)]), kind="stable")][:count]


def _number(unit: Address) -> int:
    assert unit.unit is not None
    return unit.unit

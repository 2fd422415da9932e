"""What an effect is compared with: other units that vary as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from rnnscope.errors import AddressError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.unroll import Where

from .streams import Streams, cut_streams
from .subjects import Replacement
from .variants import read_variants


@dataclass(frozen=True)
class Compared:
    """What a network loses without some units, beside what it loses without others.

    Attributes
    ----------
    losses : float32 array of shape (variant, step)
        In nats: of the intact network, without the units, and without each of the sets.
    std : tuple of float
        How much each of the units varies.
    sets : list of lists of Address
        The others; see `matched_units`.
    spreads : list of lists of float
        How much each unit of each set varies.
    """

    losses: np.ndarray
    std: tuple[float, ...]
    sets: list[list[Address]]
    spreads: list[list[float]]


def ablate_beside_controls(
    model: CharLanguageModel,
    documents: Sequence[Tensor],
    units: Sequence[Address],
    controls: int,
    *,
    replaced_by: Replacement,
    on: Where = "both",
    seed: int,
) -> Compared:
    """Read documents without some units, and without random sets of others that vary as much.

    Parameters
    ----------
    model : CharLanguageModel that reads forward
    documents : sequence of int64 tensors of shape (time,), each of at least two characters
    units : sequence of Address
        Ablated together.
    controls : int
        Sets to compare with.
    replaced_by, on
        See `rnnscope.ablation`.
    seed : int
        Of the sets, and of random places.

    Raises
    ------
    AddressError
        If there are not enough other units for one set.
    """
    found = cut_streams(model, documents, units, seed)
    sets = matched_units(found, units, controls, seed)
    with progress_bar() as bar:
        task = bar.add_task(f"{2 + len(sets)} variants", total=found.steps)
        losses = read_variants(
            model,
            found,
            [[], units, *sets],
            replaced_by=replaced_by,
            on=on,
            seed=seed,
            advance=lambda count: bar.advance(task, count),
        )
    return Compared(losses, tuple(found.spread(units)), sets, [found.spread(one) for one in sets])


def matched_units(found: Streams, units: Sequence[Address], count: int, seed: int) -> list[list[Address]]:
    """Random sets of other units of the same signals, which vary about as much.

    For each unit, one is drawn among the ``3 count`` others of its signal that are nearest in the
    logarithm of the standard deviation.

    Parameters
    ----------
    found : Streams
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


def _nearest(found: Streams, unit: Address, units: Sequence[Address], count: int) -> np.ndarray:
    """Other units of a signal, those that vary most alike."""
    spread = np.log(found.std(unit.whole) + 1e-12)
    taken = set(units)
    others = np.array([number for number in range(len(spread)) if unit.of(number) not in taken], dtype=int)
    return others[np.argsort(np.abs(spread[others] - spread[unit.unit]), kind="stable")][:count]

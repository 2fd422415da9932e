"""The signals of a trace as they go into a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnscope.recording.address import Address
from rnnscope.reports.ordering import alike
from rnnscope.reports.scale import Scale
from rnnscope.tracing.trace import Trace

from .blocks import Blocks
from .quantising import quantise
from .room import Choice
from .stretches import Stretch, read_stretches
from .survey import Survey

_ORDERED = 1_000
"""Steps by which units are put side by side."""


def signal_entries(
    trace: Trace,
    surveys: Mapping[Address, Survey],
    choice: Choice,
    stretches: Sequence[Stretch],
    blocks: Blocks,
    prefix: str,
    advance: Callable[[int], None],
) -> list[dict[str, Any]]:
    """The entry "signals" of a model: those of which a unit was chosen.

    The trace is read a signal at a time; ``advance`` is told how many steps that were.
    """
    entries = []
    for address, found in surveys.items():
        if units := choice.units(address):
            entry = _entry(found, units, choice.steps(address))
            entry["blocks"] = _blocks(trace, found, units, np.array(entry["steps"]), stretches, blocks, prefix)
            entries.append(entry)
        advance(stretches[-1].stop)
    return entries


def _entry(found: Survey, units: Sequence[int], levels: np.ndarray) -> dict[str, Any]:
    places = found.places(units)
    scale = Scale.of(found.address.signal, np.empty(0)) if found.gate else None
    return {
        "address": str(found.address),
        "signal": found.address.signal,
        "layer": found.address.node,
        "gate": found.gate,
        "low": scale and scale.low,
        "high": scale and scale.high,
        "size": int(found.units.max()) + 1,
        "units": [int(unit) for unit in units],
        "steps": found.steps(levels, places).tolist(),
        "reach": found.reach[places].tolist(),
        "orders": {"cluster": alike(_some(found.sample[:, places])).tolist()},
    }


def _blocks(
    trace: Trace,
    found: Survey,
    units: Sequence[int],
    steps: np.ndarray,
    stretches: Sequence[Stretch],
    blocks: Blocks,
    prefix: str,
) -> list[str]:
    """The codes of some units of a signal, a block for each stretch."""
    names, places = [], found.places(units)
    for number, values in enumerate(read_stretches(trace[found.address], stretches)):
        codes = quantise(values[:, places].astype(np.float32, copy=False), steps, found.level)
        names.append(blocks.add_codes(f"{prefix}-{found.address}-{number}", codes))
    return names


def _some(values: np.ndarray) -> np.ndarray:
    """As many steps of (time, unit) as units are put in order by; 0 where there is no value."""
    return np.nan_to_num(values[:: max(1, len(values) // _ORDERED)].astype(np.float64))

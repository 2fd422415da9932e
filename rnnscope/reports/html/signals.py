"""The signals of a trace as they go into a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage

from rnnscope.recording.address import Address
from rnnscope.reports.scale import Scale
from rnnscope.tracing.trace import Trace

from .blocks import Blocks
from .choosing import Choice
from .quantising import quantise
from .stretches import Stretch, read_stretches
from .survey import Survey

_ORDERED = 1_000
"""Steps by which units are put side by side."""

_FEW = 300
"""Units up to which the best of all such orders is looked for, which takes a second for a thousand."""


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
        "orders": {"cluster": _alike(found.sample[:, places]).tolist()},
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


def _alike(values: np.ndarray) -> np.ndarray:
    """An order of the columns of (time, unit) that puts those that rise and fall together side by side."""
    values = np.nan_to_num(values[:: max(1, len(values) // _ORDERED)].astype(np.float64))
    if values.shape[1] < 3 or len(values) < 2:
        return np.arange(values.shape[1])
    centred = values - values.mean(axis=0)
    scaled = centred / (np.linalg.norm(centred, axis=0) + 1e-9)
    return leaves_list(linkage(scaled.T, method="average", optimal_ordering=values.shape[1] <= _FEW))

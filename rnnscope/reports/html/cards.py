"""The cards of the units: what raises and lowers each, where it is highest and lowest, and how it ranks.

The functions take one signal of a trace at a time, and read it from disk once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rnnscope.analysis.contexts import signal_contexts
from rnnscope.analysis.responses import often_enough, signal_responses
from rnnscope.analysis.unit_series import check_dims
from rnnscope.analysis.units import LONGEST, rank_units

from .plain import plain, plain_rows

_NGRAMS, _PLACES = 6, 5
_UNITS = 128
"""Units that are looked at together."""

_MEASURES = ("switch", "on", "dwell", "timescale", "counter", "event", "kind", "threshold")

_SIGNAL = "All units of a signal were expected, such as trace['l0.c']"

_Card = dict[str, list[list[Any]]]


def unit_cards(series: xr.DataArray, units: Sequence[int] | None = None) -> list[_Card]:
    """What the page says of each unit of a signal: the entry "cards", a list that JSON can hold.

    Of each unit: ``on`` and ``off``, at most six [n-gram, effect, count] each, the effect in standard deviations;
    ``highest`` and ``lowest``, at most five [step, value] each. All are empty if the unit has no value.

    Parameters
    ----------
    series : DataArray of dims (time, unit)
        A signal of a trace, such as ``trace["l0.c"]``, or some steps of it.
    units : sequence of int, optional
        The numbers of the units that are wanted, in their order; all if not given.

    Raises
    ------
    AddressError, TextError
        If the series is not that of a signal of a trace.
    """
    check_dims(series, ("time", "unit"), _SIGNAL)
    wanted = _finite(series if units is None else series.sel(unit=list(units)))
    fewest = often_enough(len(series))
    cards = [_empty() for _ in range(wanted.shape[1])]
    for places in _together(wanted):
        for place, card in zip(places, _cards(wanted[:, places], fewest), strict=True):
            cards[place] = card
    return cards


def unit_measures(series: xr.DataArray) -> dict[str, list[Any]]:
    """How each unit of a signal ranks: the entry "measures", None where it cannot be told.

    Keys: ``switch``, ``on``, ``dwell``, ``timescale``, ``counter``, ``event``, ``kind``, ``threshold``; see
    `rnnscope.rank_units`, which looks at the first 20,000 steps. The series and the errors are those of `unit_cards`.
    """
    check_dims(series, ("time", "unit"), _SIGNAL)
    held = _finite(series[:LONGEST])
    parts = [rank_units(held[:, places]).table for places in _together(held, len(held.unit))]
    table = pd.concat(parts).set_index("unit") if parts else pd.DataFrame()
    table = table.reindex(index=series["unit"].values, columns=list(_MEASURES))
    return {name: [plain(value) for value in table[name]] for name in _MEASURES}


def _finite(series: xr.DataArray) -> xr.DataArray:
    """A series in memory, with gaps where it is infinite."""
    held = series.compute()
    return held.where(np.isfinite(held))


def _together(series: xr.DataArray, most: int = _UNITS) -> Iterator[list[int]]:
    """The places of units that have values at the same steps; a unit with gaps of its own stands alone.

    One without any value is left out.
    """
    gaps = np.isnan(series.values)
    own = gaps[~gaps.all(axis=1)]
    whole, some = np.flatnonzero(~own.any(axis=0)), np.flatnonzero(own.any(axis=0) & ~own.all(axis=0))
    if len(own):
        yield from (whole[first : first + most].tolist() for first in range(0, len(whole), most))
    yield from ([int(place)] for place in some)


def _cards(series: xr.DataArray, fewest: int) -> list[_Card]:
    cards = [_empty() for _ in range(series.shape[1])]
    responses, contexts = signal_responses(series, fewest), signal_contexts(series, _PLACES)
    for name, rows in (("on", responses.on(_NGRAMS)), ("off", responses.off(_NGRAMS))):
        for unit, *row in plain_rows(rows.reindex(columns=["unit", "ngram", "effect", "count"])):
            cards[unit][name].append(row)
    for unit, end, *row in plain_rows(contexts):
        cards[unit][end].append(row)
    return cards


def _empty() -> _Card:
    return {"on": [], "off": [], "highest": [], "lowest": []}

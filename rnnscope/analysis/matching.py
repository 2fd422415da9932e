"""Spans of a text like a given one: where the units that are on through it are on together again."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import count as counting
from numbers import Real

import numpy as np
import pandas as pd
import xarray as xr

from rnnscope.arguments import whole
from rnnscope.cells import CELLS
from rnnscope.errors import AddressError, ArgumentError, TraceError
from rnnscope.recording.address import Address
from rnnscope.tracing.trace import Trace, check_trace

from .matching_result import Matches, surroundings
from .spans import FoundSpan, SpanSearch
from .unit_series import as_seen

_VALUES = 2**20
"""Values of the signal that are read at once."""
_REST = 1_000
"""Steps in which the last one of a layer is looked for that does not step everywhere."""


def match(
    trace: Trace,
    span: tuple[int, int],
    signal: str | Address | None = None,
    *,
    document: int | None = None,
    threshold: float = 0.3,
    off_around: bool = False,
    count: int = 20,
) -> Matches:
    """Find the spans through which the units are on that are on through a given span (LSTMVis, Strobelt et al. 2018).

    A unit is *on* at a step where its value is beyond the threshold; above it or, with sign -1, below its
    negative: a unit that is low inside quotation marks says as much as one that is high. The threshold is in the
    scale of the signal as it stands in the trace; only a cell state is seen through tanh, as the network sees it.
    (LSTMVis sees all signals through tanh, h once too often, and knows no documents.)

    The given span chooses the units that are on through all of it, each with its sign. A *found* span is one
    through which at least half of these, and two if there are two, are on, and that cannot be made longer at either
    end without losing one of them. It lies in one document. Ranked by the number of units shared, the most first;
    then by the number of other units on through it, the fewest first; then by length, the longest first. One that
    overlaps a better one, or the given span, is left out.

    Steps that the signal's layer does not take (NaN) are passed over, inside a span and around it. The trace is
    read once, in slices; memory does not grow with it.

    Parameters
    ----------
    trace : Trace
    span : (int, int)
        The first step, and the one after the last; of one document.
    signal : str or Address, optional
        Such as ``l0.c``; ``trace.memory`` if not given.
    document : int, optional
        Count the steps of the span from the first of this document; from the first of the trace if not given.
    threshold : float
        At least 0, and within the signal's range: below 1 for a gate and a cell state.
    off_around : bool
        Leave out the units that are on, with the same sign, at the step before the span or the one after it.
        What lies outside of the document is neither.
    count : int
        At most so many spans.

    Returns
    -------
    Matches

    Raises
    ------
    AddressError
        If there is no such signal.
    TraceError
        If the span is not one of the trace, or no unit is on through the span.
    ArgumentError
        If the threshold is out of range.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"You are late," said Anna, and sat down. "I know."\\n' * 20, signals=["c"])
    >>> trace.text_between(52, 64)
    'You are late'
    >>> found = rnnscope.match(trace, (52, 64))
    >>> found.table["text"].iloc[0]
    ' are late'
    """
    address, count = _whole_signal(check_trace(trace), signal), whole(count, "count", 1)
    level = _level(address, threshold)
    start, stop = _place(trace, span, document)
    inside = _taken(trace[address][start:stop])[1]
    if not len(inside):
        raise TraceError(f"{address.node} takes no step in {start}:{stop}. Give a span in which it does.")
    around = _next_to(trace, address, start, stop) if off_around else inside[:0]
    signs = _on_through(inside, around, address, threshold)
    search = SpanSearch(signs, (start, stop), count)
    for steps, documents, states in _slices(trace[address], level):
        search.read(steps, documents, states)
    units = _units(trace[address]["unit"].values, signs, as_seen(address, inside), address)
    table = _table(trace, search.finish(), len(units))
    return Matches(trace, address, threshold, (start, stop), units, table)


def _whole_signal(trace: Trace, signal: str | Address | None) -> Address:
    address = Address.parse(str(trace.memory if signal is None else signal))
    trace[address]  # the error that names what exists
    if address.unit is not None:
        raise AddressError(f"A match looks at all units of a signal: give {address.whole}, not {address}.")
    return address


def _level(address: Address, threshold: float) -> float:
    """The threshold in the scale of the trace."""
    highest = 1.0 if address.signal == "c" else _HIGHEST.get(address.signal, np.inf)
    if not isinstance(threshold, Real) or not 0 <= threshold < highest:
        of = f"tanh({address})" if address.signal == "c" else str(address)
        limit = "" if np.isinf(highest) else f" and below {highest:g}"
        raise ArgumentError(f"A threshold of {of} is at least 0{limit}; got {threshold!r}.")
    return float(np.arctanh(threshold)) if address.signal == "c" else float(threshold)


_HIGHEST = {gate.name: gate.high for cell in CELLS.values() for gate in cell.gates}


def _place(trace: Trace, span: tuple[int, int], document: int | None) -> tuple[int, int]:
    """The span in steps of the trace, found to lie in one document."""
    try:
        start, stop = map(operator.index, span)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"A span is two whole numbers, its first step and the one after its last; got {span}."
        ) from None
    whole = slice(0, len(trace)) if document is None else trace.steps_of(document)
    size = whole.stop - whole.start
    if not 0 <= start < stop <= size:
        what = "The trace" if document is None else f"Document {document}"
        raise TraceError(
            f"{what} has {size:,} steps; a span START:STOP has 0 <= START < STOP <= {size}; got {start}:{stop}."
        )
    start, stop = start + whole.start, stop + whole.start
    if (home := _document(trace, start)) != _document(trace, stop - 1):
        end = trace.steps_of(home).stop
        raise TraceError(
            f"A span lies in one document, but {start}:{stop} goes beyond the end of document {home} at step {end}. "
            f"End it there: {start}:{end}."
        )
    return start, stop


def _document(trace: Trace, step: int) -> int:
    return int(trace.tree.dataset["document"][step])


def _next_to(trace: Trace, address: Address, start: int, stop: int) -> np.ndarray:
    """The values at the step before a span and at the one after it, as far as there are such, of shape (time, unit)."""
    first, last = surroundings(trace, start, stop, _REST)
    series = trace[address]
    return np.concatenate([_taken(series[first:start])[1][-1:], _taken(series[stop:last])[1][:1]])


def _taken(series: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Which steps of a series of (time, unit) its layer takes, and the values there."""
    values = np.asarray(series, np.float32)
    taken = np.asarray(~np.isnan(values).all(axis=1))
    return taken, values if taken.all() else values[taken]


def _on_through(inside: np.ndarray, around: np.ndarray, address: Address, threshold: float) -> np.ndarray:
    """Of each unit 1 or -1 if it is on inside and not around, else 0."""
    ways = np.array([1, -1], dtype=np.float32)[:, None, None]
    high = (ways * inside).min(axis=1)
    low = (ways * around).max(axis=1, initial=0)
    level = _level(address, threshold)
    above, below = (low <= level) & (high > level)
    if (above | below).any():
        return above.astype(np.int8) - below
    said = f"No unit of {address} is on through all of the span" + (" and off next to it" if len(around) else "")
    high, low = as_seen(address, high), as_seen(address, low)
    possible = high > 1.00001 * low + 1e-9
    if not possible.any():
        advice = "Give a span at whose ends one turns on and off" if len(around) else "Give a shorter span"
        raise TraceError(f"{said}, at any threshold. {advice}.")
    best = np.where(possible, high, 0).argmax()
    highest = _between(float(low.flat[best]), float(high.flat[best]))
    raise TraceError(f"{said} at threshold {threshold:g}. The highest at which one is: {highest}.")


def _between(low: float, high: float) -> str:
    """The number of fewest decimals, two at least, that is above one number and as little as may be below another."""
    short = high * (1 - 1e-6)  # as far below as float32 can tell
    numbers = ((digits, np.floor(short * 10**digits) / 10**digits) for digits in counting(2))
    return next(f"{number:.{digits}f}" for digits, number in numbers if number > low)


def _slices(series: xr.DataArray, level: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Slice by slice of the steps that the layer takes: their numbers, documents, and 1, 0 or -1 of (time, unit)."""
    rows = max(1, _VALUES // series.sizes["unit"])
    for start in range(0, len(series), rows):
        part = series[start : start + rows]
        taken, values = _taken(part)
        states = (values > level).view(np.int8) - (values < -level).view(np.int8)
        yield start + np.flatnonzero(taken), part["document"].values[taken], states


def _units(units: np.ndarray, signs: np.ndarray, inside: np.ndarray, address: Address) -> pd.DataFrame:
    on = np.flatnonzero(signs)
    frame = pd.DataFrame(
        {"unit": units[on], "sign": signs[on].astype(int), "mean": inside[:, on].mean(axis=0, dtype=np.float64)},
        index=[str(address.of(unit)) for unit in units[on]],
    )
    return frame.sort_values("mean", key=np.abs, ascending=False, kind="stable")


def _table(trace: Trace, spans: list[FoundSpan], wanted: int) -> pd.DataFrame:
    rows = []
    for span in spans:
        number = _document(trace, span.start)
        rows.append(
            {
                "document": number,
                "start": span.start,
                "stop": span.stop,
                "step": int(trace.tree.dataset["step"][span.start]),
                "shared": wanted - span.missing,
                "others": span.others,
                "length": -span.shortness,
                "text": trace.text_between(span.start, span.stop),
            }
        )
    return pd.DataFrame(rows, columns=["document", "start", "stop", "step", "shared", "others", "length", "text"])

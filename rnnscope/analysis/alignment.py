"""Which unit of one network goes with which of another that read the same text, and where the two part."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import linear_sum_assignment

from rnnscope.arguments import whole
from rnnscope.errors import AddressError, TraceError
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address, listed
from rnnscope.text import visible
from rnnscope.tracing.trace import Trace, check_trace

from .alignment_result import Alignment
from .correlations import Correlations

_VALUES = 2**21
"""Values of a signal that are read at once."""

_FAR, _UNUSUAL = 1, 4
"""How far apart a pair diverges: standard deviations of the unit, and of what the map leaves over."""

_COST = 1.0  # nats

_Pair = tuple[xr.DataArray, xr.DataArray]


def align_units(
    first: Trace,
    second: Trace,
    signals: str | tuple[str, str] | None = None,
    *,
    shifts: int = 99,
    seed: int = 0,
) -> Alignment:
    """Find for each unit of one network its partner in another that read the same text.

    The *partner* is the unit of the second with the highest absolute correlation over the steps that both layers take;
    a unit that is low where another is high says as much. Several units may have the same partner, and each
    unit has one however poor: `mutual`, `chance` and `p` tell what it is worth. Beside it stands the unit that it is
    *matched* with where no two have the same, by the assignment with the highest sum of absolute correlations (Li,
    Yosinski, Clune, Lipson and Hopcroft 2016, Convergent learning, who use both and compare them).

    The best of many correlations is high by chance, and the more so the slower the units are. So the second
    network is shifted in time, in a circle by at least a quarter of the text, which keeps what its units are by
    themselves; *p* is how often a unit then finds as good a partner. (A unit that drifts all the way through the text
    is no circle, and its chance is told too low.)

    A pair *diverges* at the first step at which the unit is further from what its partner says, by the
    least-squares map, than one standard deviation of the unit, and than four of what the map leaves over: far for the
    unit and unusual for the pair (were the rest normal, once in 16,000 steps).

    Parameters
    ----------
    first, second : Trace
        Of the same text, cut into the same documents.
    signals : str, or two, optional
        The addresses of a whole signal of each, such as ``("l0.c", "l0.h")``, or one for both; ``memory`` of
        each trace if not given.
    shifts : int
        At most; a text of few steps has only so many, each of which is taken once.
    seed : int
        Of the shifts.

    Returns
    -------
    Alignment

    Raises
    ------
    TraceError
        If the traces are not of the same text: it says where they differ; or too few steps are taken by both.
    AddressError
        If there is no such signal.
    ArgumentError
        If shifts or seed is no such number.

    Notes
    -----
    The traces are read twice, a block of time at a time; sums are in float64. Chance is told from the first 10,000
    steps. A unit that never changes, or is not finite somewhere, has no partner and is none.

    Examples
    --------
    >>> import rnnscope.trained
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> lstm, gru = (rnnscope.load(rnnscope.trained.path(name)) for name in ("prose-lstm", "prose-gru"))
    >>> found = rnnscope.align_units(rnnscope.trace(lstm, text), rnnscope.trace(gru, text), shifts=9)
    >>> found.table.loc["l0.c.170", "partner"]
    'l0.h.111'
    """
    shifts, seed = whole(shifts, "shifts", 1), whole(seed, "seed")
    traces = _checked(first, second)
    addresses = _addresses(traces, signals)
    table, steps, shifted = _compared((first[addresses[0]], second[addresses[1]]), shifts, seed)
    guess, same = _guesses(first, second)
    return Alignment(
        models=(_name(first), _name(second)),
        signals=(str(addresses[0]), str(addresses[1])),
        steps=steps,
        shifts=shifted,
        table=table,
        first_guess=guess,
        same_guess=same,
        first_cost=_costs(first, second),
    )


_COLUMNS = [
    "partner", "correlation", "mutual", "slope", "offset", "chance", "p", "matched", "matched_correlation", "diverges"
]  # fmt: skip


def _compared(pair: _Pair, shifts: int, seed: int) -> tuple[pd.DataFrame, int, int]:
    """The table of an `Alignment`, how many steps both take, and how many shifts there were."""
    with progress_bar("steps") as bar:
        task = bar.add_task("correlating", total=2 * len(pair[0]) + shifts)
        sums = Correlations(*(series.sizes["unit"] for series in pair))
        for steps, values in _blocks(pair):
            sums.add(*values)
            bar.advance(task, len(steps))
        sums.check(*(str(series.name) for series in pair))
        bar.update(task, description="shifting in time")
        by_chance = _by_chance(sums.early, sums.correlation, shifts, seed, lambda: bar.advance(task))
        table = _table(pair, sums.correlation, by_chance)
        bar.update(task, description="comparing")
        table["slope"], table["offset"], table["diverges"] = _maps(pair, sums, lambda count: bar.advance(task, count))
    return table.reindex(columns=_COLUMNS), sums.count, len(by_chance)


def _checked(*traces: Trace) -> tuple[Trace, ...]:
    """Traces of the same text and documents."""
    roots = [check_trace(trace).tree.dataset for trace in traces]
    shared = min(map(len, traces))
    for name, says in (("codepoint", _character), ("document", _document)):
        one, other = (root[name][:shared].values for root in roots)
        if (differ := np.flatnonzero(one != other)).size:
            step = int(differ[0])
            raise TraceError(
                f"Two traces of the same text were expected; at step {step:,} the first has {says(one[step])} and the "
                f"second {says(other[step])}. Trace the same text, cut into the same documents, with both networks."
            )
    lengths = [len(trace) for trace in traces]
    if len(set(lengths)) > 1:
        raise TraceError(
            f"Two traces of the same text were expected; the first has {lengths[0]:,} steps, the second "
            f"{lengths[1]:,}, and up to there they are the same. Trace all of the text with both networks."
        )
    return traces


def _character(code: int) -> str:
    return f"{visible(chr(code))!r}"


def _document(number: int) -> str:
    return f"document {number}"


def _addresses(traces: tuple[Trace, ...], signals: str | tuple[str, str] | None) -> list[Address]:
    """The whole signals that are asked for, one of each trace."""
    if signals is None:
        return [trace.memory for trace in traces]
    asked = listed(signals) * (2 if isinstance(signals, str | Address) else 1)
    if len(asked) != 2:
        raise AddressError(f"A signal of each of the two traces was expected; got {len(asked)}.")
    addresses = [Address.parse(str(signal)) for signal in asked]
    for trace, address in zip(traces, addresses, strict=True):
        trace[address]  # the error that names what exists
        if address.unit is not None:
            raise AddressError(f"All units of a signal are aligned: give {address.whole}, not {address}.")
    return addresses


def _name(trace: Trace) -> str:
    return str(trace.tree.attrs.get("model") or "the network")


def _blocks(pair: _Pair) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Block by block of time the steps that both layers take, and the values there, float64 of shape (time, unit)."""
    rows = max(1, _VALUES // max(series.sizes["unit"] for series in pair))
    for start in range(0, len(pair[0]), rows):
        values = [np.asarray(series[start : start + rows], np.float64) for series in pair]
        absent = [np.isnan(part).all(axis=1) for part in values]
        taken = ~(absent[0] | absent[1])
        yield start + np.flatnonzero(taken), [part[taken] for part in values]


def _best(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of the highest absolute value in each row, and whether there is any."""
    sizes = np.nan_to_num(np.abs(correlation), nan=-1.0)
    return sizes.argmax(axis=1), sizes.max(axis=1) >= 0


def _by_chance(
    early: list[np.ndarray], correlation: np.ndarray, shifts: int, seed: int, done: Callable[[], None]
) -> np.ndarray:
    """The highest absolute correlation of each unit with any of the second, for each shift: (shift, unit)."""
    size = len(early[0])
    scored = [_standardised(part) / np.float32(np.sqrt(size)) for part in early]
    scored[1][:, np.isnan(correlation).all(axis=0)] = 0
    twice = np.concatenate([scored[1], scored[1]])
    nearest = -(-size // 4)
    moves = np.random.default_rng(seed).permutation(np.arange(nearest, size - nearest + 1))[:shifts]
    found = []
    for move in moves:
        found.append(np.abs(scored[0].T @ twice[move : move + size]).max(axis=1))
        done()
    return np.stack(found)


def _standardised(values: np.ndarray) -> np.ndarray:
    values = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = values.std(axis=0)
    return values / np.where(deviation > 0, deviation, np.inf).astype(np.float32)


def _table(pair: _Pair, correlation: np.ndarray, by_chance: np.ndarray) -> pd.DataFrame:
    names = [np.array([f"{series.name}.{unit}" for unit in series["unit"].values], dtype=object) for series in pair]
    place, told = _best(correlation)
    back, _ = _best(correlation.T)
    rows = np.arange(len(place))
    best = np.where(told, correlation[rows, place], np.nan)
    one, other = linear_sum_assignment(-np.nan_to_num(np.abs(correlation)))
    own = np.full(len(place), -1)
    own[one] = other
    matched = np.where(own >= 0, correlation[rows, own], np.nan)
    as_good = (by_chance >= np.abs(best) * (1 - 1e-6)).sum(axis=0)
    return pd.DataFrame(
        {
            "partner": _where(told, names[1][place]),
            "correlation": best,
            "mutual": told & (back[place] == rows),
            "chance": np.where(told, by_chance.mean(axis=0), np.nan),
            "p": np.where(told, (1 + as_good) / (1 + len(by_chance)), np.nan),
            "matched": _where(~np.isnan(matched), names[1][own]),
            "matched_correlation": matched,
        },
        index=pd.Index(names[0], name="unit"),
    )


def _where(told: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values as objects, None where there is none."""
    found = values.astype(object)
    found[~told] = None
    return found


def _maps(
    pair: _Pair, sums: Correlations, done: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray, pd.api.extensions.ExtensionArray]:
    """Slope and offset of the map from each unit's partner to the unit, and the step where the two diverge."""
    correlation = sums.correlation
    place, told = _best(correlation)
    best = correlation[np.arange(len(place)), place]
    deviation = sums.deviations(0)
    slope = np.where(told, best * deviation / sums.deviations(1)[place], np.nan)
    offset = sums.means(0) - slope * sums.means(1)[place]
    far = np.maximum(_FAR * deviation, _UNUSUAL * deviation * np.sqrt(1 - best**2))
    diverges = np.full(len(place), -1)
    for steps, (first, second) in _blocks(pair):
        apart = np.abs(first - offset - slope * second[:, place]) > far
        new = apart.any(axis=0) & (diverges < 0)
        diverges[new] = steps[apart[:, new].argmax(axis=0)]
        done(len(steps))
    return slope, offset, pd.array(_where(diverges >= 0, diverges), dtype="Int64")


def _guesses(*traces: Trace) -> tuple[int | None, float]:
    """The first step whose first guesses differ, and the share of steps at which they are the same."""
    roots = [trace.tree.dataset for trace in traces]
    alike = len({(trace.tree.attrs.get("task"), bool(trace.outcomes)) for trace in traces}) == 1
    if not alike or any(not root.sizes.get("rank") for root in roots):
        return None, np.nan
    numbers: dict[str, int] = {}
    one, other = (
        _numbered(root["guess"][:, 0].values, trace, numbers) for root, trace in zip(roots, traces, strict=True)
    )
    told = (one >= 0) & (other >= 0)
    if not told.any():
        return None, np.nan
    differ = told & (one != other)
    return _first(differ), float(1 - differ.sum() / told.sum())


def _numbered(guesses: np.ndarray, trace: Trace, numbers: dict[str, int]) -> np.ndarray:
    """Guesses as numbers that mean the same in both traces, -1 where there is none."""
    if not trace.outcomes:
        return guesses
    places = np.array([numbers.setdefault(outcome, len(numbers)) for outcome in trace.outcomes])
    return np.where(guesses >= 0, places[guesses], -1)


def _costs(*traces: Trace) -> int | None:
    """The first step whose costs differ by more than a nat."""
    one, other = (trace.tree.dataset["nll"].values.astype(np.float64) for trace in traces)
    return _first(np.abs(one - other) > _COST)


def _first(holds: np.ndarray) -> int | None:
    return int(holds.argmax()) if holds.any() else None

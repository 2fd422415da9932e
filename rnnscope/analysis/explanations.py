"""When a unit is on, as a formula over concepts: (quotes AND NOT capitalised) OR within 5 steps after number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.concept import Concept, listed
from rnnscope.errors import ArgumentError, ConceptError, TextError
from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import CONTROL, FAINT, FOCUS, new_axes, style, title

from .formulas import Formula, FormulaSearch, Scored, intersection_over_union, pack
from .unit_series import UnitSeries
from .units import two_groups

_MOST = 0.5
"""The share of the steps that "within k steps after" may hold at: more would say next to nothing."""

_AFTER = (5, 20, 100)  # steps
_QUANTILES = (0.25, 0.5, 0.75, 0.9)
_GAP = 500
_FEWEST = 200
_CLOSE = 0.01  # of IoU: a shorter formula that is so near the best is preferred
_ALIKE = 0.02  # of correlation: sides that are so near each other are told apart by how simple they are


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Shown):
    """The best formula of each length for when a unit is on.

    Attributes
    ----------
    address : str
    threshold : float
        From the fit half; of tanh for a cell state.
    high : bool
        Whether on is above the threshold, or below it.
    share : float
        The share of the held-out steps at which the unit is on; the IoU of a formula that always holds.
    table : DataFrame
        One row a length: ``length``; ``formula``; ``fit_iou`` and ``iou``, intersection over union of the steps where
        the formula holds and those where the unit is on, from 0 to 1, in the fit half and in the held-out half;
        ``chance``, the mean IoU of the held-out half where the formula is shifted in time; and ``p``, how often a
        shift gives as much.
    """

    address: str
    threshold: float
    high: bool
    share: float
    table: pd.DataFrame

    @property
    def best(self) -> dict[str, Any]:
        """The row of the shortest formula that is within 0.01 of the best IoU of the fit half."""
        close = self.table["fit_iou"] >= self.table["fit_iou"].max() - _CLOSE
        return self.table[close].iloc[0].to_dict()

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """IoU against the length of the formula; on new axes if none are given."""
        ax = ax or new_axes()
        lines = (("fit_iou", "fit half", CONTROL), ("iou", "held-out half", FOCUS), ("chance", "chance", FAINT))
        for column, name, colour in lines:
            ax.plot(self.table["length"], self.table[column], "o-", color=colour, label=name)
        ax.set(xlabel="length of the formula (concepts)", ylabel="IoU (0 to 1)", ylim=(-0.02, 1.02))
        ax.set_xticks(self.table["length"].tolist())
        title(ax, f"{self.address} {'above' if self.high else 'below'} {self.threshold:+.2f}, in concepts")
        ax.legend()
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        side = "above" if self.high else "below"
        scale = " of tanh" if Address.parse(self.address).signal == "c" else ""
        yield Text(f"on is {side} {self.threshold:+.2f}{scale}: {self.share:.1%} of the held-out steps")
        table = Table(box=None, pad_edge=False)
        for name in ("IoU", "fit half", "chance", "p"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("formula")
        for row in self.table.to_dict("records"):
            numbers = (f"{row['iou']:.2f}", f"{row['fit_iou']:.2f}", f"{row['chance']:.2f}", f"{row['p']:.2g}")
            chosen = row["length"] == self.best["length"]
            table.add_row(*numbers, Text(row["formula"], style="bold" if chosen else ""))
        yield table
        if len(self.table) > 1:
            yield Text(f"The fit half chooses: {self.best['formula']}")
        if self.best["p"] > 0.05:
            yield Text("No formula over these concepts says more than chance.")


def explain(series: xr.DataArray, concepts: Concept | Sequence[Concept], top: float | None = None) -> Explanation:
    """The formulas over concepts that best say when a unit is on.

    Compositional explanations (Mu and Andreas 2020): a beam search (10 formulas wide) over AND, OR and AND NOT. The
    atoms are flags, the values of categories, numbers above and up to their quartiles and 90 % quantile, and "within
    5, 20 or 100 steps after" a flag or the value of a category, which holds at these too, unless that is more than
    half of all steps. Of a reverse layer, which reads from the end, it is "before". Where a concept does not apply it
    is false.

    The steps are cut into two contiguous halves with a gap of 500 steps (less in a short text) between them. The
    threshold, the side that is on and the formulas come from the first; the second says how good they are, beside
    what the same formula reaches under all circular shifts. On is the side whose formula correlates better (phi); if
    both do within 0.02, the one with the shorter formula, then the rarer one.

    Parameters
    ----------
    series : DataArray of dims (time,)
        A unit of a trace, in memory or on disk, or some steps of it.
    concepts : Concept or sequence of Concept
        Each document is labelled by itself.
    top : float, optional
        The unit is on at the most extreme values, this share of the fit half (Network Dissection, Bau et al. 2017,
        takes 0.005). By default it is on at one side of Otsu's threshold, see `rnnscope.rank_units`.

    Returns
    -------
    Explanation

    Raises
    ------
    AddressError, TextError
        If the series is not that of one unit of a trace, is shorter than 200 steps, or does not change.
    ArgumentError
        If top is no share.
    ConceptError
        If no concept tells some steps of the fit half from others, or one has labels that were made for another text.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes.concepts import named
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"You are late," said Anna, and sat down. "I know."\\n' * 20, signals=["c"])
    >>> rnnscope.explain(trace["l0.c.170"], named("quotes", "vowel")).best["formula"]
    'quotes'
    """
    if top is not None and not (isinstance(top, Real) and 0 < top < 1):
        raise ArgumentError(f"top is a share of the steps, between 0 and 1; got {top!r}.")
    unit = UnitSeries.read(series)
    fit, held = _halves(unit)
    atoms = _all_atoms(listed(concepts), unit, fit, held)
    side = _better([_Side.searched(unit, fit, atoms, *side) for side in _sides(unit.seen[fit], top)])
    on = side.on[held]
    rows = [
        {"length": length, "formula": formula.text, "fit_iou": fit_iou, **_held_out(formula.held, on)}
        for length, (fit_iou, formula) in enumerate(side.found, start=1)
    ]
    return Explanation(str(series.name), side.threshold, side.high, float(on.mean()), pd.DataFrame(rows))


def _halves(unit: UnitSeries) -> tuple[slice, slice]:
    """The steps to fit on, and those held out, as places among the steps that the layer takes."""
    count = len(unit.steps)
    if count < _FEWEST:
        raise TextError(
            f"At least {_FEWEST} steps are needed to explain a unit, one half to fit and one to test; got {count}."
        )
    gap = min(_GAP, count // 10)
    fit = slice(0, (count - gap) // 2)
    if unit.taken[fit].min() == unit.taken[fit].max():
        raise TextError(f"{unit.address} does not change in the first half of the text; there is nothing to explain.")
    return fit, slice(fit.stop + gap, count)


def _all_atoms(concepts: Sequence[Concept], unit: UnitSeries, fit: slice, held: slice) -> list[Formula]:
    for concept in concepts:
        concept.check_length(len(unit.text))
    atoms = [atom for concept in concepts for atom in _atoms(concept, unit, fit, held)]
    if not atoms:
        names = ", ".join(concept.name for concept in concepts) or "none was given"
        raise ConceptError(
            f"Concepts that hold at some steps and not at others of the first half of the text were expected; "
            f"there is none among these: {names}."
        )
    return atoms


def _atoms(concept: Concept, unit: UnitSeries, fit: slice, held: slice) -> Iterator[Formula]:
    """The atoms of a concept that hold at some steps of the fit half and not at others."""
    stops = [*unit.starts[1:], len(unit.text)]
    parts = [concept(unit.text[start:stop], int(start)) for start, stop in zip(unit.starts, stops, strict=True)]
    labels = np.concatenate(parts)
    for name, holds in _flags(concept, labels, unit, fit):
        holds = holds[unit.steps]
        if 0 < np.count_nonzero(holds[fit]) < fit.stop:
            yield Formula(name, "", pack(holds[fit]), pack(holds[held]))


def _flags(concept: Concept, labels: np.ndarray, unit: UnitSeries, fit: slice) -> Iterator[tuple[str, np.ndarray]]:
    if concept.kind == "number":
        known = labels[unit.steps[fit]]
        known = known[~np.isnan(known)]
        levels = np.unique(np.quantile(known, _QUANTILES, method="lower")) if len(known) else []
        for level in levels:
            yield f"{concept.name} > {level:g}", labels > level
            yield f"{concept.name} <= {level:g}", labels <= level
        return
    values = {concept.name: 1} if concept.kind == "flag" else {}
    values |= {f"{concept.name} is {category}": number for number, category in enumerate(concept.categories)}
    for name, value in values.items():
        holds = labels == value
        yield name, holds
        for steps in _AFTER:
            after = _within(holds, steps, unit)
            if after[unit.steps[fit]].mean() <= _MOST:
                yield f"within {steps} steps {'before' if unit.address.reverse else 'after'} {name}", after


def _within(holds: np.ndarray, steps: int, unit: UnitSeries) -> np.ndarray:
    """Whether it holds at a step, or at one of those that the layer has read before it in the same document."""
    order = slice(None, None, -1 if unit.address.reverse else 1)
    document, places = unit.document[order], np.arange(len(holds))
    start = np.maximum.accumulate(np.where(np.diff(document, prepend=document[0] - 1), places, 0))
    last = np.maximum.accumulate(np.where(holds[order], places, -1))
    return ((last >= start) & (places - last <= steps))[order]


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of a threshold, taken as on, and the formulas found for it: the best of each length with its IoU."""

    threshold: float
    high: bool
    on: np.ndarray
    found: list[Scored]
    correlation: float
    share: float

    @classmethod
    def searched(cls, unit: UnitSeries, fit: slice, atoms: Sequence[Formula], threshold: float, high: bool) -> _Side:
        on = unit.seen > threshold if high else unit.seen < threshold
        search = FormulaSearch(atoms, pack(on[fit]))
        found = search.best()
        return cls(threshold, high, on, found, search.correlation(found[-1][1], fit.stop), on[fit].mean())

    @property
    def length(self) -> int:
        """Of the shortest formula that is nearly as good as the best."""
        return 1 + next(place for place, (iou, _) in enumerate(self.found) if iou >= self.found[-1][0] - _CLOSE)


def _better(sides: Sequence[_Side]) -> _Side:
    close = max(side.correlation for side in sides) - _ALIKE
    return min((side for side in sides if side.correlation >= close), key=lambda side: (side.length, side.share))


def _sides(seen: np.ndarray, top: float | None) -> list[tuple[float, bool]]:
    """Thresholds, and whether a unit is on above them."""
    if top is None:
        threshold = two_groups(seen)[1]
        return [(threshold, True), (threshold, False)]
    low, high = np.nextafter(np.quantile(seen, [top, 1 - top]), [np.inf, -np.inf])
    return [(float(high), True), (float(low), False)]


def _held_out(bits: np.ndarray, on: np.ndarray) -> dict[str, float]:
    """IoU in the held-out half, beside its mean under all circular shifts beyond the gap, and how many reach it."""
    holds = np.unpackbits(bits.view(np.uint8), count=len(on))
    steps, size, total = len(on), int(holds.sum()), int(on.sum())
    spectra = [np.fft.rfft(values.astype(np.float64)) for values in (on, holds)]
    hits = np.rint(np.fft.irfft(spectra[0] * spectra[1].conj(), n=steps))
    gap = min(_GAP, steps // 10)
    shifted = hits[gap : steps - gap]
    return {
        "iou": float(intersection_over_union(size, hits[0], total)),
        "chance": float(intersection_over_union(size, shifted, total).mean()),
        "p": float((1 + np.count_nonzero(shifted >= hits[0])) / (1 + len(shifted))),
    }

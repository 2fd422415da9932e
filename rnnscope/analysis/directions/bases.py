"""Is the basis of units special? The best unit for a concept against the best direction of random bases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
from torch import nn

from rnnscope.analysis.search.finding import find_units
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.analysis.search.parts import halves
from rnnscope.analysis.search.scores import MEASURES
from rnnscope.arguments import whole
from rnnscope.concept import Concept
from rnnscope.recording.address import Address
from rnnscope.recording.along import along
from rnnscope.recording.directions import Directions
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.passages import open_source
from rnnscope.tracing.trace import Trace

from .bases_result import BasisComparison
from .moments import Moments, moments_of, top_memory
from .principal import components_of
from .rotations import random_rotation

_COMPONENTS, _ROTATION = "components", "rotation"
"""Names that the bases have while they are compared."""

_TOGETHER = 2**13
"""Directions that are searched in one pass, about: each takes memory meanwhile."""

_ROUNDING = 1e-9


def compare_bases(
    model: nn.Module | Trace,
    text: Texts | None,
    concepts: Concept | Sequence[Concept],
    *,
    signal: str | Address | None = None,
    rotations: int = 20,
    standardised: bool = True,
    characters: Sequence[str] | None = None,
    seed: int = 0,
) -> BasisComparison:
    """Ask whether single units tell more of concepts than single directions of a random basis do.

    A linear decoder finds a concept in any basis alike. That one *unit* has it is worth saying if the best of as many
    random directions does worse (Bau et al. 2017, section 3.2; Szegedy et al. 2013 had seen no difference). In each
    basis the best direction is chosen on the fit half of the text and scored on the held-out half, as
    `rnnscope.find_units` does it. Some 8,192 directions are searched in one pass over the text.

    Whether units are scaled before they are rotated decides what a random direction is made of. As they are, the few
    units that vary most are nearly all of each direction, and those that vary little have no part in any: random bases
    look as good as the units for what the former track, and useless for what the latter track, whatever else is true.
    The scores see no scale. So each unit is divided by its standard deviation first, and all have the same part; with
    ``standardised=False`` they are rotated as they are, as in Bau et al. Principal components are those of the units
    as they are.

    Parameters
    ----------
    model, text, concepts, characters
        As for `rnnscope.find_units`.
    signal : str or Address, optional
        The memory of the top layer if not given: c of an LSTM, else h.
    rotations : int
        Random bases, at least 1; p is at least 1 / (rotations + 1).
    standardised : bool
        Whether each unit is divided by its standard deviation before it is rotated.
    seed : int
        Of the rotations.

    Returns
    -------
    BasisComparison

    Raises
    ------
    AddressError, ConceptError, RecordingError, TextError
        As of `rnnscope.find_units`.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes.concepts import named
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> found = rnnscope.compare_bases(model, text, named("quotes"), rotations=2)
    >>> bool(found.table.loc["quotes", "unit_score"] > found.table.loc["quotes", "high"])
    True
    """
    count, seed = whole(rotations, "rotations", 1), whole(seed, "seed")
    source = open_source(model, text, top_memory(model) if signal is None else signal, characters)
    moments = moments_of(source, halves(source.starts)[0].stop)
    bases = [components_of(moments, name=_COMPONENTS), *_rotated(moments, count, standardised, seed)]
    searches = []
    for group in _groups(bases, len(moments.mean)):
        signals = [str(basis.address) for basis in group] + [str(moments.address)] * (not searches)
        with _seen_along(model, group) as seen:
            found = find_units(seen, text, concepts, signals=signals, characters=characters, shifts=1)
        searches.append(found)
    return BasisComparison(
        signal=str(moments.address),
        units=len(moments.mean),
        standardised=standardised,
        steps=searches[0].steps,
        left_out=searches[0].left_out,
        **_scores(searches, moments.address, bases),
    )


@contextmanager
def _seen_along(model: nn.Module | Trace, directions: Sequence[Directions]) -> Iterator[nn.Module | Trace]:
    if isinstance(model, Trace):
        yield model.along(directions)
    else:
        with along(model, directions):
            yield model


def _rotated(moments: Moments, count: int, standardised: bool, seed: int) -> list[Directions]:
    seeds = np.random.default_rng(seed).integers(2**32, size=count).tolist()
    return [
        random_rotation(moments, standardised=standardised, name=f"{_ROTATION}{number}", seed=own)
        for number, own in enumerate(seeds)
    ]


def _groups(bases: Sequence[Directions], units: int) -> Iterator[list[Directions]]:
    """Bases that are searched in one pass."""
    size = max(1, _TOGETHER // units)
    yield from (list(bases[start : start + size]) for start in range(0, len(bases), size))


def _scores(searches: Sequence[FoundUnits], units: Address, bases: Sequence[Directions]) -> dict[str, pd.DataFrame]:
    """The two tables of a `BasisComparison`."""
    all_fit, all_held_out = (pd.concat([getattr(one, name) for one in searches]) for name in ("fit_scores", "scores"))
    signals = pd.Index([str(unit).rpartition(".")[0] for unit in all_fit.index])
    rows, scores = [], {}
    for concept, kind in searches[0].table["kind"].items():
        neutral = MEASURES[str(kind)].neutral
        fit, held_out = (table[concept].fillna(neutral) - neutral for table in (all_fit, all_held_out))
        best = fit.abs().groupby(signals).idxmax()
        chosen = best.to_numpy()
        score = pd.Series(neutral + np.sign(np.asarray(fit[chosen])) * np.asarray(held_out[chosen]), best.index)
        rotated = np.array([score[str(basis.address)] for basis in bases[1:]])
        components = str(bases[0].address)
        as_well = int((rotated >= score[str(units)] - _ROUNDING).sum())
        scores[concept] = rotated
        rows.append(
            {
                "concept": concept,
                "kind": kind,
                "measure": MEASURES[str(kind)].name,
                "unit": best[str(units)],
                "unit_score": score[str(units)],
                "component": int(str(best[components]).rpartition(".")[2]),
                "component_score": score[components],
                "rotations": float(np.median(rotated)),
                "low": rotated.min(),
                "high": rotated.max(),
                "as_well": as_well,
                "p": (1 + as_well) / (1 + len(rotated)),
            }
        )
    names = pd.RangeIndex(len(bases) - 1, name="rotation")
    return {"table": pd.DataFrame(rows).set_index("concept"), "rotations": pd.DataFrame(scores, index=names)}

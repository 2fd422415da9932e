"""What is known of a network's units, for the page: concepts that they track, ablations, and partners elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnscope.analysis.alignment import Alignment
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.found import FoundUnits

from .plain import plain, plain_rows
from .sentences import sentences

_OF_CONCEPT = ("kind", "measure", "unit", "score", "low", "high", "p", "sign")
_OF_PAIR = ("partner", "correlation", "slope", "offset", "diverges", "mutual", "chance", "p")


def concept_entries(found: FoundUnits, embedded: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """The entry "concepts": of each concept the best unit with its interval, and the score of each embedded unit.

    Parameters
    ----------
    found : FoundUnits
        What `rnnscope.find_units` found.
    embedded : mapping of str to sequence of int
        The numbers of the units that the page holds, by signal, such as ``{"l0.c": [0, 1, 2]}``.
    """
    scores = {
        signal: found.scores.reindex([f"{signal}.{unit}" for unit in units]) for signal, units in embedded.items()
    }
    searched = {address.rpartition(".")[0] for address in found.scores.index}
    return [
        {
            "name": name,
            **{column: plain(row[column]) for column in _OF_CONCEPT},
            "threshold": _finite(row.get("threshold")),
            "units": {
                signal: {"scores": [plain(score) for score in table[name]]}
                for signal, table in scores.items()
                if signal in searched
            },
        }
        for name, row in found.table.to_dict("index").items()
    ]


def ablation_entries(ablations: Sequence[Ablation]) -> list[dict[str, Any]]:
    """The entry "ablations": of each the first unit, the concept, a title, sentences and the table."""
    entries = []
    for result in ablations:
        table = result.table.reset_index(names="place")
        entries.append(
            {
                "unit": result.units[0],
                "concept": result.concept,
                "title": result.title,
                "said": sentences(result),
                "columns": list(table.columns),
                "rows": plain_rows(table),
            }
        )
    return entries


def alignment_entry(alignment: Alignment, models: tuple[int, int] = (0, 1)) -> dict[str, Any]:
    """One of the entry "alignments": the units of a model with their partners in another.

    A unit that never changes is left out.

    Parameters
    ----------
    alignment : Alignment
    models : (int, int)
        The places of the two models on the page.
    """
    told: Any = alignment.table[alignment.table["correlation"].notna()]
    pairs = [
        {"unit": unit, **{column: plain(row[column]) for column in _OF_PAIR}}
        for unit, row in told.astype(object).where(told.notna(), None).to_dict("index").items()
    ]
    return {
        "models": list(models),
        "signals": list(alignment.signals),
        "pairs": pairs,
        "first_guess": alignment.first_guess,
        "first_cost": alignment.first_cost,
        "same_guess": plain(alignment.same_guess),
        "said": sentences(alignment),
    }


def _finite(value: float | None) -> float | None:
    number = plain(value)
    return number if isinstance(number, float) else None

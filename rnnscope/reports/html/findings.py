"""What is known of a network's units, for the page: concepts that they track, ablations, and partners elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from rnnscope.analysis.alignment import Alignment
from rnnscope.analysis.causes.ablation import ablation
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.concept import Concept
from rnnscope.errors import RnnscopeError
from rnnscope.tracing.documents import Texts

from .plain import plain, plain_rows
from .sentences import sentences

_LIMIT = 10_000
"""Characters that an ablation reads, at most."""

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


def ablate_best(
    model: nn.Module,
    text: Texts,
    found: FoundUnits,
    concepts: Sequence[Concept],
    *,
    seed: int = 0,
) -> tuple[list[Ablation], list[str]]:
    """Ablate the best unit of each concept that is a flag, one after another; and say of what cannot be done, why.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    text : str, Document, Path, File, or a sequence of these
        Its first 10,000 characters are read, once for each concept.
    found : FoundUnits
        The best units.
    concepts : sequence of Concept
        Those that were searched for.
    seed : int
    """
    done, notes = [], []
    for concept in concepts:
        if concept.kind != "flag" or concept.name not in found.table.index:
            continue
        unit = str(found.table.loc[concept.name, "unit"])
        try:
            done.append(ablation(model, text, unit, concept, seed=seed, limit=_LIMIT))  # pyright: ignore[reportArgumentType]
        except RnnscopeError as error:
            notes.append(f"{unit} is not ablated for {concept.name}. {error}")
    return done, notes


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

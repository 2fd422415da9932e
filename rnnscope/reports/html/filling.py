"""What goes into a page beside the units: panels, ablations, and which unit goes with which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from torch import nn

from rnnscope.analysis.alignment import align_units
from rnnscope.analysis.causes.ablation import ablation
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.concept import Concept
from rnnscope.errors import RnnscopeError
from rnnscope.tracing.documents import Texts

from .building import Contents
from .findings import alignment_entry
from .model_panels import model_panels
from .panels import Panel, panel
from .reading import documents_of
from .subject import Subject

_LIMIT = 10_000
"""Characters that an ablation reads, at most."""


def fill(contents: Contents, results: Sequence[object], ablated: Sequence[Concept] | None, seed: int) -> None:
    """Find out what every page has, and add what the user has found.

    Parameters
    ----------
    contents : Contents
    results : sequence
        Of the user's.
    ablated : sequence of Concept or None
        Those whose best units are ablated; None to ablate none.
    seed : int
    """
    for number, subject in enumerate(contents.subjects):
        if ablated is not None:
            _ablate(subject, ablated, seed)
        _add_model_panels(contents, number, seed)
    _add_results(contents, results)
    for number in range(1, len(contents.subjects)):
        _align(contents, number, seed)


def _ablate(subject: Subject, concepts: Sequence[Concept], seed: int) -> None:
    """Ablate the best unit of each flag, where there is a network that it can be done to."""
    text = documents_of(subject.trace)
    if subject.model is None or subject.found is None or text is None:
        missing = "the network itself" if subject.model is None else "a language model and concepts that were found"
        subject.notes.append(f"No unit was ablated: that takes {missing}.")
        return
    ablations, notes = ablate_best(subject.model, text, subject.found, concepts, seed)
    subject.ablations += ablations
    subject.notes += notes


def ablate_best(
    model: nn.Module,
    text: Texts,
    found: FoundUnits,
    concepts: Sequence[Concept],
    seed: int,
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


def _add_model_panels(contents: Contents, number: int, seed: int) -> None:
    """The panels that every report has; those of the trace alone where there is no network that reads texts."""
    subject = contents.subjects[number]
    text = None if subject.model is None else documents_of(subject.trace)
    source = subject.told if subject.model is None or text is None else subject.model
    if source is None:
        return
    panels, notes = model_panels(source, text or (), trace=subject.told, seed=seed)
    subject.notes += notes
    for each in panels:
        _add_panel(contents, each, number)


def _add_results(contents: Contents, results: Sequence[object]) -> None:
    """What the user found: an ablation goes to the cards of its units, anything else is a panel."""
    for result in results:
        if isinstance(result, Ablation):
            contents.subjects[0].ablations.append(result)
        else:
            _add_panel(contents, panel(result), None)


def _add_panel(contents: Contents, shown: Panel, model: int | None) -> None:
    name = f"{len(contents.panels)}-{shown.id}"
    figure = contents.blocks.add(f"figure-{name}", shown.figure)
    contents.panels.append(asdict(shown) | {"id": name, "model": model, "figure": figure})


def _align(contents: Contents, number: int, seed: int) -> None:
    """Which unit of the first network goes with which of another."""
    first, second = contents.subjects[0], contents.subjects[number]
    try:
        alignment = align_units(first.trace, second.trace, seed=seed)
    except RnnscopeError as error:
        contents.notes.append(f"Units of {first.name} and {second.name} are not aligned. {error}")
        return
    contents.alignments.append(alignment_entry(alignment, (0, number)))

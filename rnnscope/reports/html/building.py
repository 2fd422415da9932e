"""From what was found out to a page: what fits is chosen, packed, and put into one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from rnnscope.errors import ReportError
from rnnscope.progress import progress_bar

from .assembling import assembled, overhead
from .blocks import Blocks
from .colours import colour_tables
from .findings import ablation_entries, concept_entries
from .guesses import guess_entries, text_entry
from .notes import ROUNDED, signal_notes, text_notes
from .room import Choice, Unit
from .signals import signal_entries
from .stretches import Stretch
from .subject import Subject
from .survey import THRESHOLD

MEGABYTE = 1_000_000

_RANKS = (5, 3, 1, 0)
"""Guesses kept of each step: as many as there is room for."""

_GUESSES = 1 / 3
"""Of the file, for costs and guesses."""

_TRIES = 8
"""Times that a page is packed until it is small enough; the first is most often. Each time twice as much is given up,
because units come in whole, and a little less room may change nothing."""


@dataclass(frozen=True)
class Built:
    """A page, and what it says of itself."""

    html: str
    notes: list[str]


@dataclass(eq=False)
class Contents:
    """All that goes into a page but for the values of units, which take the room that is left.

    Attributes
    ----------
    title : str
    subjects : list of Subject
        One or more networks that have read the same text.
    stretches : list of Stretch
    named : list of `Unit`
        Those of the first network that the user wants in full detail.
    panels, alignments : lists of the page's entries
    blocks : Blocks
        The data that these refer to.
    notes : list of str
        What is said first.
    """

    title: str
    subjects: Sequence[Subject]
    stretches: Sequence[Stretch]
    named: Sequence[Unit] = ()
    panels: list[dict[str, Any]] = field(default_factory=list)
    alignments: list[dict[str, Any]] = field(default_factory=list)
    blocks: Blocks = field(default_factory=Blocks)
    notes: list[str] = field(default_factory=list)


def build(contents: Contents, size: float) -> Built:
    """A page of at most so many megabytes.

    Raises
    ------
    ReportError
        If the text alone takes more.
    """
    limit = int(size * MEGABYTE)
    guesses, texts = _guesses(contents, limit)
    fixed = overhead() + contents.blocks.size + guesses.size
    if fixed >= limit:
        raise ReportError(
            f"The page of {contents.stretches[-1].stop:,} steps takes {fixed / MEGABYTE:.2f} MB without the values of "
            f"units, and is to have {size:g} MB. Give it more room (size), or read less of the text (limit)."
        )
    room = float(limit - fixed)
    for attempt in range(_TRIES):
        built = _packed(contents, guesses, texts, room)
        excess = len(built.html.encode()) - limit
        if excess <= 0:
            return built
        room -= 2**attempt * (1.05 * excess + 1_000)
    raise ReportError(f"The page does not fit into {size:g} MB. Give it more room (size), or less to hold.")


def _guesses(contents: Contents, limit: int) -> tuple[Blocks, list[dict[str, Any]]]:
    """The costs and guesses of all networks, as many as there is room for; without guesses in any case."""
    blocks, entries = Blocks(), []
    for ranks in _RANKS:
        blocks = Blocks()
        entries = [
            guess_entries(subject.trace, contents.stretches, blocks, f"m{number}", ranks)
            for number, subject in enumerate(contents.subjects)
        ]
        if blocks.size <= _GUESSES * limit:
            break
    return blocks, entries


def _packed(contents: Contents, guesses: Blocks, texts: Sequence[dict[str, Any]], room: float) -> Built:
    """The page whose units are those that were chosen for some room."""
    blocks, models = contents.blocks | guesses, []
    notes = [*contents.notes, *text_notes(contents.subjects[0], len(contents.stretches), texts[0]["guess"])]
    for number, (subject, text) in enumerate(zip(contents.subjects, texts, strict=True)):
        named = contents.named if number == 0 else ()
        choice = subject.choose(named, room / len(contents.subjects))
        said = [*signal_notes(subject, choice), *subject.notes]
        notes += said if len(contents.subjects) == 1 else [f"{subject.name}: {sentence}" for sentence in said]
        models.append(_model(subject, choice, contents.stretches, blocks, f"m{number}") | text)
    notes.append(ROUNDED)
    page = {
        "title": contents.title,
        "rnnscope": version("rnnscope"),
        "notes": notes,
        "text": text_entry(contents.subjects[0].trace, contents.stretches),
        "colours": colour_tables(),
        "threshold": THRESHOLD,
        "models": models,
        "panels": contents.panels,
        "alignments": contents.alignments,
    }
    blocks.add_json("page", page)
    return Built(assembled(contents.title, blocks), notes)


def _model(
    subject: Subject, choice: Choice, stretches: Sequence[Stretch], blocks: Blocks, prefix: str
) -> dict[str, Any]:
    attributes = subject.trace.tree.attrs
    embedded = {str(address): choice.units(address) for address in subject.surveys if choice.units(address)}
    cards = subject.cards(choice)
    with progress_bar("steps") as bar:
        task = bar.add_task("packing signals", total=len(subject.surveys) * len(subject.trace))
        signals = signal_entries(
            subject.trace, subject.surveys, choice, stretches, blocks, prefix, lambda steps: bar.advance(task, steps)
        )
    return {
        "name": subject.name,
        "task": attributes.get("task"),
        "sha256": attributes["model_sha256"],
        "card": subject.card,
        "signals": signals,
        "memory": _memory(subject, embedded),
        "measures": subject.measures(choice),
        "cards": {address: blocks.add_json(f"{prefix}-{address}-cards", each) for address, each in cards.items()},
        "concepts": [] if subject.found is None else concept_entries(subject.found, embedded),
        "ablations": ablation_entries(subject.ablations),
    }


def _memory(subject: Subject, embedded: Mapping[str, Sequence[int]]) -> str:
    """The signal to begin with, if a unit of it was chosen; else one of which some were."""
    memory = str(subject.memory)
    return memory if memory in embedded else next(iter(embedded))

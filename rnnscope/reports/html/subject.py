"""A network on the page: its trace, and what was found out about it before anything is packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import nn

from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.finding import FEWEST, find_units
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.card import Card
from rnnscope.concept import Concept
from rnnscope.errors import ConceptError, RecordingError, TextError
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.tracing.trace import Trace

from .cards import unit_cards, unit_measures
from .choosing import choose
from .room import Choice, Unit
from .stretches import Stretch
from .survey import Survey, survey
from .telling import telling_units

_SKIPPING = ("tagger", "translator")
"""Tasks of networks whose layers do not take every step of the text."""


@dataclass(eq=False)
class Subject:
    """A network on the page.

    Attributes
    ----------
    trace : Trace
    model : nn.Module or None
        The network itself, where it is at hand.
    surveys : dict of Address to Survey
        Of all signals.
    found : FoundUnits or None
        What was found for the concepts.
    notes : list of str
        What the page says could not be done, and why.
    ablations : list of Ablation
    """

    trace: Trace
    model: nn.Module | None
    surveys: Mapping[Address, Survey]
    found: FoundUnits | None = None
    notes: list[str] = field(default_factory=list)
    ablations: list[Ablation] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.trace.tree.attrs["model"])

    @property
    def states(self) -> dict[Address, list[int]]:
        """The units of all signals but gates."""
        return {address: found.units.tolist() for address, found in self.surveys.items() if not found.gate}

    @cached_property
    def told(self) -> Trace | None:
        """The trace without the signals that have no value at any step; None if nothing is left."""
        kept = [str(address) for address, found in self.surveys.items() if found.absent < len(self.trace)]
        tree = self.trace.tree.copy()
        tree.attrs["signals"] = kept
        return Trace(tree, self.trace.path) if kept else None

    @property
    def memory(self) -> Address:
        """The signal to begin with."""
        return (self.told or self.trace).memory

    @cached_property
    def telling(self) -> list[Unit]:
        """All units, the most telling first."""
        return telling_units(self.states, self._ranked, self.found, self.memory)

    @cached_property
    def _ranked(self) -> dict[str, dict[str, list[Any]]]:
        """The measures of all units of all states."""
        return {str(address): unit_measures(self.trace[address]) for address in self.states}

    def choose(self, named: Sequence[Unit], room: float) -> Choice:
        """What goes into a page that has so much room for this network, in bytes of the file."""
        return choose(self.surveys, named, self.telling, room)

    def measures(self, choice: Choice) -> dict[str, dict[str, list[Any]]]:
        """The entry "measures": of each chosen unit; gates are ranked among the chosen units alone."""
        entries = {}
        for address, found in self.surveys.items():
            units = choice.units(address)
            if str(address) in self._ranked:
                places = found.places(units)
                entries[str(address)] = {
                    name: [column[place] for place in places] for name, column in self._ranked[str(address)].items()
                }
            elif units:
                entries[str(address)] = unit_measures(self.trace[address].sel(unit=units))
        return entries

    def cards(self, choice: Choice) -> dict[str, list[dict[str, Any]]]:
        """The entry "cards" before it is packed: those of the chosen units, a list by signal; each is made once."""
        wanted = {address: choice.units(address) for address in self.surveys if choice.units(address)}
        with progress_bar("units") as bar:
            task = bar.add_task("describing units", total=sum(map(len, wanted.values())))
            for address, units in wanted.items():
                made = self._cards.setdefault(address, {})
                missing = [unit for unit in units if unit not in made]
                if missing:
                    made.update(zip(missing, unit_cards(self.trace[address], missing), strict=True))
                bar.advance(task, len(units))
        return {str(address): [self._cards[address][unit] for unit in units] for address, units in wanted.items()}

    @cached_property
    def _cards(self) -> dict[Address, dict[int, dict[str, Any]]]:
        return {}

    @property
    def card(self) -> list[list[str]]:
        """The entry "card": what the network is."""
        card = getattr(self.model, "card", None)
        if isinstance(card, Card):
            return [[label, str(value)] for label, value in card.rows()]
        attributes = self.trace.tree.attrs
        rows = [["network", self.name], ["weights", f"sha256 {attributes['model_sha256']}"]]
        if self.model is not None:
            rows.append(["parameters", f"{sum(part.numel() for part in self.model.parameters()):,}"])
        if attributes.get("task"):
            rows.insert(0, ["task", str(attributes["task"])])
        return rows


def study(
    trace: Trace,
    model: nn.Module | None,
    stretches: Sequence[Stretch],
    concepts: Sequence[Concept],
    seed: int,
) -> Subject:
    """Read a trace, and search it for concepts."""
    surveys = {}
    with progress_bar("steps") as bar:
        task = bar.add_task("reading signals", total=len(trace.addresses) * len(trace))
        for address in trace.addresses:
            surveys[address] = survey(trace, address, stretches)
            bar.advance(task, len(trace))
    subject = Subject(trace, model, surveys)
    subject.notes += _gaps(subject)
    if concepts and subject.told is not None:
        _search(subject, subject.told, concepts, seed)
    return subject


def _search(subject: Subject, told: Trace, concepts: Sequence[Concept], seed: int) -> None:
    steps = len(told)
    if steps < FEWEST:
        subject.notes.append(
            f"No concept was searched for: that takes {FEWEST:,} steps at least, and there are {steps:,}."
        )
        return
    try:
        subject.found = find_units(told, None, concepts, seed=seed)
    except (ConceptError, RecordingError, TextError) as error:
        subject.notes.append(f"No concept was searched for. {error}")
        return
    if subject.found.left_out:
        reasons = "; ".join(f"{name} {reason}" for name, reason in subject.found.left_out.items())
        subject.notes.append(f"Not searched for: {reasons}.")


def _gaps(subject: Subject) -> list[str]:
    """What is said of values that are missing."""
    steps, every = len(subject.trace), subject.trace.tree.attrs.get("task") not in _SKIPPING
    absent: dict[int, list[str]] = {}
    for address, found in subject.surveys.items():
        if found.absent == steps or (found.absent and every):
            absent.setdefault(found.absent, []).append(str(address))
    notes = []
    for count, addresses in absent.items():
        where = "any step: no units are described" if count == steps else f"{count:,} of {steps:,} steps"
        notes.append(f"{', '.join(addresses)} {'has' if len(addresses) == 1 else 'have'} no value at {where}.")
    return notes + [
        f"{address} has {found.gaps:,} values that are no finite numbers; they are shown as gaps."
        for address, found in subject.surveys.items()
        if found.gaps
    ]

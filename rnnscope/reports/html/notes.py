"""What a page says of itself: what it holds, what it leaves out, and how exact its numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnscope.recording.address import Address
from rnnscope.text import counted

from .quantising import FINEST
from .room import Choice, Unit
from .subject import Subject
from .survey import THRESHOLD

_LISTED = 12
"""Units named in a sentence."""


def text_notes(subject: Subject, stretches: int, guess: Mapping[str, Any]) -> list[str]:
    """Of the text, its costs, and what the entry "guess" of the page has."""
    trace = subject.trace
    documents = f" in {len(trace.documents):,} documents" if len(trace.documents) > 1 else ""
    parts = f", shown in {stretches:,} parts" if stretches > len(trace.documents) else ""
    what, ranks = guess["what"].removeprefix("next "), guess["ranks"]
    best = f"the {ranks} best guesses" if ranks > 1 else "the best guess"
    if trace.tree.attrs["mean_nll"] is None:
        told = f", with {best} of the {what}" if ranks else ""
    else:
        told = f", with the cost of each {what} that is predicted" + (f" and {best} of it" if ranks else "")
    return [f"The text is here whole: {counted(len(trace), 'step')}{documents}{parts}{told}."]


def signal_notes(subject: Subject, choice: Choice) -> list[str]:
    """Of the units of a network: which there are, and how exact."""
    held = {level for levels in choice.levels.values() for level in levels.values()}
    everything = {address: sorted(found.units.tolist()) for address, found in subject.surveys.items()}
    if held == {FINEST} and all(choice.units(address) == units for address, units in everything.items()):
        return [f"All signals of all units are here, {_rounded(subject, choice, everything)}."]
    said = []
    if choice.whole:
        names = ", ".join(_named(subject, unit) for unit in choice.whole[:_LISTED])
        names += ", ..." if len(choice.whole) > _LISTED else ""
        many = counted(len(choice.whole), "unit")
        said.append(f"In most detail: {many} with all signals, {_rounded(subject, choice, _whole(choice))} ({names}).")
    for kind, gate in (("States", False), ("Gates", True)):
        addresses = [address for address, found in subject.surveys.items() if found.gate == gate]
        if addresses:
            said.append(f"{kind}: {_held(subject, choice, addresses)}.")
    return said


ROUNDED = (
    "A unit's reach is the distance from zero within which 99 % of its values lie. A unit is on where it is beyond the "
    f"threshold, ±{THRESHOLD} (a cell state: where its tanh is); rounding changes nothing about that. Costs and "
    "probabilities are exact to 0.2 %."
)
"""What the sentences above mean."""


def _named(subject: Subject, unit: Unit) -> str:
    """The address of a unit in a signal of its layer: the cell state, else the first that is no gate."""
    node, number = unit
    signals = sorted(
        (address for address in subject.surveys if address.node == node),
        key=lambda address: (subject.surveys[address].gate, address.signal != "c"),
    )
    return str(signals[0].of(number))


def _whole(choice: Choice) -> dict[Address, list[int]]:
    """The units that have all their signals."""
    return {
        address: [unit for node, unit in choice.whole if node == address.node and unit in levels]
        for address, levels in choice.levels.items()
    }


def _held(subject: Subject, choice: Choice, addresses: Sequence[Address]) -> str:
    """How many units of some signals there are, and how exact."""
    counts: dict[str, list[Address]] = {}
    for address in addresses:
        held, whole = len(choice.units(address)), len(subject.surveys[address].units)
        many = f"all {whole:,}" if held == whole else f"{held:,} of {whole:,}"
        counts.setdefault(f"{many} units", []).append(address)
    parts = []
    for many, alike in counts.items():
        units = {address: choice.units(address) for address in alike}
        exact = f", {_rounded(subject, choice, units)}" if any(units.values()) else ""
        parts.append(f"{', '.join(map(str, alike))}: {many}{exact}")
    return "; ".join(parts)


def _rounded(subject: Subject, choice: Choice, units: Mapping[Address, Sequence[int]]) -> str:
    """The largest rounding error of some units, as a share of what each reaches."""
    errors = [0.0]
    for address, chosen in units.items():
        found, levels = subject.surveys[address], np.array([choice.levels[address][unit] for unit in chosen], int)
        places = found.places(chosen)
        errors.append(float((found.steps(levels, places) / found.reach[places] / 2).max(initial=0.0)))
    most = 100 * max(errors)
    return f"rounded by up to {most:.1f} % of a unit's reach, {2 * most:.1f} % close to the threshold"

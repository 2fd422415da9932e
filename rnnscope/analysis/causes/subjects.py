"""What an experiment on a language model is made with: the network, its units, a concept, documents. Checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from rnnscope.arguments import check_one_of
from rnnscope.cells import CELLS
from rnnscope.concept import Concept
from rnnscope.errors import AddressError, ConceptError
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address, Units, listed
from rnnscope.recording.directions import directions_of
from rnnscope.recording.kernels import Place
from rnnscope.recording.layers import find_unit, recurrent_layers
from rnnscope.recording.unroll import Where
from rnnscope.text import Document

Replacement = Literal["mean", "zero", "resample"]
"""What takes the place of a unit."""

_REPLACEMENTS = {
    "mean": "{whose} mean over {text} at every step",
    "zero": "zero at every step",
    "resample": "{whose} value at a random place of {text}, another at every step",
}


def named_units(model: CharLanguageModel, units: Units) -> list[Address]:
    """The addresses of the units that are named, each once.

    Raises
    ------
    AddressError
        If one does not exist, or is a whole signal, or there is none.
    """
    layers = recurrent_layers(model)
    found = list(dict.fromkeys(find_unit(layers, unit) for unit in listed(units)))
    if not found:
        raise AddressError("No unit is named. A unit is such as l0.c.37.")
    return found


def changed_signal(model: CharLanguageModel, unit: Address) -> Address:
    """The signal that changes when a unit does: its own; of a direction, that in whose space it lies."""
    directions = directions_of(model.rnn).get(Place(unit.layer, unit.reverse), {}).get(unit.signal)
    return unit.whole if directions is None else Address.parse(directions.signal)


def signal_words(model: CharLanguageModel, unit: Address, on: Where = "both") -> str:
    """What is changed when a unit is, in words."""
    changed = changed_signal(model, unit)
    if changed != unit.whole:
        return f"the coordinate along {unit.signal} of {signal_words(model, changed, on)}"
    signal = next(signal for signal in CELLS[model.config.cell].signals if signal.name == unit.signal)
    if unit.signal != "h":
        before = "before h is made from it" if unit.signal == "c" else "before it is used"
        return f"the {signal.meaning} {signal.name} itself, {before}"
    top = unit.layer == model.config.layers - 1
    above, back = "the head" if top else f"layer {unit.layer + 1}", "its own layer at the next step"
    readers = {"both": f"both by {back} and by {above}", "above": f"by {above} alone", "recurrence": f"by {back} alone"}
    return f"the {signal.meaning} h as it is read {readers[on]}"


def check_replacement(replaced_by: str) -> None:
    """Refuse what cannot take the place of a unit.

    Raises
    ------
    ArgumentError
    """
    check_one_of(replaced_by, "replaced_by", tuple(_REPLACEMENTS))


def ablation_words(
    model: CharLanguageModel,
    units: Sequence[Address],
    replaced_by: Replacement,
    on: Where = "both",
    text: str = "this text",
) -> str:
    """Which ablation, named exactly."""
    changed = "; ".join(dict.fromkeys(signal_words(model, unit, on) for unit in units))
    new = _REPLACEMENTS[replaced_by].format(whose="its" if len(units) == 1 else "their", text=text)
    return f"{changed}, replaced by {new}"


def check_flag(concept: object) -> Concept:
    """The concept, if it says yes or no.

    Raises
    ------
    ConceptError
    """
    if not isinstance(concept, Concept):
        raise ConceptError(f"A concept was expected (rnnscope.Concept); got {type(concept).__name__}.")
    if concept.kind != "flag":
        raise ConceptError(
            f"{concept.name} is a concept of kind {concept.kind}; one that holds or does not (kind flag) was expected."
        )
    return concept


def label_documents(concept: Concept, documents: Sequence[Document]) -> list[np.ndarray]:
    """The labels of each document, of shape (time,)."""
    starts = np.cumsum([0, *(len(document.text) for document in documents)])
    return [concept(document.text, int(start)) for document, start in zip(documents, starts, strict=False)]

"""All measures of a network, with what was measured before kept in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnnscope.card import fingerprint
from rnnscope.errors import RnnscopeError
from rnnscope.output import atomic_path

from .measures import MEASURES, Figures, Subject

FILE = "measures.json"


@dataclass(frozen=True)
class Measured:
    """What is known of a network.

    Attributes
    ----------
    figures : mapping of column to float
    reasons : mapping of measure to str
        Why there is no figure, of the measures that apply and could not be taken.
    """

    figures: Figures
    reasons: Mapping[str, str]


def measure(subject: Subject, names: Sequence[str], folder: Path | None = None) -> Measured:
    """Take measures of a network.

    Parameters
    ----------
    subject : Subject
    names : sequence of str
        Out of `MEASURES`.
    folder : Path, optional
        Where figures are kept, and found again if they were made with the same weights, text, concepts and seed.
    """
    kept = _read(folder) if folder else {}
    figures, reasons, weights = {}, {}, fingerprint(subject.model)
    for name in names:
        if not MEASURES[name].applies(subject):
            continue
        made_with = _made_with(subject, name, weights)
        if kept.get(name, {}).get("made_with") != made_with:
            kept[name] = {"made_with": made_with, **_take(subject, name)}
            if folder:
                _write(folder, kept)
        figures |= kept[name]["figures"]
        if kept[name]["reason"]:
            reasons[name] = kept[name]["reason"]
    return Measured(figures, reasons)


def _take(subject: Subject, name: str) -> dict[str, Any]:
    try:
        return {"figures": MEASURES[name].figures(subject), "reason": ""}
    except RnnscopeError as error:
        return {"figures": {}, "reason": str(error)}


def _made_with(subject: Subject, name: str, weights: str) -> dict[str, Any]:
    """All that a figure depends on."""
    made_with: dict[str, Any] = {
        "weights": weights,
        "seed": subject.seed,
        "device": subject.model.device.type,
        "rnnscope": version("rnnscope"),
    }
    if MEASURES[name].reads:
        texts = [hashlib.sha256(document.text.encode("utf-8", "surrogatepass")) for document in subject.documents]
        made_with["text"] = [text.hexdigest() for text in texts]
    if name == "best_units":
        labels = ((c.name, c(document.text).tobytes()) for c in subject.concepts for document in subject.documents)
        made_with["concepts"] = [[name, hashlib.sha256(label).hexdigest()] for name, label in labels]
    return made_with


def _read(folder: Path) -> dict[str, Any]:
    """What was kept; nothing if there is no file, or one that this did not write."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return {name: entry for name, entry in kept.items() if {"made_with", "figures", "reason"} <= entry.keys()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(folder: Path, kept: Mapping[str, Any]) -> None:
    with atomic_path(folder / FILE) as partial:
        partial.write_text(json.dumps(kept, indent=1), encoding="utf-8")

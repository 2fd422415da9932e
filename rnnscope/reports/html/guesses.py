"""The text of a trace for the page: its characters, what each cost, and what the network expected after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnscope.text import Vocabulary, visible
from rnnscope.tracing.trace import Trace

from .blocks import Blocks
from .stretches import Stretch

_BITS = 9
"""Bits that are kept of a cost and of a probability: to within 0.2 %."""

_AFTER = {"classifier", "tagger", "memory-task"}
"""Tasks whose guesses at a step were made after reading it; those of others are of what stands there."""

_MOST = np.iinfo(np.int16).max

_PAIR = re.compile("[\ud800-\udbff](?=[\udc00-\udfff])")
"""Half of a character before its other half, which a browser would take for one character."""


def text_entry(trace: Trace, stretches: Sequence[Stretch]) -> dict[str, Any]:
    """The entry "text" of the page."""
    text, answers = _PAIR.sub(Vocabulary.UNKNOWN, trace.text), trace.answers
    shown = {character: visible(character) for character in sorted(set(text))}
    documents = [
        {"name": name, "start": len(text), "stop": 0, "answer": answers[number] if answers else None}
        for number, name in enumerate(trace.documents)
    ]
    for stretch in stretches:
        document = documents[stretch.document]
        document["start"], document["stop"] = min(document["start"], stretch.start), stretch.stop
    return {
        "characters": text,
        "shown": {character: seen for character, seen in shown.items() if seen != character and character != " "},
        "documents": documents,
        "stretches": [{"start": s.start, "stop": s.stop, "document": s.document} for s in stretches],
    }


def guess_entries(
    trace: Trace, stretches: Sequence[Stretch], blocks: Blocks, prefix: str, ranks: int
) -> dict[str, Any]:
    """The entries "outcomes", "guess" and "nll" of a model.

    Parameters
    ----------
    trace : Trace
    stretches : sequence of Stretch
    blocks : Blocks
        Where the data goes.
    prefix : str
        What the names of the blocks begin with.
    ranks : int
        Guesses kept of each step, at most.
    """
    root, task = trace.tree.dataset, trace.tree.attrs.get("task")
    ahead = int(task not in _AFTER)
    document, costs = root["document"].values, _shortened(root["nll"].values)
    nll = [
        blocks.add(f"{prefix}-nll-{number}", costs[s.start : s.stop].tobytes()) for number, s in enumerate(stretches)
    ]
    values = "prediction" in root
    guess: dict[str, Any] = {"what": "value" if values else _what(task), "ranks": 0, "blocks": {}}
    if values:
        columns = {"values": ("value", 0, _floats), "predictions": ("prediction", ahead, _floats)}
    else:
        guess["ranks"] = min(ranks, root.sizes["rank"])
        columns = {"places": ("guess", ahead, _places), "probabilities": ("guess_probability", ahead, _odds)}
    for name, (column, later, written) in columns.items():
        told = root[column].values if values else root[column][:, : guess["ranks"]].values
        guess["blocks"][name] = [
            blocks.add(f"{prefix}-{name}-{number}", written(_after(told, document, s, later)).tobytes())
            for number, s in enumerate(stretches)
        ]
    return {"outcomes": _outcomes(trace), "guess": guess, "nll": nll}


def _what(task: str | None) -> str:
    return "label" if task in ("classifier", "tagger") else "next character"


def _outcomes(trace: Trace) -> list[str]:
    """What may be guessed; the numbers of tokens where nobody knows their characters."""
    if trace.outcomes:
        return list(trace.outcomes)
    guesses = trace.tree.dataset["guess"].values
    return [str(token) for token in range(int(guesses.max(initial=-1)) + 1)]


def _after(column: np.ndarray, document: np.ndarray, stretch: Stretch, ahead: int) -> np.ndarray:
    """A column of a trace so many steps after each of a stretch, float64; NaN beyond the end of the document."""
    there = slice(stretch.start + ahead, stretch.stop + ahead)
    found = column[there][document[there] == stretch.document]
    rows = np.full((len(stretch), *column.shape[1:]), np.nan)
    rows[: len(found)] = found
    return rows


def _floats(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype("<f4")


def _places(places: np.ndarray) -> np.ndarray:
    told = (places >= 0) & (places <= _MOST)
    return np.where(told, places, -1).astype("<i2")


def _odds(odds: np.ndarray) -> np.ndarray:
    whole = _shortened(np.rint(np.nan_to_num(odds) * 65535))
    return np.clip(whole, 0, 65535).astype("<u2")


def _shortened(numbers: np.ndarray) -> np.ndarray:
    """Numbers of which fewer bits are told, float32; they take less room when compressed."""
    mantissa, exponent = np.frexp(numbers.astype(np.float32))
    return np.ldexp(np.rint(mantissa * 2**_BITS) / 2**_BITS, exponent).astype("<f4")

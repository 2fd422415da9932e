"""Labels as a row of marks, one a character, to be compared by eye with the text above them."""

from __future__ import annotations

from rnnscope.probes.concepts import named

_MARKS = "0123456789abcdefghijklmnopqrstuvwxyz"


def marks(concept: str, text: str) -> str:
    """A dot where the concept does not apply; letters stand for 10, 11 and so on."""
    (found,) = named(concept)
    return "".join("." if label != label else _MARKS[int(label)] for label in found(text))

"""Examples into training, validation and test parts, the same way for everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TypeVar

from rnnscope.errors import ArgumentError

PARTS = ("train", "validation", "test")

SCORED = PARTS[1:]
"""Those that tell how good a network is."""

Example = TypeVar("Example")


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuse what is not three shares, of train, validation and test, that add up to 1.

    Raises
    ------
    ArgumentError
    """
    shares = list(fractions) if isinstance(fractions, Iterable) else []
    numbers = len(shares) == len(PARTS) and all(isinstance(share, Real) for share in shares)
    if not numbers or min(shares) < 0 or not abs(sum(shares) - 1) <= 1e-9:
        raise ArgumentError(f"A split is three shares that add up to 1, such as (0.8, 0.1, 0.1); got {fractions}.")


def split_by_key(
    examples: Iterable[Example], keys: Iterable[str], fractions: Sequence[float]
) -> dict[str, list[Example]]:
    """The examples of each part, in their order; those of one key are in one part.

    The part follows from the sha256 of the key alone, so an example stays in its part when others are
    added. The shares hold for many keys; of few, a part may get none.

    Parameters
    ----------
    examples : iterable
    keys : iterable of str
        One an example.
    fractions : three floats
        Shares of train, validation and test; they add up to 1.

    Raises
    ------
    ArgumentError
        If the fractions are no split.
    """
    check_fractions(fractions)
    parts: dict[str, list[Example]] = {part: [] for part in PARTS}
    for example, key in zip(examples, keys, strict=True):
        place = _place(key)
        parts[PARTS[(place >= fractions[0]) + (place >= fractions[0] + fractions[1])]].append(example)
    return parts


def _place(key: str) -> float:
    """A number from 0 to 1 that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64

"""What all data has in common: a name, where it comes from, and how a recipe or a user asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from rnnscope.errors import TextError

from .files import FILES


@dataclass(frozen=True, kw_only=True)
class Data:
    """Data with a name, and where it comes from.

    Attributes
    ----------
    name, source, licence : str
        For the card of a network that is trained on it.
    remarks : tuple of str
        What was left out, or read otherwise than a user may expect.
    """

    name: str
    source: str = ""
    licence: str = "unknown"
    remarks: tuple[str, ...] = ()

    def known_as(self, name: str, file: str) -> Self:
        """The same under the name that recipes give it, with what is known of its file."""
        return replace(self, name=name, source=FILES[file].source, licence=FILES[file].licence)


def check_choice(name: str, path: str | Path, known: Iterable[str], what: str) -> None:
    """Refuse anything but the name of known data, or the path of the user's own.

    Raises
    ------
    TextError
    """
    if bool(name) == bool(str(path)):
        raise TextError(f"Give {what} by name ({', '.join(known)}) or by the path of yours, one of the two.")
    if name and name not in known:
        raise TextError(f"There are no {what} {name!r}. Known: {', '.join(known)}. For yours give path.")

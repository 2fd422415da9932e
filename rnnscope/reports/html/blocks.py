"""Blocks: the data of a page, each compressed and written in the characters of base64."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_GZIP = 31  # zlib's number for a window of 32 kB with gzip's header


class Blocks:
    """The data of a page by name, as they stand in the file.

    ``blocks.add("text", data)`` gives the name back. In the file a block is a script element that runs nothing, with
    base64 of gzip of the bytes.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> str:
        """Take in a block, and give its name back."""
        return self._take(name, _deflated(data, 9, 8, zlib.Z_DEFAULT_STRATEGY))

    def add_codes(self, name: str, codes: np.ndarray) -> str:
        """Take in the codes of units, of shape (unit, time)."""
        return self._take(name, packed_codes(codes))

    def _take(self, name: str, packed: bytes) -> str:
        self._texts[name] = base64.b64encode(packed).decode()
        return name

    def add_json(self, name: str, value: Any) -> str:
        """Take in what JSON can hold; all but ASCII is escaped, so that lone surrogates survive."""
        return self.add(name, json.dumps(value, separators=(",", ":"), allow_nan=False).encode())

    def __or__(self, other: Blocks) -> Blocks:
        """The blocks of both."""
        both = Blocks()
        both._texts = self._texts | other._texts
        return both

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return sum(map(len, self.elements()))

    def elements(self) -> Iterator[str]:
        """The script elements, one a block."""
        for name, text in self._texts.items():
            yield f'<script type="text/plain" id="block-{name}">{text}</script>\n'


def packed_codes(codes: np.ndarray) -> bytes:
    """Codes as gzip, without a search for what comes again.

    Neighbours in time are alike, not the same, and each unit has its own distribution: what tells is how frequent each
    code is among some thousand, and for how long it stays.
    """
    data = codes.tobytes()
    return min((_deflated(data, 6, 6, strategy) for strategy in (zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)), key=len)


def _deflated(data: bytes, level: int, memory: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP, memory, strategy)
    return packer.compress(data) + packer.flush()

"""Reading a page as a browser does: its blocks, and the values of units that they hold."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnscope.reports.html.quantising import NOTHING


@dataclass(eq=False)
class Decoded:
    """A page by its blocks."""

    html: str
    blocks: dict[str, str]
    page: dict[str, Any]

    def bytes(self, name: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.blocks[name]))

    def json(self, name: str) -> Any:
        return json.loads(self.bytes(name))

    def numbers(self, names: list[str], kind: str, *shape: int) -> np.ndarray:
        """Blocks of numbers, one after another in time, of shape (time, ...)."""
        return np.concatenate([np.frombuffer(self.bytes(name), kind).reshape(-1, *shape) for name in names])

    def signal(self, address: str, model: int = 0) -> dict[str, Any]:
        return next(each for each in self.page["models"][model]["signals"] if each["address"] == address)

    def values(self, address: str, model: int = 0) -> np.ndarray:
        """A signal of shape (time, unit), over all stretches."""
        signal = self.signal(address, model)
        steps = np.array(signal["steps"])
        codes = [np.frombuffer(self.bytes(name), np.int8).reshape(len(steps), -1) for name in signal["blocks"]]
        return np.concatenate([restored(each, steps) for each in codes])


def decoded(html: str | Path) -> Decoded:
    text = html.read_text("utf-8") if isinstance(html, Path) else html
    found = re.findall(r'<script type="text/plain" id="block-([^"]+)">([A-Za-z0-9+/=]*)</script>', text)
    blocks = dict(found)
    assert len(blocks) == len(found)
    return Decoded(text, blocks, json.loads(gzip.decompress(base64.b64decode(blocks["page"]))))


def restored(codes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The values that codes of shape (unit, time) stand for, float64 of shape (time, unit), as the page makes them."""
    return np.where(codes == NOTHING, np.nan, codes * steps[:, None]).T

"""The colour tables of a page, for a light and for a dark screen."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap

from rnnscope.style import SIGNALS

DARK = LinearSegmentedColormap.from_list(
    "PuOr_dark", ["#d8c9f5", "#a48ad9", "#6b4fa3", "#3d3159", "#1d1d20", "#5c3a12", "#a5620f", "#e8973a", "#ffd9a3"]
)
"""As `rnnscope.style.SIGNALS`, with a dark middle: the further from it, the brighter."""


def colour_tables() -> dict[str, list[list[int]]]:
    """The entry "colours": 256 colours from low to high for each scheme."""
    return {"light": _table(SIGNALS), "dark": _table(DARK)}


def _table(colours: Colormap) -> list[list[int]]:
    return np.asarray(colours(np.linspace(0, 1, 256), bytes=True))[:, :3].tolist()

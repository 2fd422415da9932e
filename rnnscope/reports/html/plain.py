"""Numbers and words as JSON holds them, with as many digits as a page shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

_DIGITS = 4


def plain(value: Any) -> Any:
    """A value of Python's own type; None for NaN and for no value, "inf" and "-inf" for what is infinite."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    return value if isinstance(value, bool | int | str) else str(value)


def plain_rows(table: pd.DataFrame) -> list[list[Any]]:
    """The rows of a table."""
    columns = [map(plain, table.iloc[:, place].astype(object)) for place in range(table.shape[1])]
    return [list(row) for row in zip(*columns, strict=True)]

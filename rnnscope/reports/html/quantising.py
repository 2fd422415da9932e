"""Values of units as whole numbers of a byte each: a code times the unit's step is the value, to within a step."""

from __future__ import annotations

import numpy as np

FINEST = 127
"""The highest code."""

NOTHING = -128
"""The code of a step at which a unit has no value."""

_DIGITS = 4
"""Significant digits of a step, so that it takes little room where it is written down."""


def step_sizes(reach: np.ndarray, highest: np.ndarray, levels: np.ndarray | int) -> np.ndarray:
    """The size of a quantisation step for each unit, float64 of shape (unit,).

    Parameters
    ----------
    reach : array of shape (unit,)
        The distance from zero that 99 % of a unit's values keep within.
    highest : array of shape (unit,)
        The greatest distance from zero.
    levels : int, or array of shape (unit,)
        Steps from zero to the reach, from 1 to 127. Where values go far beyond the reach a step is larger, so that
        127 of them reach the highest.
    """
    size = np.maximum(np.asarray(reach, np.float64) / levels, np.asarray(highest, np.float64) / FINEST)
    return rounded_up(np.where(size > 0, size, 1.0))


def rounded_up(numbers: np.ndarray) -> np.ndarray:
    """Positive numbers at four significant digits, never less than they are."""
    places = _DIGITS - 1 - np.floor(np.log10(numbers))
    whole = np.ceil(numbers * 10.0**places)
    return np.array([float(f"{mantissa:.0f}e{-place:.0f}") for mantissa, place in zip(whole, places, strict=True)])


def quantise(values: np.ndarray, steps: np.ndarray, level: float) -> np.ndarray:
    """The codes of values, int8 of shape (unit, time); -128 where a value is not a finite number.

    A value is above the level, or below its negative, exactly where its code times its step is.

    Parameters
    ----------
    values : float32 array of shape (time, unit)
    steps : float64 array of shape (unit,), of `step_sizes`
    level : float
        What `rnnscope.match` compares with, in the scale of the values.
    """
    exact = values.T.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        codes = np.rint(exact / steps[:, None])
        for way in (1, -1):
            true, shown = way * values.T > level, way * codes * steps[:, None] > level
            codes += way * (true.astype(np.int8) - shown)
    return np.where(np.isfinite(exact), np.clip(codes, -FINEST, FINEST), NOTHING).astype(np.int8)

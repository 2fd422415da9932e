"""One unit over a trace or a part of it, or all units of a signal, read in slices, with the text beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from rnnscope.errors import AddressError, TextError
from rnnscope.recording.address import Address
from rnnscope.text import codepoints, spelled

_SLICE = 16_384
_VALUES = 2**19
"""Values of a block of units: what a cache of some megabytes holds."""


def check_dims(series: object, dims: tuple[str, ...], expected: str) -> None:
    """Refuse what is no series of these dims, saying what was expected.

    Raises
    ------
    AddressError
    """
    if not isinstance(series, xr.DataArray):
        raise AddressError(f"{expected}; got {type(series).__name__}.")
    if series.dims != dims:
        raise AddressError(f"{expected}; got dims {series.dims}.")


def as_seen(address: Address, values: np.ndarray) -> np.ndarray:
    """Values of a unit or signal as the network sees them: a cell state through tanh."""
    return np.tanh(values) if address.signal == "c" else values


def text_of(series: xr.DataArray) -> str | None:
    """The character of each step, as a trace gives them with a series; None of a series that has none."""
    return spelled(series["codepoint"].values) if "codepoint" in series.coords else None


@dataclass(frozen=True, eq=False)
class UnitSeries:
    """What one unit does, or what the units of a signal do, and the text they do it on.

    It takes a few bytes a step and unit.

    Attributes
    ----------
    address : Address
        Of the unit, or of the signal.
    values : float32 array of shape (time,), or (time, unit)
        NaN where the layer does not step.
    document : int array of shape (time,)
    text : str of as many characters
    """

    address: Address
    values: np.ndarray
    document: np.ndarray
    text: str

    @classmethod
    def read(cls, series: xr.DataArray) -> UnitSeries:
        """A unit of a trace, such as ``trace["l0.c.37"]``, or some steps of it.

        Raises
        ------
        AddressError
            If the series is not that of one unit.
        TextError
            If the series does not say what was read, or has no value at all.
        """
        check_dims(series, ("time",), "One unit was expected, a series of dims (time,) such as trace['l0.c.37']")
        return cls._read(series)

    @classmethod
    def read_signal(cls, series: xr.DataArray) -> UnitSeries:
        """All units of a signal, such as ``trace["l0.c"]``, or some steps of it. Raises as `read` does."""
        check_dims(series, ("time", "unit"), "All units of a signal were expected, such as trace['l0.c']")
        return cls._read(series)

    @classmethod
    def _read(cls, series: xr.DataArray) -> UnitSeries:
        text = text_of(series)
        if text is None:
            raise TextError(
                f"{series.name} does not say what was read: a series of a trace was expected, such as "
                "trace['l0.c.37'], whose coordinate codepoint has the character of each step."
            )
        values = np.empty(series.shape, dtype=np.float32)
        for start in range(0, len(series), _SLICE):
            values[start : start + _SLICE] = series[start : start + _SLICE].values
        if np.isnan(values).all():
            raise TextError(f"{series.name} has no value in these {len(series):,} steps; take a longer text.")
        has_documents = "document" in series.coords
        document = series["document"].values if has_documents else np.zeros(len(values), dtype=int)
        return cls(Address.parse(str(series.name)), values, document, text)

    def as_read(self) -> UnitSeries:
        """The series in the order in which its layer reads: of a reverse one, from the last step to the first."""
        if not self.address.reverse:
            return self
        return replace(self, values=self.values[::-1], document=self.document[::-1], text=self.text[::-1])

    def blocks(self) -> Iterator[np.ndarray]:
        """The values at the steps that the layer takes, float64 of shape (time, unit), some units at a time."""
        values = self.values.reshape(len(self.values), -1)
        width = max(1, _VALUES // len(values))
        for first in range(0, values.shape[1], width):
            yield values[self.steps, first : first + width].astype(np.float64)

    @cached_property
    def steps(self) -> np.ndarray:
        """The steps that the layer takes."""
        values = self.values.reshape(len(self.values), -1)
        return np.flatnonzero(~np.isnan(values).all(axis=1))

    @cached_property
    def taken(self) -> np.ndarray:
        """The values at these steps, float64."""
        return self.values[self.steps].astype(np.float64)

    @cached_property
    def seen(self) -> np.ndarray:
        """These values as the network sees them."""
        return as_seen(self.address, self.taken)

    @cached_property
    def codes(self) -> np.ndarray:
        """Code points of the text, of shape (time,)."""
        return codepoints(self.text)

    @cached_property
    def starts(self) -> np.ndarray:
        """The first step of each document."""
        return np.flatnonzero(np.diff(self.document, prepend=self.document[0] - 1))

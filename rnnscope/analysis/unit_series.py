"""One unit over all of a trace, read in slices, with the text beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from rnnscope.errors import AddressError, TextError
from rnnscope.recording.address import Address
from rnnscope.text import codepoints

_SLICE = 16_384


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


@dataclass(frozen=True, eq=False)
class UnitSeries:
    """What one unit does, and the text it does it on.

    It takes a few bytes a step; the other units of the signal are never held together.

    Attributes
    ----------
    address : Address
    values : float32 array of shape (time,)
        NaN where the layer does not step.
    document : int array of shape (time,)
    text : str of as many characters
    """

    address: Address
    values: np.ndarray
    document: np.ndarray
    text: str

    @classmethod
    def read(cls, series: xr.DataArray, text: str) -> UnitSeries:
        """A unit of a trace, such as ``trace["l0.c.37"]``, and the text of the trace.

        Raises
        ------
        AddressError
            If the series is not that of one unit.
        TextError
            If the text has not one character a step, or the unit has no value at all.
        """
        check_dims(series, ("time",), "One unit was expected, a series of dims (time,) such as trace['l0.c.37']")
        if len(text) != len(series):
            raise TextError(f"A text of one character a step was expected, {len(series):,} here; got {len(text):,}.")
        values = np.empty(len(series), dtype=np.float32)
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

    @cached_property
    def steps(self) -> np.ndarray:
        """The steps that the layer takes."""
        return np.flatnonzero(~np.isnan(self.values))

    @cached_property
    def taken(self) -> np.ndarray:
        """The values at these steps, float64."""
        return self.values[self.steps].astype(np.float64)

    @cached_property
    def seen(self) -> np.ndarray:
        """These values as the network sees them: a cell state through tanh."""
        return np.tanh(self.taken) if self.address.signal == "c" else self.taken

    @cached_property
    def codes(self) -> np.ndarray:
        """Code points of the text, of shape (time,)."""
        return codepoints(self.text)

    @cached_property
    def starts(self) -> np.ndarray:
        """The first step of each document."""
        return np.flatnonzero(np.diff(self.document, prepend=self.document[0] - 1))

"""A forecaster: a document is a series, its text a bar for each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnscope.errors import TextError
from rnnscope.models.forecaster import Forecaster, changes_of
from rnnscope.tracing.documents import as_numbers, holds_texts, numbered, parts

from .reader import Clock, Page, Reader, Stretch, no_guesses, room
from .tables import Series, corpus_of, open_series

BARS = "▁▂▃▄▅▆▇█"


class ForecasterReader(Reader):
    """Reads CSV files, and arrays of shape (time,).

    The root has more: the ``value`` at each step, the ``prediction`` of it from all values before, and the
    ``date``, if all series have dates. The cost is that of the standardised change, by its density.
    """

    characters = outcomes = ()
    whole = False

    def __init__(self, model: Forecaster) -> None:
        self._model = model
        self._room = room(model.config.hidden_size)

    def pages(self, given: Any) -> list[Page]:
        if holds_texts(given):
            series = [open_series(part, corpus_of(self._model)) for part in parts(given)]
            names = [part.name for part in parts(given)]
        else:
            series = [_from_array(part) for part in _apart(given)]
            names = numbered(len(series), "series")
        dated = all(dates is not None for _, dates in series)
        return [
            Page(name, bars(values), self._columns(values) | ({"date": dates} if dated else {}))
            for name, (values, dates) in zip(names, series, strict=True)
        ]

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for page in pages:
            inputs, state = self._model.inputs(page.content["value"]), None
            for start in range(0, len(inputs), self._room):
                now = slice(start, start + self._room)
                *_, state = self._model(inputs[now], state)
                columns = {name: column[now] for name, column in page.content.items()}
                steps = len(columns["value"])
                columns |= {"token": np.full(steps, -1), **no_guesses(steps)}
                yield Stretch(columns, {"": Clock.of([steps])}, np.ones(steps, bool))

    def _columns(self, values: np.ndarray) -> dict[str, np.ndarray]:
        mean, deviation = (part[:-1] for part in self._model.predict_changes(values))
        off = (changes_of(values, self._model.config.logarithmic) - mean) / deviation
        nats = 0.5 * (np.log(2 * np.pi) + off**2) + np.log(deviation / float(self._model.change_deviation))
        prediction = self._model.forecast(values)[:-1]
        return {
            "value": values,
            "prediction": np.append(np.nan, prediction),
            "nll": np.append(np.nan, nats).astype("float32"),
        }


def bars(values: np.ndarray) -> str:
    """A bar a value, by its rank: of any series an eighth has each of the eight bars, ties apart."""
    ranks = np.searchsorted(np.sort(values), values)
    return "".join(BARS[place] for place in ranks * len(BARS) // max(1, len(values)))


def _apart(what: Any) -> list[Any]:
    """One series, or several in a list."""
    several = isinstance(what, list | tuple) and len(what) > 0 and not np.isscalar(what[0])
    return list(what) if several else [what]


def _from_array(part: Any) -> Series:
    dates = part.index if isinstance(part, pd.Series) and isinstance(part.index, pd.DatetimeIndex) else None
    values = as_numbers(part, "float64")
    if values.ndim != 1 or not len(values):
        raise TextError(f"A series has at least one number and the shape (time,); got shape {values.shape}.")
    return values, None if dates is None else dates.to_numpy().astype("datetime64[s]")

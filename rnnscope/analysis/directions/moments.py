"""Mean and covariance of a signal, in one pass; nothing is kept that grows with the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from rnnscope.analysis.language_models import LIMIT
from rnnscope.arguments import whole
from rnnscope.errors import AddressError, RecordingError, TextError
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.layers import addresses_of, memories, recurrent_layers
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.passages import Source, Span, open_source
from rnnscope.tracing.trace import Trace

_CONSTANT = 1e-6
"""Of the largest standard deviation, what a unit has at most that only rounding moves."""


@dataclass(frozen=True, eq=False)
class Moments:
    """How the units of a signal vary together over a text. Made by `rnnscope.signal_moments`.

    Attributes
    ----------
    address : Address
        Of the signal.
    steps : int
    mean : array of shape (unit,)
    covariance : array of shape (unit, unit)
    """

    address: Address
    steps: int
    mean: np.ndarray
    covariance: np.ndarray

    @property
    def std(self) -> np.ndarray:
        """The standard deviation of each unit, of shape (unit,)."""
        return np.sqrt(np.maximum(0.0, self.covariance.diagonal()))

    @property
    def scale(self) -> np.ndarray:
        """What each unit is divided by to be standardised: its standard deviation, 1 of those that do not vary."""
        return np.where(self.std > _CONSTANT * self.std.max(), self.std, 1.0)

    def share(self, vectors: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
        """How much of the variance lies along each of some vectors.

        Parameters
        ----------
        vectors : array of shape (direction, unit)
            Each of length 1.
        scale : array of shape (unit,), optional
            What units are divided by first; the variance is that of what this gives.

        Returns
        -------
        array of shape (direction,), from 0 to 1
        """
        scaled = self.covariance if scale is None else self.covariance / np.outer(scale, scale)
        return np.maximum(0.0, ((vectors @ scaled) * vectors).sum(axis=1)) / np.trace(scaled)


def check_moments(moments: object) -> Moments:
    """The moments, if that is what they are.

    Raises
    ------
    RecordingError
    """
    if not isinstance(moments, Moments):
        raise RecordingError(
            f"The moments of a signal were expected, as rnnscope.signal_moments gives; got {type(moments).__name__}."
        )
    return moments


def top_memory(model: nn.Module | Trace) -> str:
    """The address of the signal that best shows what the top layer keeps: c, or h."""
    if isinstance(model, Trace):
        return str(model.memory)
    if not isinstance(model, nn.Module):
        raise RecordingError(
            f"A network or a trace was expected; got {type(model).__name__}. rnnscope.load opens a file."
        )
    path, layer = list(recurrent_layers(model).items())[-1]
    name = memories(model)[path]
    return str([one for one in addresses_of(layer, path) if one.signal == name and not one.reverse][-1])


def _one_signal(source: Source) -> Address:
    """The signal of a source that has one.

    Raises
    ------
    AddressError
        If it has several, as a name has in a network of several layers.
    """
    first, *others = source.addresses
    if others:
        raise AddressError(f"One signal was expected; name one of {', '.join(map(str, source.addresses))}.")
    return first


def signal_moments(
    model: nn.Module | Trace,
    text: Texts | None = None,
    signal: str | Address | None = None,
    *,
    limit: int = LIMIT,
    characters: Sequence[str] | None = None,
) -> Moments:
    """Mean and covariance of the units of a signal over a text, in one pass.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.trace`.
    text : str, Document, Path, File, or a sequence of these
        None for a trace.
    signal : str or Address, optional
        The memory of the top layer if not given: c of an LSTM, else h.
    limit : int
        Steps to read: the first ones of the text.
    characters
        As for `rnnscope.trace`.

    Returns
    -------
    Moments

    Raises
    ------
    AddressError, RecordingError, TextError
        If the signal does not exist, does not vary or has values that are not finite, or the text is too short.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> moments = rnnscope.signal_moments(model, '"You are late," said Anna.', "l0.c")
    >>> moments.steps, moments.covariance.shape
    (26, (256, 256))
    """
    limit = whole(limit, "limit", 2)
    source = open_source(model, text, top_memory(model) if signal is None else signal, characters)
    return moments_of(source, limit)


def moments_of(source: Source, limit: int) -> Moments:
    """The moments of the one signal of a source, over its first steps."""
    with progress_bar() as bar:
        task = bar.add_task("how units vary", total=min(limit, len(source)))
        return _gathered(source, source.spans(limit), lambda steps: bar.advance(task, steps))


def _gathered(source: Source, spans: Sequence[Span], advance: Callable[[int], None]) -> Moments:
    """The moments over some spans.

    Raises
    ------
    RecordingError
        If it has values that are not finite, or does not vary at all.
    TextError
        If it takes fewer than two steps.
    """
    address = _one_signal(source)
    steps, total, products, origin = 0, np.zeros(1), np.zeros((1, 1)), None
    for passage in source.passages(spans):
        values = passage.signals[address].double().numpy()
        origin = values.mean(axis=0) if origin is None else origin
        values = values - origin
        steps, total, products = steps + len(values), total + values.sum(axis=0), products + values.T @ values
        advance(len(values))
    if steps < 2 or origin is None:
        raise TextError(f"Directions are made from at least two steps; {address} takes {steps} in this text.")
    shift = total / steps
    covariance = products / steps - np.outer(shift, shift)
    if not np.isfinite(covariance).all():
        raise RecordingError(f"{address} has values that are not finite (NaN or infinite) on this text.")
    if not np.trace(covariance) > 0:
        raise RecordingError(f"{address} is the same at all {steps:,} steps of this text: it has no directions.")
    return Moments(address, steps, origin + shift, covariance)

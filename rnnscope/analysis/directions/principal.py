"""The principal components of a signal: the directions along which it varies most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from rnnscope.analysis.language_models import LIMIT
from rnnscope.arguments import whole
from rnnscope.errors import ArgumentError
from rnnscope.recording.address import Address
from rnnscope.recording.directions import Directions
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.trace import Trace

from .moments import Moments, signal_moments


def principal_components(
    model: nn.Module | Trace,
    text: Texts | None = None,
    signal: str | Address | None = None,
    *,
    components: int | None = None,
    name: str = "pc",
    limit: int = LIMIT,
    characters: Sequence[str] | None = None,
) -> Directions:
    """The principal components of a signal over a text, those that vary most first.

    They are the eigenvectors of the covariance of the units as they are, which is gathered in one pass (Pearson 1901,
    Hotelling 1933). Each has the sign that makes its largest weight positive. ``share`` of what is returned says how
    much of the variance lies along each.

    Parameters
    ----------
    model, text, signal
        As for `rnnscope.signal_moments`.
    components : int, optional
        How many; as many as units if not given.
    name : str
        Of the signal that they become, see `rnnscope.along`.
    limit, characters
        As for `rnnscope.signal_moments`.

    Returns
    -------
    Directions

    Raises
    ------
    AddressError, RecordingError, TextError
        As of `rnnscope.signal_moments`.
    ArgumentError
        If there are fewer units than components.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> components = rnnscope.principal_components(model, text, "l0.c", components=3)
    >>> components
    <Directions l0.pc: 3 in the 256 dimensions of l0.c, 35% of its variance>
    >>> with rnnscope.along(model, components):
    ...     rnnscope.trace(model, "She sat down.")["l0.pc"].shape
    (13, 3)
    """
    moments = signal_moments(model, text, signal, limit=limit, characters=characters)
    return components_of(moments, components, name)


def components_of(moments: Moments, components: int | None = None, name: str = "pc") -> Directions:
    """The principal components of a signal whose covariance is known."""
    units = len(moments.mean)
    count = units if components is None else whole(components, "components", 1)
    if count > units:
        raise ArgumentError(f"{moments.address} has {units} units, so there are as many components; got {components}.")
    vectors = np.linalg.eigh(moments.covariance)[1].T[::-1][:count]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    vectors = vectors * np.sign(largest)
    return Directions(str(moments.address), name, vectors, moments.mean, share=moments.share(vectors))

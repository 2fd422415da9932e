"""What a probe is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.errors import ProbeError
from rnnscope.shown import Shown

from .activations import Activations, take_rows

_CLASSES = 8
"""Classes that are named."""


@dataclass(frozen=True, eq=False, repr=False)
class Examples(Shown):
    """The values of units, and what a probe is to read from them.

    Attributes
    ----------
    values : float array or Activations of shape (example, unit)
    labels : int array of shape (example,)
        Places in ``classes``.
    classes : tuple of str
    units : tuple of str
        The addresses of the columns of ``values``.
    groups : int array of shape (example,)
        What is never divided between training and testing: the document, or a stretch of a long one.
    types : int array of shape (example,)
        What a control task gives one random label each (Hewitt & Liang, 2019), such as the word.
    what : str
        What was read, in words.

    Raises
    ------
    ProbeError
        If these are not of one length, or a label is no place in the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnscope.probes import Examples
    >>> Examples(
    ...     values=np.array([[0.1], [0.9], [0.2], [0.8]]),
    ...     labels=np.array([0, 1, 0, 1]),
    ...     classes=("no", "yes"),
    ...     units=("l0.h.3",),
    ...     groups=np.array([0, 0, 1, 1]),
    ...     types=np.array([0, 1, 0, 1]),
    ...     what="quotes at 4 steps of 2 documents",
    ... )
    quotes at 4 steps of 2 documents
    4 examples of 1 unit in 2 groups: no 2, yes 2.
    """

    values: np.ndarray | Activations
    labels: np.ndarray
    classes: tuple[str, ...]
    units: tuple[str, ...]
    groups: np.ndarray
    types: np.ndarray
    what: str

    def __post_init__(self) -> None:
        if getattr(self.values, "ndim", 0) != 2:
            raise ProbeError(f"Values of shape (example, unit) were expected; got {type(self.values).__name__}.")
        count, units = self.values.shape
        for name, column in (("labels", self.labels), ("groups", self.groups), ("types", self.types)):
            if np.shape(column) != (count,):
                raise ProbeError(f"{count:,} {name} were expected, one an example; got shape {np.shape(column)}.")
        labels = np.asarray(self.labels)
        if labels.dtype.kind not in "iub" or (count and not 0 <= labels.min() <= labels.max() < len(self.classes)):
            raise ProbeError(
                f"Labels are places in the {len(self.classes)} classes, whole numbers from 0; got such as "
                f"{labels[:3].tolist()}, of type {labels.dtype}."
            )
        if len(self.units) != units:
            raise ProbeError(f"{units:,} addresses of units were expected, one a column; got {len(self.units):,}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.what, style="bold")
        counts = np.bincount(self.labels, minlength=len(self.classes))
        named = [f"{name} {count:,}" for name, count in zip(self.classes[:_CLASSES], counts, strict=False)]
        units, groups = len(self.units), len(np.unique(self.groups))
        yield Text(
            f"{len(self):,} examples of {units:,} unit{'s' * (units != 1)} in {groups:,} group{'s' * (groups != 1)}: "
            f"{', '.join(named)}{', ...' if len(self.classes) > _CLASSES else ''}."
        )

    def take(self, rows: slice | np.ndarray) -> Examples:
        """Some of the examples, by a slice or an array of places; values on a disk are not yet read."""
        columns = {name: getattr(self, name)[rows] for name in ("labels", "groups", "types")}
        return replace(self, values=take_rows(self.values, rows), **columns)

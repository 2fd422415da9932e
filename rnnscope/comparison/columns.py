"""What the columns of a comparison are called on a page, and how their figures are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

RUN_COLUMNS = ("experiment", "name", "cell", "seed", "learning_rate", "folder")
"""What a row of the runs says of the run itself; all other columns are measures."""


SWEEP_COLUMNS = ("experiment", "cell", "learning_rate", "validation_loss", "chosen")


@dataclass(frozen=True)
class Column:
    """A measure on a page.

    Attributes
    ----------
    title : str
        With its unit; ``{}`` is the part of the column's key after a colon.
    digits : int
        After the point.
    short : bool
        Whether thousands and millions are written as k and M.
    """

    title: str
    digits: int = 0
    short: bool = False

    def written(self, value: float, error: float = math.nan) -> str:
        """A figure with its standard error, if there is one."""
        if math.isnan(value):
            return "-"
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        scale, letter = self._unit(value)
        digits = self.digits + 2 * bool(letter)
        number = f"{value / scale:,.{digits}f}{letter}"
        return f"{number} ±{error / scale:,.{digits}f}{letter}" if error > 0 else number

    def _unit(self, value: float) -> tuple[float, str]:
        if not self.short or abs(value) < 1e3:
            return 1, ""
        return (1e3, "k") if abs(value) < 1e6 else (1e6, "M")


_COLUMNS = {
    "parameters": Column("parameters"),
    "bytes": Column("bytes of the weights"),
    "training_speed": Column("trained on (per second)", short=True),
    "reading_speed": Column("read (per second)", short=True),
    "test": Column("test: {}", 4),
    "loss": Column("loss (nats/character)", 4),
    "success_far": Column("success at 4x the length", 3),
    "half_life": Column("half-life, {} (steps)", 1),
    "gradient_slope": Column("gradient, {} (nats/step)", 4),
    "jacobian_slope": Column("Jacobians (nats/step)", 4),
    "effective_context": Column("context (characters)"),
    "gates_left": Column("gates below 0.1", 3),
    "gates_right": Column("gates above 0.9", 3),
    "gates_keep": Column("gate f or z above 0.9", 3),
    "unit": Column("best unit, {}", 3),
}
"""By kind, in the order of a table."""


def column(key: str) -> Column:
    """How the column of a key, such as ``parameters`` or ``unit:quotes``, is written."""
    kind, _, detail = key.partition(":")
    known = _COLUMNS.get(kind, Column(kind, 4))
    return replace(known, title=known.title.format(detail))


def in_order(keys: Iterable[str]) -> list[str]:
    """The columns of runs: what each is, then its measures, those of a kind side by side."""
    kinds = list(_COLUMNS)

    def place(key: str) -> int:
        kind = key.partition(":")[0]
        return kinds.index(kind) if kind in kinds else len(kinds)

    return [*RUN_COLUMNS, *sorted((key for key in keys if key not in RUN_COLUMNS), key=place)]

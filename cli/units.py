"""rnnscope units"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .opening import open_model_or_trace
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File


@options.command()
@options.model_or_trace
@options.concepts
@options.signals
@click.option(
    "--sort",
    default="score",
    show_default=True,
    type=click.Choice(["score", "p", "iou", "concept"]),
    help="The order of the table.",
)
@options.shifts(199)
@options.directions
@options.texts(required=False)
@options.seed
@options.device
@options.table
@options.output("concepts, left_out, steps, units")
def units(
    model: str,
    concepts: list[str],
    signals: list[str] | None,
    sort: str,
    shifts: int,
    directions: tuple[Path, ...],
    texts: list[File],
    seed: int,
    device: str,
    table: Path | None,
    output: Output,
) -> None:
    """Find the units that track what a person can name.

    On the first half of the texts a unit is chosen for each concept, on the second it is scored. Give a MODEL and
    texts, or a TRACE alone. Concepts of prose are searched for unless others are named; `rnnscope concepts` lists them.
    """
    import rnnscope
    from rnnscope.probes.concepts import named

    output.check(table=table)
    found = rnnscope.find_units(
        *open_model_or_trace(model, texts, device, directions),
        named(*concepts or ["prose"]),
        signals=signals,
        shifts=shifts,
        seed=seed,
    ).sorted(sort)
    output.tell(found, json=picked(found, "left_out steps") | {"concepts": found.table, "units": len(found.scores)})
    output.keep(found, table)
    output.plot(found)

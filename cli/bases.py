"""rnnscope bases"""

from __future__ import annotations

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
@options.signal
@options.whole("--rotations", 20, "Random bases.")
@click.option("--raw", is_flag=True, help="Rotate units as they are, not each divided by its standard deviation.")
@options.texts(required=False)
@options.seed
@options.device
@options.output("signal, units, standardised, concepts, rotations, steps, left_out")
def bases(
    model: str,
    concepts: list[str],
    signal: str | None,
    rotations: int,
    raw: bool,
    texts: list[File],
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Ask whether units tell more than random directions.

    The best unit for each concept stands beside the best principal component and the best direction of each random
    rotation of the units. All are chosen on the first half of the texts and scored on the second. Give a MODEL and
    texts, or a TRACE alone. Concepts of prose are taken unless others are named.
    """
    from rnnscope.analysis.directions.bases import compare_bases
    from rnnscope.probes.concepts import named

    output.check()
    found = compare_bases(
        *open_model_or_trace(model, texts, device),
        named(*concepts or ["prose"]),
        signal=signal,
        rotations=rotations,
        standardised=not raw,
        seed=seed,
    )
    json = picked(found, "signal units standardised rotations steps left_out")
    output.show(found, json=json | {"concepts": found.table})

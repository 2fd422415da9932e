"""rnnscope ablate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .opening import one_concept, open_model
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File
    from rnnscope.analysis.causes.subjects import Replacement
    from rnnscope.recording.unroll import Where


@options.command()
@options.model
@options.units("Such as l0.c.37", required=True)
@options.concept
@click.option(
    "--replaced-by",
    default="mean",
    show_default=True,
    type=click.Choice(["mean", "zero", "resample"]),
    help="Its mean over the text, zero, or its value at random places of it.",
)
@click.option(
    "--on",
    default="both",
    show_default=True,
    type=click.Choice(["both", "above", "recurrence"]),
    help="Who reads an h replaced: the layers above, its own layer at the next step, or both.",
)
@options.controls
@options.directions
@options.texts()
@options.limit()
@options.seed
@options.device
@options.output("units, concept, what, text, endings, std, table, controls")
def ablate(
    model: str,
    units: tuple[str, ...],
    concept: str,
    replaced_by: Replacement,
    on: Where,
    controls: int,
    directions: tuple[Path, ...],
    texts: list[File],
    limit: int,
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Prove that a network uses a unit, by taking it away.

    The loss is told inside the concept and outside, and where a stretch of it begins and ends (for quotes: at the
    closing one), beside units that vary as much.
    """
    from rnnscope.analysis.causes.ablation import ablation

    output.check()
    found = ablation(
        open_model(model, device, directions),
        texts,
        units,
        one_concept(concept),
        replaced_by=replaced_by,
        on=on,
        controls=controls,
        seed=seed,
        limit=limit,
    )
    output.show(found, json=picked(found, "units concept what text endings std table controls"))

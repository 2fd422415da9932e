"""rnnscope clamp"""

from __future__ import annotations

from pathlib import Path

import click

from . import options
from .opening import one_concept, open_model
from .output import Output, picked


@options.command()
@options.model
@click.option("--unit", required=True, metavar="ADDRESS", help="Such as l0.c.37.")
@options.concept
@click.option(
    "--values",
    type=options.Numbers(float),
    metavar="NUMBERS",
    help="Such as --values=-2,0,2 [default: seven that the unit takes by itself].",
)
@options.prompt
@options.length(500, "Characters of a text.")
@options.whole("--samples", 16, "Texts for each value.")
@options.temperature
@options.directions
@options.seed
@options.device
@options.output("unit, concept, what, text, table")
def clamp(
    model: str,
    unit: str,
    concept: str,
    values: list[float] | None,
    prompt: str,
    length: int,
    samples: int,
    temperature: float,
    directions: tuple[Path, ...],
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Hold a unit while a language model writes.

    The unit is held at one value after another, and it is told how often a concept holds in what is written. The first
    row is for the unit left free.
    """
    from rnnscope.analysis.causes.clamping import clamp_sweep

    output.check()
    found = clamp_sweep(
        open_model(model, device, directions),
        unit,
        one_concept(concept),
        values,
        prompt=prompt,
        length=length,
        samples=samples,
        temperature=temperature,
        seed=seed,
    )
    output.show(found, json=picked(found, "unit concept what text table"))

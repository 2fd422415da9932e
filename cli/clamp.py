"""rnnscope clamp"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    device_option,
    directions_option,
    draw,
    force_option,
    json_option,
    model_argument,
    one_concept,
    open_model,
    print_json,
    save_option,
    seed_option,
)


def _numbers(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[float] | None:
    try:
        return None if value is None else [float(word) for word in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of numbers such as -2,0,2.") from None


@click.command()
@model_argument
@click.option("--unit", required=True, metavar="ADDRESS", help="Such as l0.c.37.")
@directions_option
@click.option("--concept", required=True, metavar="CONCEPT", help="Such as quotes, or link=regex:https?://\\S+")
@click.option(
    "--values",
    callback=_numbers,
    metavar="NUMBERS",
    help="Such as --values=-2,0,2 [default: seven that the unit takes by itself].",
)
@click.option("--prompt", default="\n", help="Text to go on from [default: a newline].")
@click.option(
    "-n", "--length", default=500, show_default=True, metavar="N", type=click.IntRange(1), help="Characters of a text."
)
@click.option(
    "--samples", default=16, show_default=True, metavar="N", type=click.IntRange(1), help="Texts for each value."
)
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    metavar="NUMBER",
    type=click.FloatRange(0, 1000, min_open=True),
    help="As of rnnscope generate.",
)
@seed_option("Makes the same texts again.")
@json_option("unit, concept, what, text, table")
@save_option
@device_option
@force_option
def clamp(
    model: str,
    unit: str,
    directions: tuple[Path, ...],
    concept: str,
    values: list[float] | None,
    prompt: str,
    length: int,
    samples: int,
    temperature: float,
    seed: int,
    as_json: bool,
    save: Path | None,
    device: str,
    force: bool,
) -> None:
    """Hold a unit while a language model writes.

    The unit is held at one value after another, and it is told how often a concept holds in what is written. The first
    row is for the unit left free.
    """
    from rnnscope.analysis.causes.clamping import clamp_sweep

    from .console import standard_output

    check_picture(save, force)
    result = clamp_sweep(
        open_model(model, device, directions),  # pyright: ignore[reportArgumentType]
        unit,
        one_concept(concept),
        values,
        prompt=prompt,
        length=length,
        samples=samples,
        temperature=temperature,
        seed=seed,
    )
    if as_json:
        about = {"unit": result.unit, "concept": result.concept, "what": result.what, "text": result.text}
        print_json(about | {"table": result.table})
    else:
        standard_output().print(result)
    draw([result], save, as_json)

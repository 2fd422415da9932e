"""rnnscope clamp"""

from __future__ import annotations

import json
from pathlib import Path

import click

from .arguments import device_option, directions_option, force_option, model_argument, one_concept, open_model, rows


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
@click.option("-n", "--length", default=500, show_default=True, type=click.IntRange(1), help="Characters of a text.")
@click.option("--samples", default=16, show_default=True, type=click.IntRange(1), help="Texts for each value.")
@click.option("--temperature", default=1.0, show_default=True, type=click.FloatRange(0, 1000, min_open=True))
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Makes the same texts again."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
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
    """Let a language model write while a unit is held, and see how often a concept holds.

    The unit is held at one value after another. The first row is for the unit left free.
    """
    from rich.console import Console

    from rnnscope.analysis.causes.clamping import clamp_sweep
    from rnnscope.output import new_path
    from rnnscope.reports import figures

    if save is not None:
        new_path(figures.check_format(save), force)
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
        console=Console(stderr=True),
    )
    if as_json:
        about = {"unit": result.unit, "concept": result.concept, "what": result.what, "text": result.text}
        click.echo(json.dumps(about | {"table": rows(result.table)}))
    else:
        Console(highlight=False).print(result)
    if save is not None:
        figures.save([result.plot().figure], save)  # pyright: ignore[reportArgumentType]
        click.echo(f"Drew {save}", err=as_json)

"""rnnscope bases"""

from __future__ import annotations

import json
from pathlib import Path

import click

from .arguments import (
    concepts_options,
    device_option,
    documents_option,
    encoding_option,
    force_option,
    open_model_or_trace,
    rows,
)


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@concepts_options
@click.option("--signal", metavar="ADDRESS", help="Such as l0.c [default: what the top layer remembers in, c or h].")
@click.option("--rotations", default=20, show_default=True, type=click.IntRange(1), help="Random bases.")
@click.option("--raw", is_flag=True, help="Rotate units as they are, not each divided by its standard deviation.")
@documents_option
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the rotations.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def bases(
    model: str,
    texts: tuple[str, ...],
    concepts: list[str],
    signal: str | None,
    rotations: int,
    raw: bool,
    documents: str | None,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Ask whether units tell more than random directions.

    The best unit for each concept stands beside the best principal component and the best direction of each random
    rotation of the units. All are chosen on the first half of the texts and scored on the second. Give a MODEL and
    texts, or a TRACE alone. Concepts of prose are taken unless others are named.
    """
    from rich.console import Console

    from rnnscope.analysis.directions.bases import compare_bases
    from rnnscope.output import new_path
    from rnnscope.probes.concepts import named
    from rnnscope.reports import figures

    if save is not None:
        new_path(figures.check_format(save), force)
    console = Console(highlight=False)
    result = compare_bases(
        *open_model_or_trace(model, texts, device),
        named(*concepts or ["prose"]),
        signal=signal,
        rotations=rotations,
        standardised=not raw,
        documents=documents,  # pyright: ignore[reportArgumentType]
        encoding=encoding,
        seed=seed,
        console=None if as_json else console,
    )
    if as_json:
        about = {"signal": result.signal, "units": result.units, "standardised": result.standardised}
        tables = {"concepts": rows(result.table), "rotations": rows(result.rotations)}
        click.echo(json.dumps(about | tables | {"steps": result.steps, "left_out": result.left_out}))
    else:
        console.print(result)
    if save is not None:
        figures.save([result.plot().figure], save)  # pyright: ignore[reportArgumentType]
        click.echo(f"Drew {save}", err=as_json)

"""rnnscope bases"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    concepts_options,
    device_option,
    documents_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    open_model_or_trace,
    print_json,
    save_option,
    seed_option,
)


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@concepts_options
@click.option("--signal", metavar="ADDRESS", help="Such as l0.c [default: what the top layer remembers in, c or h].")
@click.option("--rotations", default=20, show_default=True, metavar="N", type=click.IntRange(1), help="Random bases.")
@click.option("--raw", is_flag=True, help="Rotate units as they are, not each divided by its standard deviation.")
@documents_option
@seed_option("Of the rotations.")
@json_option("signal, units, standardised, concepts, rotations, steps, left_out")
@save_option
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
    from rnnscope.analysis.directions.bases import compare_bases
    from rnnscope.probes.concepts import named

    from .console import standard_output

    check_picture(save, force)
    result = compare_bases(
        *open_model_or_trace(model, files(texts, encoding, documents), device),
        named(*concepts or ["prose"]),
        signal=signal,
        rotations=rotations,
        standardised=not raw,
        seed=seed,
    )
    if as_json:
        about = {"signal": result.signal, "units": result.units, "standardised": result.standardised}
        tables = {"concepts": result.table, "rotations": result.rotations}
        print_json(about | tables | {"steps": result.steps, "left_out": result.left_out})
    else:
        standard_output().print(result)
    draw([result], save, as_json)

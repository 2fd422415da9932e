"""rnnscope units"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    concepts_options,
    device_option,
    directions_option,
    documents_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    open_model_or_trace,
    plot_option,
    print_json,
    seed_option,
    words,
)


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@concepts_options
@click.option("--signals", callback=words, metavar="NAMES", help="Such as h,c or l0.c [default: all].")
@directions_option
@documents_option
@click.option(
    "--sort",
    default="score",
    show_default=True,
    type=click.Choice(["score", "p", "iou", "concept"]),
    help="The order of the table.",
)
@click.option(
    "--shifts", default=199, show_default=True, metavar="N", type=click.IntRange(19), help="Of the labels, for p."
)
@seed_option("Of the shifts.")
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="FILE", help="Table to write as well: .csv or .parquet."
)
@plot_option
@json_option("concepts, left_out, steps, units")
@encoding_option
@device_option
@force_option
def units(
    model: str,
    texts: tuple[str, ...],
    concepts: list[str],
    signals: list[str] | None,
    directions: tuple[Path, ...],
    documents: str | None,
    sort: str,
    shifts: int,
    seed: int,
    save: Path | None,
    plot: Path | None,
    as_json: bool,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Find the units that track what a person can name.

    On the first half of the texts a unit is chosen for each concept, on the second it is scored. Give a MODEL and
    texts, or a TRACE alone. Concepts of prose are searched for unless others are named; `rnnscope concepts` lists them.
    """
    import rnnscope
    from rnnscope.analysis.search.found import check_table
    from rnnscope.output import new_path
    from rnnscope.probes.concepts import named

    from .console import standard_output

    check_picture(plot, force)
    if save is not None:
        new_path(check_table(save), force)
    found = rnnscope.find_units(
        *open_model_or_trace(model, files(texts, encoding, documents), device, directions),
        named(*concepts or ["prose"]),
        signals=signals,
        shifts=shifts,
        seed=seed,
    ).sorted(sort)
    if as_json:
        about = {"left_out": found.left_out, "steps": found.steps, "units": len(found.scores)}
        print_json({"concepts": found.table} | about)
    else:
        standard_output().print(found)
    if save is not None:
        click.echo(f"Wrote {found.save(save)}", err=as_json)
    draw([found], plot, as_json)

"""rnnscope ablate"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    device_option,
    directions_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    model_argument,
    one_concept,
    open_model,
    print_json,
    save_option,
    seed_option,
)


@click.command()
@model_argument
@click.argument("texts", nargs=-1, required=True, metavar="TEXT.txt...")
@click.option(
    "--unit", "units", multiple=True, required=True, metavar="ADDRESS", help="Such as l0.c.37; several: a set."
)
@directions_option
@click.option("--concept", required=True, metavar="CONCEPT", help="Such as quotes, or link=regex:https?://\\S+")
@click.option(
    "--by",
    default="mean",
    show_default=True,
    type=click.Choice(["mean", "zero", "resample"]),
    help="What takes its place: its mean over the text, zero, its value at random places of it.",
)
@click.option(
    "--on",
    default="both",
    show_default=True,
    type=click.Choice(["both", "above", "recurrence"]),
    help="Who reads an h replaced: the layers above, its own layer at the next step, or both.",
)
@click.option(
    "--controls",
    default=20,
    show_default=True,
    metavar="N",
    type=click.IntRange(0, 1000),
    help="Units to compare with.",
)
@limit_option
@seed_option("Of controls, places and intervals.")
@json_option("units, concept, what, text, endings, std, table, controls")
@save_option
@encoding_option
@device_option
@force_option
def ablate(
    model: str,
    texts: tuple[str, ...],
    units: tuple[str, ...],
    directions: tuple[Path, ...],
    concept: str,
    by: str,
    on: str,
    controls: int,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Prove that a network uses a unit, by taking it away.

    Each TEXT is a document; it may be - for standard input. The loss is told inside the concept and outside, and
    where a stretch of it begins and ends (for quotes: at the closing one), beside units that vary as much.
    """
    from rnnscope.analysis.causes.ablation import ablation

    from .console import standard_output

    check_picture(save, force)
    result = ablation(
        open_model(model, device, directions),  # pyright: ignore[reportArgumentType]
        files(texts, encoding),
        units,
        one_concept(concept),
        by=by,  # pyright: ignore[reportArgumentType]
        on=on,  # pyright: ignore[reportArgumentType]
        controls=controls,
        seed=seed,
        limit=limit,
    )
    if as_json:
        about = {"units": result.units, "concept": result.concept, "what": result.what, "text": result.text}
        tables = {"table": result.table, "controls": result.controls}
        print_json(about | {"endings": result.endings, "std": result.std} | tables)
    else:
        standard_output().print(result)
    draw([result], save, as_json)

"""rnnscope gates"""

from __future__ import annotations

import io
import json
from pathlib import Path

import click

from .arguments import (
    device_option,
    documents_option,
    encoding_option,
    force_option,
    open_model_or_trace,
    rows,
)


def _opened(given: list[Path | bytes] | None) -> list[Path | io.BytesIO] | None:
    """Files, and what standard input held, which can be read again."""
    return None if given is None else [io.BytesIO(part) if isinstance(part, bytes) else part for part in given]


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@documents_option
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(100), help="Steps for timescales.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the places of the Jacobian.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Pictures to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def gates(
    model: str,
    texts: tuple[str, ...],
    documents: str | None,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """See how often gates are open or shut, and how long units remember.

    Saturation is told over all of the texts, timescales over their beginning: by the forget gate, by what the unit
    does, and by the Jacobian. Give a MODEL and texts, or a TRACE alone.
    """
    from rich.console import Console

    from rnnscope.analysis.gates.saturation import saturation
    from rnnscope.analysis.gates.timescales import timescales
    from rnnscope.errors import ModelError
    from rnnscope.output import new_path
    from rnnscope.reports import figures

    for path in [] if save is None else [save, *figures.page_paths(figures.check_format(save), 2)]:
        new_path(path, force)
    network, named = open_model_or_trace(model, texts, device)
    given = named and [source if isinstance(source, Path) else source.read() for source in named]
    console, progress = Console(highlight=False), Console(stderr=True)
    options = {"documents": documents, "encoding": encoding, "console": progress}
    try:
        saturated, why = saturation(network, _opened(given), **options), None  # pyright: ignore[reportArgumentType]
    except ModelError as error:  # it has no gates, but its units have timescales
        saturated, why = None, str(error)
    lasting = timescales(network, _opened(given), limit=limit, seed=seed, **options)  # pyright: ignore[reportArgumentType]
    results = [result for result in (saturated, lasting) if result is not None]
    if as_json:
        found = {"saturation": None if saturated is None else rows(saturated.table), "no_saturation": why}
        summary = None if saturated is None else rows(saturated.summary)
        click.echo(json.dumps(found | {"summary": summary, "timescales": rows(lasting.table)}))
    else:
        if saturated is None:
            console.print(why, markup=False)
        else:
            console.print(saturated)
        console.print("", lasting, sep="\n")
    if save is not None:
        for path in figures.save([result.plot()[0].figure for result in results], save):  # pyright: ignore[reportArgumentType]
            click.echo(f"Drew {path}", err=as_json)

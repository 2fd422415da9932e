"""rnnscope memory"""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

import click

from .arguments import device_option, encoding_option, force_option, model_argument, open_model, rows, sources


@click.command()
@model_argument
@click.argument("texts", nargs=-1, required=True, metavar="TEXT.txt...")
@click.option("--targets", default=1_000, show_default=True, type=click.IntRange(1), help="Characters to predict.")
@click.option("--places", default=50, show_default=True, type=click.IntRange(2), help="Places to go on from, twice.")
@click.option(
    "--horizon", type=click.IntRange(1), help="Steps to go on for [default: 5000, or a quarter of the longest text]."
)
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(2), help="Characters to read.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of targets, places and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def memory(
    model: str,
    texts: tuple[str, ...],
    targets: int,
    places: int,
    horizon: int | None,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Tell how far back a network remembers: all of it, and each unit.

    Each TEXT is a document; it may be - for standard input. The loss is measured with the last few characters alone
    and with others at a distance in place of the true ones; and how long each unit keeps the difference between
    two pasts.
    """
    from matplotlib.figure import Figure
    from rich.console import Console

    from rnnscope.analysis.memory.context import effective_context
    from rnnscope.analysis.memory.forgetting import forgetting_times
    from rnnscope.output import new_path
    from rnnscope.reports import figures
    from rnnscope.tracing.documents import Given, gather

    if save is not None:
        new_path(figures.check_format(save), force)
    network = open_model(model, device)
    documents = gather(Given(sources(texts), encoding=encoding), "file")
    progress = Console(stderr=True)
    context = effective_context(
        network,  # pyright: ignore[reportArgumentType]
        documents,
        targets=targets,
        seed=seed,
        limit=limit,
        console=progress,
    )
    forgetting = forgetting_times(
        network,  # pyright: ignore[reportArgumentType]
        documents,
        places=places,
        horizon=horizon,
        seed=seed,
        limit=limit,
        console=progress,
    )
    if as_json:
        found = {
            **{key: _finite(getattr(context, key)) for key in ("characters", "low", "high", "loss")},
            "contexts": rows(context.table),
            "horizon": forgetting.horizon,
            "signals": rows(forgetting.summary),
            "units": rows(forgetting.table),
        }
        click.echo(json.dumps(found))
    else:
        console = Console(highlight=False)
        console.print(context)
        console.print()
        console.print(forgetting)
    if save is not None:
        figure = Figure(figsize=(10, 7.2), layout="constrained")
        top, bottom = figure.subfigures(2, 1)  # pyright: ignore[reportGeneralTypeIssues]
        context.plot(top.subplots(1, 2))
        forgetting.plot(bottom.subplots())
        figures.save([figure], save)
        click.echo(f"Drew {save}", err=as_json)


def _finite(value: float) -> float | None:
    """The number, None if it is infinite."""
    return value if isfinite(value) else None

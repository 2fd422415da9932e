"""rnnscope compare"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .opening import file, open_models
from .output import Output, picked

_WIDE = 10_000
"""Columns in which any number of cells stands side by side."""


@options.command()
@click.argument("compared", nargs=-1, required=True, metavar="RECIPE.toml|MODEL.pt... [TEXT.txt]")
@click.option(
    "--jobs", metavar="N", type=options.Whole(), help="Training runs at a time [default: as many as there are cores]."
)
@options.concepts
@options.documents
@options.encoding
@options.limit()
@options.seed
@options.device
@options.path("FOLDER", "runs/NAME")
@options.table
@options.output("table, runs, sweep, notes")
def compare(
    compared: tuple[str, ...],
    jobs: int | None,
    concepts: list[str],
    documents: str | None,
    encoding: str,
    limit: int,
    seed: int,
    device: str,
    path: Path | None,
    table: Path | None,
    output: Output,
) -> None:
    """Compare recurrent cells, trained for it or as they are.

    A RECIPE names cells, seeds and learning rates; all of them are trained with as many parameters, and measured. Given
    again, it goes on where it was left. MODELs are measured as they are. What comes last is the TEXT on which language
    models are measured, unless it ends in .pt or is the name of a shipped network.
    """
    from rnnscope.comparison.comparing import compare as compare_networks
    from rnnscope.probes.concepts import named

    output.check(table=table)
    names, text = _apart(compared)
    asked: dict[str, Any] = {"text": None if text is None else file(text, documents, encoding), "limit": limit}
    asked["concepts"] = named(*concepts) if concepts else ()
    if names[0].endswith(".toml"):
        if seeds := options.given("seed"):
            raise click.UsageError(f"{seeds[0]} is for networks; the recipe of a comparison names its seeds.")
        found = _trained(names, path, jobs=jobs, device=device, **asked)
    else:
        if folders := options.given("path", "jobs"):
            raise click.UsageError(f"{' and '.join(folders)}: networks that are given are not trained; leave it out.")
        found = compare_networks(open_models(names, device), seed=seed, **asked)
    output.tell(found, json=picked(found, "table runs sweep notes"), columns=_WIDE)
    output.keep(found, table)
    output.plot(found)


def _apart(compared: tuple[str, ...]) -> tuple[list[str], str | None]:
    """A recipe or networks, and the text that comes last."""
    from rnnscope import trained

    last = compared[-1]
    if len(compared) == 1 or last.endswith((".pt", ".toml")) or last in trained.names():
        return list(compared), None
    return list(compared[:-1]), last


def _trained(names: list[str], path: Path | None, **asked: Any) -> Any:
    """The comparison of a recipe."""
    from rnnscope.comparison.experiments import run_comparison

    if len(names) > 1:
        raise click.UsageError("Give one recipe of a comparison, or networks alone.")
    try:
        return run_comparison(names[0], path, **asked)
    except KeyboardInterrupt:
        click.echo("Interrupted; the same command goes on.", err=True)
        raise SystemExit(130) from None

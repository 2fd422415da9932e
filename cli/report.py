"""rnnscope report"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import is_trace, open_model, open_model_or_trace
from .output import print_json

if TYPE_CHECKING:
    from rnnscope import File

_WITHOUT_TEXT = ("captioner", "forecaster", "memory-task")
"""Tasks in which no text is read."""


@options.command()
@options.model_or_trace
@click.option("--model", "network", metavar="MODEL.pt", help="The network that the TRACE is of, for what needs it.")
@click.option("--compare", multiple=True, metavar="MODEL.pt|TRACE", help="Another network; may be repeated.")
@options.concepts
@click.option("--ablate", is_flag=True, help="Take away the best unit of each concept, and see what is lost.")
@click.option(
    "--unit", "units", multiple=True, metavar="ADDRESS", help="In full detail, such as l0.c.37; may be repeated."
)
@click.option(
    "--size",
    default=6.0,
    show_default=True,
    metavar="NUMBER",
    type=click.FloatRange(0, min_open=True),
    help="Megabytes at most.",
)
@click.option("--title", metavar="TEXT", help="Of the page [default: the network and the text].")
@options.texts(required=False)
@options.limit()
@options.seed
@options.device
@options.path("FILE", "report.html")
@options.json("path, bytes, notes")
@options.force
def report(
    model: str,
    network: str | None,
    compare: tuple[str, ...],
    concepts: list[str],
    texts: list[File],
    limit: int,
    device: str,
    path: Path | None,
    as_json: bool,
    force: bool,
    **asked: Any,
) -> None:
    """Write a page that shows what a network does on a text.

    It is one file that opens in any browser, with nothing beside it. Give a MODEL and texts, or a TRACE alone.
    Where it is a text that is read, concepts of prose are searched for unless others are named; `rnnscope concepts`
    lists them. Of a long text the page keeps the units that tell most, and those named by --unit.
    """
    from rnnscope import Trace
    from rnnscope.output import new_path
    from rnnscope.probes.concepts import named
    from rnnscope.reports.html.reporting import report as write

    from .console import standard_output

    path = new_path(path or Path("report.html"), force)
    source, text = open_model_or_trace(model, texts, device)
    if network is not None and text is not None:
        raise click.UsageError("--model goes with a TRACE; here the network is the first argument.")
    task = source.tree.attrs.get("task") if isinstance(source, Trace) else getattr(source, "task", None)
    written = write(
        source,
        text,
        path,
        model=None if network is None else open_model(network, device),
        compare=[other if is_trace(other) else open_model(other, device) for other in compare],
        concepts=named(*concepts or ([] if task in _WITHOUT_TEXT else ["prose"])),
        limit=None if text is None else limit,
        force=force,
        **asked,
    )
    if as_json:
        print_json({"path": written.path, "bytes": written.size, "notes": written.notes})
    else:
        standard_output().print(written)
        click.echo(f"Next: open {written.path} in a browser")

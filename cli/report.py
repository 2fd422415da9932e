"""rnnscope report"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    concepts_options,
    device_option,
    documents_option,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    open_model,
    open_model_or_trace,
    print_json,
    seed_option,
)

_WITHOUT_TEXT = ("captioner", "forecaster", "memory-task")
"""Tasks in which no text is read."""


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@click.option(
    "-o", "--output", default="report.html", show_default=True, type=click.Path(path_type=Path), help="File to write."
)
@click.option("--model", "network", metavar="MODEL.pt", help="The network that the TRACE is of, for what needs it.")
@click.option("--compare", multiple=True, metavar="MODEL.pt|TRACE", help="Another network, over the same text.")
@concepts_options
@click.option("--ablate", is_flag=True, help="Take away the best unit of each concept, and see what is lost.")
@click.option("--unit", "units", multiple=True, metavar="ADDRESS", help="Keep it in full detail, such as l0.c.37.")
@click.option(
    "--size", default=6.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Megabytes at most."
)
@click.option("--title", help="Of the page [default: the network and the text].")
@limit_option
@seed_option("Of intervals, controls and places.")
@json_option("path, bytes, notes")
@documents_option
@encoding_option
@device_option
@force_option
def report(
    model: str,
    texts: tuple[str, ...],
    output: Path,
    network: str | None,
    compare: tuple[str, ...],
    concepts: list[str],
    ablate: bool,
    units: tuple[str, ...],
    size: float,
    title: str | None,
    limit: int,
    seed: int,
    as_json: bool,
    documents: str | None,
    encoding: str,
    device: str,
    force: bool,
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

    new_path(output, force)
    source, text = open_model_or_trace(model, files(texts, encoding, documents), device)
    if network is not None and text is not None:
        raise click.UsageError("--model goes with a TRACE; here the network is the first argument.")
    task = source.tree.attrs.get("task") if isinstance(source, Trace) else getattr(source, "task", None)
    written = write(
        source,
        text,
        output,
        model=None if network is None else open_model(network, device),
        compare=[other if _traced(other) else open_model(other, device) for other in compare],
        concepts=named(*concepts or ([] if task in _WITHOUT_TEXT else ["prose"])),
        units=units,
        ablate=ablate,
        size=size,
        title=title,
        limit=None if text is None else limit,
        force=force,
        seed=seed,
    )
    if as_json:
        print_json({"path": str(written.path), "bytes": written.size, "notes": written.notes})
        return
    console = standard_output()
    console.print(written)
    console.print(f"Next: open {written.path} in a browser", markup=False, soft_wrap=True)


def _traced(name: str) -> bool:
    """Whether a name is that of a trace, as `open_model_or_trace` tells it."""
    return Path(name).is_dir() or Path(name).suffix == ".zarr"

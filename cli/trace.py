"""rnnscope trace"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import Output, print_json

if TYPE_CHECKING:
    from rnnscope import File, Trace
    from rnnscope.reports.heatmaps import Order
    from rnnscope.style import Width

_DRAWN = 5_000
"""Steps of a picture, at most."""
_PAGES = 50
"""More than these take."""


@options.command()
@options.model
@options.signals
@click.option(
    "--units", type=options.Numbers(int), metavar="NUMBERS", help="Of each signal, such as 3,17,37 [default: all]."
)
@click.option(
    "--dtype", default="float32", show_default=True, type=click.Choice(["float32", "float16"]), help="Of the signals."
)
@options.directions
@options.texts()
@options.device
@options.path("FOLDER.zarr", "after the text")
@click.option(
    "--order",
    default="cluster",
    show_default=True,
    type=click.Choice(["cluster", "address"]),
    help="Of the picture's units.",
)
@options.width
@options.output(
    "path, bytes, steps, documents (how many), nats, signals (their units), answers, unknown, switches, longest, "
    "counters, next"
)
def trace(
    model: str,
    directions: tuple[Path, ...],
    texts: list[File],
    device: str,
    path: Path | None,
    order: Order,
    width: Width,
    output: Output,
    **kept: Any,
) -> None:
    """Read texts with a network and keep all its signals.

    They are kept at every step, in a folder that show, units, describe and others open. A MODEL is a file, or the name
    of a shipped network. Each TEXT starts from a zero state. It may be - for standard input; for a captioner it is a
    CSV file with an image a row, for a forecaster one with a series.
    """
    import rnnscope
    from rnnscope.reports.heatmaps import heatmap

    for pages in (1, _PAGES):
        output.check(pages)
    made = rnnscope.trace(
        open_model(model, device, directions),
        texts,
        path or Path(f"{Path(texts[0].name).stem}.zarr"),
        force=output.force,
        **kept,
    )
    found = _numbers(made)
    if output.as_json:
        print_json(found)
    else:
        click.echo("\n".join(_lines(made, found)))
    if output.save is not None:
        series = made[made.memory][:_DRAWN]
        output.draw(*heatmap(made.text_between(0, _DRAWN), series, order, width=width))
        steps = f"{len(series):,} of {len(made):,} steps"
        click.echo(f"  {made.memory} over {steps}", err=output.as_json)


def _numbers(trace: Trace) -> dict[str, Any]:
    """What was written, what it holds, and where to look first."""
    from rnnscope.analysis.units import rank_units

    assert trace.path is not None
    ranking = rank_units(trace[trace.memory])
    return {
        "path": trace.path,
        "bytes": sum(file.stat().st_size for file in trace.path.rglob("*") if file.is_file()),
        "steps": len(trace),
        "documents": len(trace.documents),
        "nats": trace.tree.attrs["mean_nll"],
        "signals": {str(address): trace[address].sizes["unit"] for address in trace.addresses},
        "answers": dict(Counter(trace.answers).most_common()),
        "unknown": dict(trace.unknown.most_common()),
        "switches": ranking.switches(5).index.to_list(),
        "longest": ranking.longest(5).index.to_list(),
        "counters": ranking.counters(5).query("kind == 'counter'").index.to_list(),
        "next": f"rnnscope show {shlex.quote(str(trace.path))} {ranking.table.index[0]}",
    }


def _lines(trace: Trace, found: dict[str, Any]) -> Iterator[str]:
    """The same in lines."""
    from rich.filesize import decimal

    from rnnscope.text import counted

    nats, root = found["nats"], trace.tree.dataset
    step = "step" if "value" in root else "character"
    nll = "" if nats is None else f", {nats:.3f} nats ({nats / math.log(2):.3f} bits) a {step}"
    many = f"{found['documents']:,} documents, " if found["documents"] > 1 else ""
    yield f"Wrote {trace.path}: {many}{counted(found['steps'], 'step')}, {decimal(found['bytes'])}{nll}"
    yield from _kept(trace, nats is not None)
    if found["answers"]:
        yield f"  answers: {', '.join(f'{answer} {count:,}' for answer, count in found['answers'].items())}"
    if trace.unknown:
        most = ", ".join(f"{character!r} x {count:,}" for character, count in trace.unknown.most_common(5))
        yield f"  {counted(trace.unknown.total(), 'character')} the model does not know, read as unknown: {most}"
    yield "Look first at"
    for title, key in (("most switch-like", "switches"), ("longest memory", "longest"), ("counters", "counters")):
        if found[key] or key != "counters":
            yield f"  {title:<17} {'  '.join(found[key]) or 'the text is too short to tell'}"
    yield f"Next: {found['next']}"


def _kept(trace: Trace, nll: bool) -> Iterator[str]:
    """A line for each layer, and what is kept beside the signals."""
    from rnnscope.text import counted

    root = trace.tree.dataset
    nodes: dict[str, list[str]] = {}
    for address in trace.addresses:
        nodes.setdefault(address.node, []).append(address.signal)
    lines = []
    for node, signals in nodes.items():
        sizes = {signal: trace[f"{node}.{signal}"].sizes["unit"] for signal in signals}
        widths = {size: ", ".join(name for name in signals if sizes[name] == size) for size in sizes.values()}
        parts = [f"{names} of {counted(size, 'unit')}" for size, names in widths.items()]
        lines.append(f"  {node}: {'; '.join(parts)}")
    there = {"nll": nll, "top guesses": root.sizes["rank"], "predictions": "prediction" in root}
    beside = " and ".join(name for name, kept in there.items() if kept)
    yield from [*lines[:-1], lines[-1] + (beside and f", with {beside}")]

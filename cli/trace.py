"""rnnscope trace"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    device_option,
    directions_option,
    documents_option,
    encoding_option,
    files,
    force_option,
    json_option,
    model_argument,
    open_model,
    print_json,
    width_option,
    words,
)

if TYPE_CHECKING:
    from rnnscope import Trace

_HEATMAP_STEPS = 5_000
_HEATMAP_PAGES = 50  # more than that many steps take


def _unit_numbers(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    listed = words(ctx, parameter, value)
    try:
        return None if listed is None else [int(word) for word in listed]
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of unit numbers such as 3,17,37.") from None


@click.command()
@model_argument
@click.argument("texts", nargs=-1, required=True, metavar="TEXT.txt...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Zarr folder to write [default: after the text].")
@documents_option
@click.option("--signals", callback=words, metavar="NAMES", help="Such as h,c or l0.c [default: all].")
@directions_option
@click.option("--units", callback=_unit_numbers, metavar="NUMBERS", help="Such as 3,17,37 [default: all].")
@click.option(
    "--dtype", default="float32", show_default=True, type=click.Choice(["float32", "float16"]), help="Of the signals."
)
@click.option(
    "--heatmap", type=click.Path(path_type=Path), metavar="FILE", help="Picture to draw as well: .png, .svg or .pdf."
)
@click.option(
    "--order",
    default="cluster",
    show_default=True,
    type=click.Choice(["cluster", "address"]),
    help="Of the heatmap's units.",
)
@width_option
@json_option(
    "path, bytes, steps, documents (how many), nats, signals (their units), answers, unknown, switches, longest, "
    "counters, next"
)
@encoding_option
@device_option
@force_option
def trace(
    model: str,
    texts: tuple[str, ...],
    output: Path | None,
    documents: str | None,
    signals: list[str] | None,
    directions: tuple[Path, ...],
    units: list[int] | None,
    dtype: str,
    heatmap: Path | None,
    order: Any,
    width: Any,
    as_json: bool,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Read texts with a network and keep all its signals.

    They are kept at every step, in a folder that show, units, describe and others open. Each TEXT starts from a zero
    state. It may be - for standard input; for a captioner it is a CSV file with an image a row, for a forecaster one
    with a series. MODEL may be the name of a shipped network.
    """
    import rnnscope
    from rnnscope.output import new_path
    from rnnscope.reports import figures

    if heatmap is not None:
        figures.check_format(heatmap)
        for path in figures.page_paths(heatmap, 1) + figures.page_paths(heatmap, _HEATMAP_PAGES):
            new_path(path, force)
    given = files(texts, encoding, documents)
    name = "stdin" if texts[0] == "-" else Path(texts[0]).stem
    result = rnnscope.trace(
        open_model(model, device, directions),
        given,
        output or Path(f"{name}.zarr"),
        signals=signals,
        units=units,
        dtype=dtype,  # pyright: ignore[reportArgumentType]
        force=force,
    )
    found = _numbers(result)
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_report(result, found)))
    if heatmap is not None:
        series = result[result.memory][:_HEATMAP_STEPS]
        pages = figures.heatmap(result.text_between(0, _HEATMAP_STEPS), series, order, width=width)
        written = ", ".join(map(str, figures.save(pages, heatmap)))
        drawn = f"Drew {written}: {result.memory} over {len(series):,} of {len(result):,} steps"
        click.echo(drawn, err=as_json)


def _numbers(trace: Trace) -> dict[str, Any]:
    """What was written, what it holds, and where to look first."""
    from rnnscope.analysis.units import LONGEST, rank_units

    assert trace.path is not None
    ranking = rank_units(trace[trace.memory], trace.text_between(0, LONGEST))
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


def _report(trace: Trace, found: dict[str, Any]) -> Iterator[str]:
    """The same in lines."""
    from rich.filesize import decimal

    nats, root = found["nats"], trace.tree.dataset
    step = "step" if "value" in root else "character"
    nll = "" if nats is None else f", {nats:.3f} nats ({nats / math.log(2):.3f} bits) a {step}"
    many = f"{found['documents']:,} documents, " if found["documents"] > 1 else ""
    yield f"Wrote {trace.path}: {many}{found['steps']:,} steps, {decimal(found['bytes'])}{nll}"
    yield from _signals(trace, nats is not None)
    if found["answers"]:
        yield f"  answers: {', '.join(f'{answer} {count:,}' for answer, count in found['answers'].items())}"
    if trace.unknown:
        most = ", ".join(f"{character!r} x {count:,}" for character, count in trace.unknown.most_common(5))
        yield f"  {trace.unknown.total():,} characters the model does not know, read as unknown: {most}"
    yield "Look first at"
    for title, key in (("most switch-like", "switches"), ("longest memory", "longest"), ("counters", "counters")):
        if found[key] or key != "counters":
            yield f"  {title:<17} {'  '.join(found[key]) or 'the text is too short to tell'}"
    yield f"Next: {found['next']}"


def _signals(trace: Trace, nll: bool) -> Iterator[str]:
    """A line for each layer, and what is kept beside the signals."""
    root = trace.tree.dataset
    nodes: dict[str, list[str]] = {}
    for address in trace.addresses:
        nodes.setdefault(address.node, []).append(address.signal)
    lines = []
    for node, signals in nodes.items():
        sizes = {signal: trace[f"{node}.{signal}"].sizes["unit"] for signal in signals}
        widths = {size: ", ".join(name for name in signals if sizes[name] == size) for size in sizes.values()}
        lines.append(f"  {node}: {'; '.join(f'{names} of {size} units' for size, names in widths.items())}")
    there = {"nll": nll, "top guesses": root.sizes["rank"], "predictions": "prediction" in root}
    beside = " and ".join(name for name, kept in there.items() if kept)
    yield from [*lines[:-1], lines[-1] + (beside and f", with {beside}")]

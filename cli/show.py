"""rnnscope show"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .output import Output

if TYPE_CHECKING:
    from xarray import DataArray

    from rnnscope import Trace
    from rnnscope.style import Width


@options.command()
@options.trace
@options.address
@options.document
@options.start("step")
@options.length(2000, "Steps to show.")
@options.width
@options.output(
    "address, start, stop, steps; of a unit: text, values, documents (by the step that each begins at); of a signal: "
    "units"
)
def show(
    trace: Path, address: str, document: int | None, start: int, length: int, width: Width, output: Output
) -> None:
    """Show the text of a trace coloured by a unit.

    ADDRESS is a unit such as l0.c.37; or a whole signal such as l0.c, for its most telling units side by side. With
    --save it is drawn, and not printed. With --document, steps are counted from its first.
    """
    from rnnscope import open_trace
    from rnnscope.errors import TextError

    output.check()
    opened = open_trace(trace)
    signal = opened[address]
    whole = slice(0, len(opened)) if document is None else opened.steps_of(document)
    first, stop = whole.start + start, min(whole.start + start + length, whole.stop)
    if first >= stop:
        what = "trace" if document is None else "document"
        raise TextError(f"The {what} has {whole.stop - whole.start:,} steps; there is nothing from step {start:,} on.")
    series = signal[first:stop]
    if output.save is not None:
        _draw(opened, series, first, start, width, output)
    if output.as_json or output.save is None:
        span = {"start": start, "stop": stop - whole.start, "steps": whole.stop - whole.start}
        _tell(opened, series, first, span, output)
    if stop < whole.stop and not output.as_json:
        click.echo(f"{whole.stop - stop:,} more steps: --start {stop - whole.start}")


def _draw(trace: Trace, series: DataArray, first: int, start: int, width: Width, output: Output) -> None:
    """A text coloured by a unit, or a heatmap of a signal, over pages."""
    from rnnscope.reports.coloured_text import coloured_text
    from rnnscope.reports.heatmaps import heatmap

    stop = first + len(series)
    text = trace.text_between(first, stop)
    if "unit" in series.dims:
        pages = heatmap(text, series, first_step=start, width=width)
    else:
        pages = coloured_text(text, series, start, trace.headings(first, stop), width)
    output.check(len(pages))
    output.draw(*pages)


def _tell(trace: Trace, series: DataArray, first: int, span: dict[str, int], output: Output) -> None:
    """The same in a terminal, or as numbers."""
    from rnnscope.analysis.units import rank_units
    from rnnscope.reports.terminal import ColouredText, SignalOverview

    json: dict[str, Any] = {"address": str(series.name)} | span
    if "unit" in series.dims:
        ranking = rank_units(series)
        shown, json = SignalOverview(series, ranking), json | {"units": ranking.table.reset_index(names="address")}
    else:
        stop, start = first + len(series), span["start"]
        text, headings = trace.text_between(first, stop), trace.headings(first, stop)
        shown = ColouredText(text, series, start, headings)
        documents = {start + step: name for step, name in headings.items()}
        json |= {"text": text, "values": series.values, "documents": documents}
    output.tell(shown, json=json)

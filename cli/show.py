"""rnnscope show"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .arguments import force_option, json_option, print_json, say_drawn, width_option


@click.command()
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.argument("address")
@click.option("--document", type=click.IntRange(0), metavar="N", help="Show this one of several documents, from 0 on.")
@click.option("--start", default=0, show_default=True, metavar="N", type=click.IntRange(0), help="First step to show.")
@click.option("--length", default=2000, show_default=True, metavar="N", type=click.IntRange(1), help="Steps to show.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Picture instead: .png, .svg or .pdf.")
@width_option
@json_option(
    "address, start, stop, steps; of a unit: text, values, documents (by the step that each begins at); of a signal: "
    "units"
)
@force_option
def show(
    trace: Path,
    address: str,
    document: int | None,
    start: int,
    length: int,
    save: Path | None,
    width: Any,
    as_json: bool,
    force: bool,
) -> None:
    """Show the text of a trace coloured by a unit.

    ADDRESS is a unit such as l0.c.37; or a whole signal such as l0.c, for its most telling units
    side by side. With --document, steps are counted from its first.
    """
    from rnnscope import open_trace
    from rnnscope.analysis.units import rank_units
    from rnnscope.errors import TextError
    from rnnscope.output import new_path
    from rnnscope.reports import figures
    from rnnscope.reports.terminal import ColouredText, SignalOverview

    from .console import standard_output

    opened = open_trace(trace)
    whole = slice(0, len(opened)) if document is None else opened.steps_of(document)
    first, stop = whole.start + start, min(whole.start + start + length, whole.stop)
    signal = opened[address]
    if first >= stop:
        what = "trace" if document is None else "document"
        raise TextError(f"The {what} has {whole.stop - whole.start:,} steps; there is nothing from step {start:,} on.")
    series, text, headings = signal[first:stop], opened.text_between(first, stop), opened.headings(first, stop)
    one_unit = "unit" not in series.dims
    if save is not None:
        figures.check_format(save)
        pages = (
            figures.coloured_text(text, series, start, headings, width)
            if one_unit
            else figures.heatmap(text, series, first_step=start, width=width)
        )
        for path in figures.page_paths(save, len(pages)):
            new_path(path, force)
        say_drawn(figures.save(pages, save), as_json)
    if as_json:
        span = {"start": start, "stop": stop - whole.start, "steps": whole.stop - whole.start}
        names = {start + step: name for step, name in headings.items()}
        of_unit = {"text": text, "values": series.values, "documents": names}
        found = of_unit if one_unit else {"units": rank_units(series).table.reset_index(names="address")}
        print_json({"address": str(series.name)} | span | found)
        return
    if save is None:
        shown = ColouredText(text, series, start, headings) if one_unit else SignalOverview(series, rank_units(series))
        standard_output().print(shown)
    if stop < whole.stop:
        click.echo(f"{whole.stop - stop:,} more steps: --start {stop - whole.start}")

"""rnnscope show"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import force_option


@click.command()
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.argument("address")
@click.option("--document", type=click.IntRange(0), metavar="N", help="Show this one of several documents, from 0 on.")
@click.option("--start", default=0, show_default=True, type=click.IntRange(0), help="First step to show.")
@click.option("--length", default=2000, show_default=True, type=click.IntRange(1), help="Steps to show.")
@click.option("--save", type=click.Path(path_type=Path), help="Draw a picture instead: .png, .svg or .pdf.")
@force_option
def show(
    trace: Path, address: str, document: int | None, start: int, length: int, save: Path | None, force: bool
) -> None:
    """Show the text of a trace coloured by a unit.

    ADDRESS is a unit such as l0.c.37; or a whole signal such as l0.c, for its most telling units
    side by side. With --document, steps are counted from its first.
    """
    from rich.console import Console

    from rnnscope import open_trace
    from rnnscope.analysis.units import rank_units
    from rnnscope.errors import TextError
    from rnnscope.output import new_path
    from rnnscope.reports import figures
    from rnnscope.reports.terminal import ColouredText, SignalOverview

    opened = open_trace(trace)
    whole = slice(0, len(opened)) if document is None else opened.steps_of(document)
    first, stop = whole.start + start, min(whole.start + start + length, whole.stop)
    signal = opened[address]
    if first >= stop:
        what = "trace" if document is None else "document"
        raise TextError(f"The {what} has {whole.stop - whole.start:,} steps; there is nothing from step {start:,} on.")
    series, text, headings = signal[first:stop], opened.text_between(first, stop), opened.headings(first, stop)
    one_unit = "unit" not in series.dims
    console = Console(highlight=False)
    if save is not None:
        figures.check_format(save)
        pages = (
            figures.coloured_text(text, series, start, headings)
            if one_unit
            else figures.heatmap(text, series, first_step=start)
        )
        for path in figures.page_paths(save, len(pages)):
            new_path(path, force)
        console.print(f"Drew {', '.join(map(str, figures.save(pages, save)))}", markup=False, soft_wrap=True)
    elif one_unit:
        console.print(ColouredText(text, series, start, headings))
    else:
        console.print(SignalOverview(series, rank_units(series)))
    if stop < whole.stop:
        console.print(f"{whole.stop - stop:,} more steps: --start {stop - whole.start}")

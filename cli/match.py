"""rnnscope match"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import check_picture, draw, force_option, json_option, print_json, save_option

if TYPE_CHECKING:
    from rnnscope.analysis.matching import Matches


def _span(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+):(\d+)", value.replace(",", ""), re.ASCII)
    if found is None:
        raise click.BadParameter(f"{value!r} is no span START:STOP such as 120:168.")
    return int(found[1]), int(found[2])


@click.command()
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.option(
    "--span", required=True, metavar="START:STOP", callback=_span, help="First step, and the one after the last."
)
@click.option("--signal", metavar="ADDRESS", help="Such as l0.c [default: the top layer's memory].")
@click.option("--threshold", default=0.3, show_default=True, help="Beyond which a unit is on, high or low.")
@click.option("--off-around", is_flag=True, help="Leave out units that are on just before the span or just after it.")
@click.option(
    "--document", type=click.IntRange(0), metavar="N", help="Count the span's steps from this document's first."
)
@click.option(
    "--count", default=20, show_default=True, metavar="N", type=click.IntRange(1), help="Spans to show, at most."
)
@json_option("signal, threshold, span, units, matches")
@save_option
@force_option
def match(
    trace: Path,
    span: tuple[int, int],
    signal: str | None,
    threshold: float,
    off_around: bool,
    document: int | None,
    count: int,
    as_json: bool,
    save: Path | None,
    force: bool,
) -> None:
    """Find where the units of a span are on together again.

    These are the units that are on through all of the span. The best passages share all of them, and have few
    others. Of a cell state, the threshold is of its tanh.
    """
    from rnnscope import open_trace
    from rnnscope.analysis.matching import match as match_spans

    from .console import standard_output

    check_picture(save, force)
    found = match_spans(
        open_trace(trace), span, signal, document=document, threshold=threshold, off_around=off_around, count=count
    )
    if as_json:
        print_json(_numbers(found))
    else:
        standard_output().print(found)
    draw([found], save, as_json)


def _numbers(found: Matches) -> dict[str, Any]:
    """What was looked for, and what was found."""
    start, stop = found.span
    return {
        "signal": str(found.signal),
        "threshold": found.threshold,
        "span": {"start": start, "stop": stop, "text": found.trace.text_between(start, stop)},
        "units": found.units.reset_index(names="address"),
        "matches": found.table,
    }

"""rnnscope match"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .output import Output

if TYPE_CHECKING:
    from rnnscope.analysis.matching_result import Matches


@options.command()
@options.trace
@click.option(
    "--span",
    required=True,
    type=options.Span(),
    metavar="START:STOP",
    help="First step, and the one after the last.",
)
@options.signal
@click.option(
    "--threshold",
    default=0.3,
    show_default=True,
    metavar="NUMBER",
    help="Beyond which a unit is on, high or low.",
)
@click.option("--off-around", is_flag=True, help="Leave out units that are on just before the span or just after it.")
@options.document
@options.whole("--count", 20, "Spans to show, at most.")
@options.output("signal, threshold, span, units, matches")
def match(trace: Path, span: range, signal: str | None, output: Output, **asked: Any) -> None:
    """Find where the units of a span are on together again.

    These are the units that are on through all of the span. The best passages share all of them, and have few
    others. Of a cell state, the threshold is of its tanh.
    """
    from rnnscope import open_trace
    from rnnscope.analysis.matching import match as match_spans

    output.check()
    found = match_spans(open_trace(trace), (span.start, span.stop), signal, **asked)
    output.show(found, json=_numbers(found))


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

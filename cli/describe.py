"""rnnscope describe"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import check_picture, concepts_options, draw, force_option, json_option, print_json, save_option


@click.command()
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.argument("address")
@concepts_options
@json_option(
    "address, unit, steps, units, switch, threshold, on, dwell, timescale, counter, event, kind, ranks, raised_by, "
    "lowered_by, contexts, explanation; of a signal: address, units"
)
@save_option
@force_option
def describe(trace: Path, address: str, concepts: list[str], as_json: bool, save: Path | None, force: bool) -> None:
    """Describe a unit without being told what to look for.

    ADDRESS is a unit such as l0.c.37, or a whole signal such as l0.c for its units by kind. A unit is ranked among
    those of its signal by the first 20,000 steps; the rest is over the whole trace.
    """
    from rnnscope import open_trace
    from rnnscope.analysis.units import LONGEST, rank_units
    from rnnscope.probes.concepts import named
    from rnnscope.reports.description import SignalCard, describe_unit
    from rnnscope.reports.description import as_json as numbers_of

    from .console import standard_output

    check_picture(save, force)
    opened = open_trace(trace)
    chosen = named(*concepts)
    series = opened[address]
    if "unit" in series.dims:
        if chosen:
            raise click.UsageError(f"Concepts explain one unit; {address} is a whole signal. Name one of its units.")
        card = SignalCard(rank_units(series, opened.text_between(0, LONGEST)))
    else:
        card = describe_unit(opened, address, chosen)
    if as_json:
        numbers = numbers_of(card)
        print_json({"address": address, "units": numbers} if isinstance(card, SignalCard) else numbers)
    else:
        standard_output().print(card)
    draw([card], save, as_json)

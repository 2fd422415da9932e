"""rnnscope describe"""

from __future__ import annotations

import json
from pathlib import Path

import click

from .arguments import concepts_options


@click.command()
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.argument("address")
@concepts_options
@click.option("--json", "as_numbers", is_flag=True, help="Print JSON instead.")
def describe(trace: Path, address: str, concepts: list[str], as_numbers: bool) -> None:
    """Say what a unit does, without being told what to look for.

    ADDRESS is a unit such as l0.c.37, or a whole signal such as l0.c for its units by kind. A unit is ranked among
    those of its signal by the first 20,000 steps; the rest is over the whole trace.
    """
    from rich.console import Console

    from rnnscope import open_trace
    from rnnscope.analysis.units import LONGEST, rank_units
    from rnnscope.probes.concepts import named
    from rnnscope.reports.description import SignalCard, as_json, describe_unit

    opened = open_trace(trace)
    chosen = named(*concepts)
    series = opened[address]
    if "unit" in series.dims:
        if chosen:
            raise click.UsageError(f"Concepts explain one unit; {address} is a whole signal. Name one of its units.")
        card = SignalCard(rank_units(series, opened.text_between(0, LONGEST)))
    else:
        card = describe_unit(opened, address, chosen)
    if as_numbers:
        click.echo(json.dumps(as_json(card), indent=2))
    else:
        Console(highlight=False).print(card)

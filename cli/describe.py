"""rnnscope describe"""

from __future__ import annotations

from pathlib import Path

import click

from . import options
from .output import Output


@options.command()
@options.trace
@options.address
@options.concepts
@options.output(
    "address, unit, steps, units, switch, threshold, on, dwell, timescale, counter, event, kind, ranks, raised_by, "
    "lowered_by, contexts, explanation; of a signal: address, units"
)
def describe(trace: Path, address: str, concepts: list[str], output: Output) -> None:
    """Describe a unit without being told what to look for.

    ADDRESS is a unit such as l0.c.37, or a whole signal such as l0.c for its units by kind. A unit is ranked among
    those of its signal by the first 20,000 steps; the rest is over the whole trace.
    """
    from rnnscope import open_trace
    from rnnscope.analysis.units import rank_units
    from rnnscope.probes.concepts import named
    from rnnscope.reports.description import SignalCard, as_json, describe_unit

    output.check()
    opened = open_trace(trace)
    chosen = named(*concepts)
    series = opened[address]
    if "unit" in series.dims:
        if chosen:
            raise click.UsageError(f"Concepts explain one unit; {address} is a whole signal. Name one of its units.")
        signal = SignalCard(rank_units(series))
        output.show(signal, json={"address": address, "units": as_json(signal)})
    else:
        unit = describe_unit(opened, address, chosen)
        output.show(unit, json=as_json(unit))

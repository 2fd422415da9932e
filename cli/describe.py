"""rnnscope describe"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .output import Output

if TYPE_CHECKING:
    from rnnscope.reports.description import UnitCard


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
    from rnnscope.reports.description import describe_unit

    output.check()
    opened = open_trace(trace)
    chosen = named(*concepts)
    series = opened[address]
    if "unit" in series.dims:
        if chosen:
            raise click.UsageError(f"Concepts explain one unit; {address} is a whole signal. Name one of its units.")
        ranking = rank_units(series)
        output.show(ranking, json={"address": address, "units": ranking.table.reset_index(names="address")})
    else:
        card = describe_unit(opened, address, chosen)
        output.show(card, json=_told(card))


def _told(card: UnitCard) -> dict[str, Any]:
    explanation = card.explanation
    return {
        "address": card.address,
        "steps": len(card.values),
        "units": len(card.ranking.table),
        **card.row,
        "ranks": card.ranks,
        "raised_by": card.responses.on(20),
        "lowered_by": card.responses.off(20),
        "contexts": card.contexts.table,
        "explanation": explanation
        and {
            "on": "above" if explanation.high else "below",
            "threshold": explanation.threshold,
            "share": explanation.share,
            "best": str(explanation.best["formula"]),
            "formulas": explanation.table,
        },
    }

"""rnnscope align"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model_or_trace
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File, Trace


@options.command()
@click.argument("first", metavar="MODEL.pt|TRACE")
@click.argument("second", metavar="MODEL.pt|TRACE")
@click.option(
    "--signals",
    type=options.Words(),
    metavar="ADDRESSES",
    help="Of both, or of the first and the second [default: the memory of each].",
)
@options.shifts(99)
@options.texts(required=False)
@options.seed
@options.device
@options.output("models, signals, steps, first_guess, same_guess, first_cost, table")
def align(
    first: str,
    second: str,
    signals: list[str] | None,
    shifts: int,
    texts: list[File],
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Find each unit's partner in another network.

    Give two MODELs and texts that both read, or two TRACEs of the same text. The partner of a unit of the first is the
    unit of the second whose values go with it best, and beside it stands how well the best does by chance; where such a
    pair parts, and where the networks first expect something else.
    """
    from tempfile import TemporaryDirectory

    from rnnscope.analysis.alignment import align_units

    output.check()
    if signals is not None and len(signals) not in (1, 2):
        raise click.UsageError("--signals has one address for both, or two with a comma, such as l0.c,l0.h.")
    asked = None if signals is None else (signals[0], signals[-1])
    opened = [open_model_or_trace(name, texts, device)[0] for name in (first, second)]
    with TemporaryDirectory() as folder:
        traces = [
            _traced(network, texts, asked and asked[place], Path(folder, str(place)))
            for place, network in enumerate(opened)
        ]
        found = align_units(traces[0], traces[1], asked, shifts=shifts, seed=seed)
    output.show(found, json=picked(found, "models signals steps first_guess same_guess first_cost table"))


def _traced(network: Any, texts: list[File], signal: str | None, path: Path) -> Trace:
    """A trace as it is, or that of a network with the signal alone, on disk."""
    from rnnscope import Trace, trace
    from rnnscope.recording.layers import memories

    if isinstance(network, Trace):
        return network
    names = sorted(set(memories(network).values())) if signal is None else [signal]
    return trace(network, texts, path, signals=names)

"""rnnscope align"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import (
    check_picture,
    device_option,
    documents_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    open_model_or_trace,
    print_json,
    save_option,
    seed_option,
    words,
)

if TYPE_CHECKING:
    from rnnscope import File, Trace
    from rnnscope.models import Network


@click.command()
@click.argument("first", metavar="FIRST")
@click.argument("second", metavar="SECOND")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@click.option(
    "--signals", callback=words, metavar="ADDRESSES", help="Of the first and the second [default: of the memory]."
)
@documents_option
@click.option("--shifts", default=99, show_default=True, type=click.IntRange(19, 9999), help="In time, for p.")
@seed_option("Of the shifts.")
@json_option("models, signals, steps, first_guess, same_guess, first_cost, table")
@save_option
@encoding_option
@device_option
@force_option
def align(
    first: str,
    second: str,
    texts: tuple[str, ...],
    signals: list[str] | None,
    documents: str | None,
    shifts: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Find each unit's partner in another network.

    FIRST and SECOND are models that read the texts, or traces of the same text. Of each unit of the first it is the
    unit of the second whose values go with it best, and beside it how well the best does by chance; where such a pair
    parts, and where the networks first expect something else.
    """
    from tempfile import TemporaryDirectory

    from rnnscope.analysis.alignment import align_units

    from .console import standard_output

    check_picture(save, force)
    if signals is not None and len(signals) not in (1, 2):
        raise click.UsageError("--signals has one address for both, or two with a comma, such as l0.c,l0.h.")
    asked = None if signals is None else (signals[0], signals[-1])
    read = files(texts, encoding, documents)
    opened = [open_model_or_trace(name, read, device)[0] for name in (first, second)]
    with TemporaryDirectory() as folder:
        traces = [
            _traced(network, read, asked and asked[place], Path(folder, str(place)))
            for place, network in enumerate(opened)
        ]
        result = align_units(traces[0], traces[1], asked, shifts=shifts, seed=seed)
    if as_json:
        about = {name: getattr(result, name) for name in ("models", "signals", "steps")}
        about |= {name: getattr(result, name) for name in ("first_guess", "same_guess", "first_cost")}
        print_json(about | {"table": result.table})
    else:
        standard_output().print(result)
    draw([result], save, as_json)


def _traced(network: Network | Trace, read: list[File], signal: str | None, path: Path) -> Trace:
    """A trace as it is, or that of a network with the signal alone, on disk."""
    from rnnscope import Trace, trace
    from rnnscope.recording.recorder import memories

    if isinstance(network, Trace):
        return network
    names = sorted(set(memories(network).values())) if signal is None else [signal]
    return trace(network, read, path, signals=names)

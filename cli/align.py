"""rnnscope align"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    check_picture,
    device_option,
    documents_option,
    draw,
    encoding_option,
    force_option,
    json_option,
    open_model_or_trace,
    print_json,
    save_option,
    seed_option,
    words,
)

if TYPE_CHECKING:
    from rnnscope import Trace
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

    from .console import standard_error, standard_output

    check_picture(save, force)
    if signals is not None and len(signals) not in (1, 2):
        raise click.UsageError("--signals has one address for both, or two with a comma, such as l0.c,l0.h.")
    asked = None if signals is None else (signals[0], signals[-1])
    console = standard_error()
    read = {"documents": documents, "encoding": encoding, "console": console}
    opened = [open_model_or_trace(name, texts, device) for name in (first, second)]
    held = _held(opened[0][1])
    with TemporaryDirectory() as folder:
        traces = [
            _traced(network, held, asked and asked[place], Path(folder, str(place)), read)
            for place, (network, _) in enumerate(opened)
        ]
        result = align_units(traces[0], traces[1], asked, shifts=shifts, seed=seed, console=console)
    if as_json:
        about = {name: getattr(result, name) for name in ("models", "signals", "steps")}
        about |= {name: getattr(result, name) for name in ("first_guess", "same_guess", "first_cost")}
        print_json(about | {"table": result.table})
    else:
        standard_output().print(result)
    draw([result], save, as_json)


def _held(given: Sequence[Any] | None) -> list[Path | bytes]:
    """Files, and what standard input holds, which both networks read."""
    return [source if isinstance(source, Path) else source.read() for source in given or ()]


def _traced(
    network: Network | Trace, held: list[Path | bytes], signal: str | None, path: Path, read: dict[str, Any]
) -> Trace:
    """A trace as it is, or that of a network with the signal alone, on disk."""
    from io import BytesIO

    from rnnscope import Trace, trace
    from rnnscope.recording.recorder import memories

    if isinstance(network, Trace):
        return network
    names = sorted(set(memories(network).values())) if signal is None else [signal]
    given = [BytesIO(part) if isinstance(part, bytes) else part for part in held]
    return trace(network, given, path, signals=names, **read)

"""rnnscope probe"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    check_picture,
    device_option,
    directions_option,
    documents_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    one_concept,
    open_model_or_trace,
    print_json,
    save_option,
    seed_option,
    words,
)

if TYPE_CHECKING:
    from rich.console import Console

    from rnnscope import Network, Trace
    from rnnscope.probes.evidence.probe_result import ProbeResult


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@click.option(
    "--concept",
    "concepts",
    multiple=True,
    required=True,
    metavar="CONCEPT",
    help="Such as quotes; a line for each.",
)
@click.option("--units", callback=words, metavar="NAMES", help="Such as l0.c or l0.c.37,l0.c.40 [default: memories].")
@click.option("--limit", default=100_000, show_default=True, metavar="N", type=click.IntRange(2), help="Steps to read.")
@seed_option("Of parts and controls.")
@click.option("--no-untrained", is_flag=True, help="Leave the untrained network out.")
@json_option("probes, one for each concept")
@save_option
@click.option("--save-direction", type=click.Path(path_type=Path), help="File for the probe's direction: .npz.")
@directions_option
@documents_option
@encoding_option
@device_option
@force_option
def probe(
    model: str,
    texts: tuple[str, ...],
    concepts: tuple[str, ...],
    units: list[str] | None,
    limit: int,
    seed: int,
    no_untrained: bool,
    as_json: bool,
    save: Path | None,
    save_direction: Path | None,
    directions: tuple[Path, ...],
    documents: str | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Read a concept from many units, with its baselines.

    Give a MODEL and texts, or a TRACE alone. The line at the top has the accuracy on documents or stretches that the
    probe was not trained on, the majority baseline, the same on an untrained network, the selectivity against a control
    task, the compression of an online code, and k, the units that do nearly as well as all.
    """
    from rnnscope import probes
    from rnnscope.output import new_path

    from .console import standard_output

    if save_direction is not None and len(concepts) > 1:
        raise click.UsageError("--save-direction writes the direction of one concept; name one.")
    check_picture(save, force, pages=len(concepts))
    if save_direction is not None:
        new_path(_check_direction(save_direction), force)
    known = [one_concept(name) for name in concepts]
    source, read = open_model_or_trace(model, files(texts, encoding, documents), device, directions)
    if save_direction is not None:
        _check_one_signal(source, units)
    found = (
        probes.probe(
            source,
            read,
            concept,
            units=units,
            untrained=not no_untrained,
            limit=limit,
            seed=seed,
        )
        for concept in known
    )
    with warnings.catch_warnings(record=True) as told:
        results = _printed(found, as_json, standard_output())
    for remark in dict.fromkeys(str(warning.message) for warning in told):
        click.echo(f"Note: {remark}", err=True)
    draw(results, save, as_json)
    if save_direction is not None:
        click.echo(f"Wrote {results[0].directions().save(save_direction)}", err=as_json)


def _check_direction(path: Path) -> Path:
    from rnnscope.errors import OutputError

    if path.suffix != ".npz":
        raise OutputError(f"{path} does not name a file of directions: its ending must be .npz.")
    return path


def _check_one_signal(source: Network | Trace, units: list[str] | None) -> None:
    from rnnscope.errors import ProbeError
    from rnnscope.probes.examples.reading import asked

    wanted = asked(source, units)
    if len(wanted) > 1 or None not in wanted.values():
        raise ProbeError(
            "--save-direction writes the direction of a probe of one whole signal. Name one, such as --units "
            f"{next(iter(wanted))}."
        )


def _printed(found: Iterator[ProbeResult], as_json: bool, console: Console) -> list[ProbeResult]:
    """The results, each printed when it is there."""
    results = []
    for result in found:
        if results and not as_json:
            console.print()
        results.append(result)
        if not as_json:
            console.print(result)
    if as_json:
        print_json({"probes": [_numbers(result) for result in results]})
    return results


def _numbers(result: ProbeResult) -> dict[str, Any]:
    """The figures of a result."""
    score = result.score
    return {
        "concept": result.name,
        "classes": result.classes,
        "units": len(result.units),
        "read": score.what,
        "line": result.line,
        "figures": score.table,
        "trained_on": score.trained_on,
        "tested_on": score.tested_on,
        "groups": score.groups,
        "compression": result.compression,
        "compressions": result.compressions,
        "frequency_compression": result.frequency_compression,
        "k": result.k,
        "single": {"unit": result.single, "accuracy": None if result.single is None else result.single_accuracy},
        "curve": result.table,
    }

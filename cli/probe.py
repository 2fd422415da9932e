"""rnnscope probe"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import one_concept, open_model_or_trace
from .output import Output, picked, print_json

if TYPE_CHECKING:
    from rnnscope import File, Network, Trace
    from rnnscope.probes.evidence.probe_result import ProbeResult


@options.command()
@options.model_or_trace
@options.concepts
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="ADDRESS",
    help="Such as l0.c.37, or l0.c for all its units; may be repeated [default: the memories].",
)
@click.option("--no-untrained", is_flag=True, help="Leave the untrained network out.")
@options.directions
@options.texts(required=False)
@options.limit()
@options.seed
@options.device
@click.option(
    "--save-direction", type=click.Path(path_type=Path), metavar="FILE.npz", help="File for the probe's direction."
)
@options.output("probes, one for each concept")
def probe(
    model: str,
    concepts: list[str],
    units: tuple[str, ...],
    no_untrained: bool,
    directions: tuple[Path, ...],
    texts: list[File],
    limit: int,
    seed: int,
    device: str,
    save_direction: Path | None,
    output: Output,
) -> None:
    """Read a concept from many units, with its baselines.

    Give a MODEL and texts, or a TRACE alone. The line at the top has the accuracy on documents or stretches that the
    probe was not trained on, the majority baseline, the same on an untrained network, the selectivity against a control
    task, the compression of an online code, and k, the units that do nearly as well as all.
    """
    from rnnscope import probes
    from rnnscope.output import new_path
    from rnnscope.recording.directions import check_file

    if not concepts:
        raise click.UsageError("Say what to read from the units, for example: --concept quotes")
    output.check(pages=len(concepts))
    if save_direction is not None:
        if len(concepts) > 1:
            raise click.UsageError("--save-direction writes the direction of one concept; name one.")
        new_path(check_file(save_direction), output.force)
    known = [one_concept(name) for name in concepts]
    source, read = open_model_or_trace(model, texts, device, directions)
    if save_direction is not None:
        _check_one_signal(source, units)
    asked: dict[str, Any] = {"units": units or None, "untrained": not no_untrained, "limit": limit, "seed": seed}
    found = _told((probes.probe(source, read, concept, **asked) for concept in known), output)
    output.plot(*found)
    if save_direction is not None:
        click.echo(f"Wrote {found[0].directions().save(save_direction)}", err=output.as_json)


def _check_one_signal(source: Network | Trace, units: tuple[str, ...]) -> None:
    from rnnscope.errors import ProbeError
    from rnnscope.probes.examples.reading import asked

    wanted = asked(source, units or None)
    if len(wanted) > 1 or None not in wanted.values():
        raise ProbeError(
            "--save-direction writes the direction of a probe of one whole signal. Name one, such as --unit "
            f"{next(iter(wanted))}."
        )


def _told(results: Iterator[ProbeResult], output: Output) -> list[ProbeResult]:
    """The results, each printed when it is there, and then what was remarked meanwhile."""
    from .console import standard_output

    found = []
    with warnings.catch_warnings(record=True) as remarks:
        for number, result in enumerate(results):
            found.append(result)
            if not output.as_json:
                standard_output().print(*[""][:number], result, sep="\n")
    for remark in dict.fromkeys(str(warning.message) for warning in remarks):
        click.echo(f"Note: {remark}", err=True)
    if output.as_json:
        print_json({"probes": [_numbers(result) for result in found]})
    return found


def _numbers(result: ProbeResult) -> dict[str, Any]:
    """The figures of a result."""
    score = result.score
    return {
        "concept": result.concept,
        "units": len(result.units),
        "read": score.what,
        "figures": score.table,
        "single": {"unit": result.single, "accuracy": None if result.single is None else result.single_accuracy},
        "curve": result.table,
        **picked(score, "trained_on tested_on groups"),
        **picked(result, "classes line compression compressions frequency_compression k"),
    }

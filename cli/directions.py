"""rnnscope directions"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import print_json

if TYPE_CHECKING:
    from rnnscope import Directions, File

_NAMES = {"pca": "pc", "rotation": "rotation"}


@options.command()
@options.model
@options.signal
@click.option("--kind", default="pca", show_default=True, type=click.Choice(list(_NAMES)), help="What to make.")
@options.whole("--components", None, "How many, the largest first [default: all]; of pca.")
@click.option("--name", metavar="NAME", help="Of the new signal [default: pc or rotation].")
@options.texts()
@options.limit()
@options.seed
@options.device
@options.path("FILE.npz", "NAME.npz")
@options.json("path, signal, kind, directions, steps, share (of the variance, of each), next")
@options.force
def directions(
    model: str,
    signal: str | None,
    kind: str,
    components: int | None,
    name: str | None,
    texts: list[File],
    limit: int,
    seed: int,
    device: str,
    path: Path | None,
    as_json: bool,
    force: bool,
) -> None:
    """Make directions of a signal, to be used as units are.

    Principal components (pca), or a random rotation of the units, each divided by its standard deviation. Other
    commands take the file as --directions; the directions are then the units of a signal such as l0.pc.
    """
    from rnnscope.analysis.directions.moments import signal_moments
    from rnnscope.analysis.directions.principal import components_of
    from rnnscope.analysis.directions.rotations import random_rotation
    from rnnscope.output import new_path
    from rnnscope.recording.along import along
    from rnnscope.recording.directions import check_file

    if kind == "rotation" and components is not None:
        raise click.UsageError("--components is of --kind pca; a rotation has as many directions as there are units.")
    name = name or _NAMES[kind]
    path = new_path(check_file(path or Path(f"{name}.npz")), force)
    network = open_model(model, device)
    moments = signal_moments(network, texts, signal, limit=limit)
    pca = kind == "pca"
    made = components_of(moments, components, name) if pca else random_rotation(moments, name=name, seed=seed)
    with along(network, made):  # which says whether the name is free
        made.save(path)
    found = {"path": path, "signal": str(made.address), "kind": kind, "directions": len(made)}
    found |= {"steps": moments.steps, "share": made.share, "next": _next(model, texts, path, made)}
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_lines(made, found)))


def _next(model: str, texts: list[File], path: Path, made: Directions) -> str:
    given = [str(text.source) if isinstance(text.source, Path) else "-" for text in texts]
    return shlex.join(["rnnscope", "units", model, *given, "--directions", str(path), "--signals", str(made.address)])


def _lines(made: Directions, found: dict[str, Any]) -> list[str]:
    """What was written, how much of the variance it has, and what is next."""
    what = "random directions" if made.share is None else "principal components"
    lines = [f"Wrote {found['path']}: {len(made)} {what} of {made.signal}, from {found['steps']:,} steps"]
    if made.share is not None:
        shares = made.share.cumsum()
        counts = dict.fromkeys(count for count in (1, 3, 10, 30, 100, len(made)) if count <= len(made))
        lines.append(f"  of its variance: {', '.join(f'{shares[count - 1]:.0%} along {count}' for count in counts)}")
    return [*lines, f"Next: {found['next']}"]

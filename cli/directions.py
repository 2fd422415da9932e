"""rnnscope directions"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from .arguments import (
    device_option,
    documents_option,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    model_argument,
    open_model,
    print_json,
    seed_option,
)


@click.command()
@model_argument
@click.argument("texts", nargs=-1, required=True, metavar="TEXT.txt...")
@click.option("--signal", metavar="ADDRESS", help="Such as l0.c [default: what the top layer remembers in, c or h].")
@click.option("--kind", default="pca", show_default=True, type=click.Choice(["pca", "rotation"]), help="What to make.")
@click.option(
    "--components", metavar="N", type=click.IntRange(1), help="How many, the largest first [default: all]; of pca."
)
@click.option("--name", metavar="NAME", help="Of the new signal [default: pc or rotation].")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write [default: NAME.npz].")
@documents_option
@limit_option
@seed_option("Of a rotation.")
@json_option("path, signal, kind, directions, steps, share (of the variance, of each), next")
@encoding_option
@device_option
@force_option
def directions(
    model: str,
    texts: tuple[str, ...],
    signal: str | None,
    kind: str,
    components: int | None,
    name: str | None,
    output: Path | None,
    documents: str | None,
    limit: int,
    seed: int,
    as_json: bool,
    encoding: str,
    device: str,
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
    name = name or {"pca": "pc", "rotation": "rotation"}[kind]
    path = new_path(check_file(output or Path(f"{name}.npz")), force)
    network = open_model(model, device)
    moments = signal_moments(
        network,
        files(texts, encoding, documents),
        signal,
        limit=limit,
    )
    pca = kind == "pca"
    found = components_of(moments, components, name) if pca else random_rotation(moments, name=name, seed=seed)
    with along(network, found):  # which says whether the name is free
        found.save(path)
    again = shlex.join(["rnnscope", "units", model, *texts, "--directions", str(path), "--signals", str(found.address)])
    if as_json:
        about = {"path": path, "signal": str(found.address), "kind": kind, "directions": len(found)}
        print_json(about | {"steps": moments.steps, "share": found.share, "next": again})
        return
    what = "principal components" if pca else "random directions"
    lines = [f"Wrote {path}: {len(found)} {what} of {found.signal}, from {moments.steps:,} steps"]
    if pca:
        assert found.share is not None
        shares = found.share.cumsum()
        counts = dict.fromkeys(count for count in (1, 3, 10, 30, 100, len(found)) if count <= len(found))
        lines.append(f"  of its variance: {', '.join(f'{shares[count - 1]:.0%} along {count}' for count in counts)}")
    click.echo("\n".join([*lines, f"Next: {again}"]))

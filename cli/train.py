"""rnnscope train"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from . import options
from .output import print_json


@options.command()
@click.argument("recipe", metavar="RECIPE.toml", type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True, help="Go on where an interrupted run was left.")
@options.device
@options.path("FOLDER", "runs/NAME")
@options.json("name, card (lines in words), training (the record that training keeps)")
@options.force
def train(recipe: Path, resume: bool, device: str, path: Path | None, as_json: bool, force: bool) -> None:
    """Make a network from a recipe.

    The folder of the run gets model.pt (the best weights), last.pt (to resume from), figures.csv
    and, at the end, card.md. Ctrl-C stops after the current step and leaves a checkpoint.

    On several devices or machines: torchrun --nproc-per-node 2 -m rnnscope.cli train RECIPE.toml
    """
    from rnnscope import show_progress, train

    from .console import standard_error, standard_output

    try:
        with show_progress(standard_error() if as_json else standard_output()):
            model = train(recipe, path, resume=resume, force=force, device=device)
    except KeyboardInterrupt:
        arguments = [str(recipe), *(["-o", str(path)] if path else []), "--device", device, "--resume"]
        go_on = f"if training had begun, go on with: rnnscope train {shlex.join(arguments)}"
        click.echo(f"Interrupted; {go_on}", err=as_json)
        raise SystemExit(130) from None
    if int(os.environ.get("RANK", "0")):  # torchrun's other processes
        return
    assert model.card is not None
    if as_json:
        print_json({"name": model.card.name, "card": dict(model.card.rows()), "training": model.card.training})
        return
    for name, value in model.card.rows():
        click.echo(f"{name:>12}  {value}")

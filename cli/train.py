"""rnnscope train"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from .arguments import device_option, force_option


@click.command()
@click.argument("recipe", metavar="RECIPE.toml", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the run [default: runs/NAME].")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run was left.")
@device_option
@force_option
def train(recipe: Path, output: Path | None, resume: bool, device: str, force: bool) -> None:
    """Make a network from a recipe.

    The folder of the run gets model.pt (the best weights), last.pt (to resume from), figures.csv
    and, at the end, card.md. Ctrl-C stops after the current step and leaves a checkpoint.

    On several devices or machines: torchrun --nproc-per-node 2 -m rnnscope.cli train RECIPE.toml
    """
    from rich.console import Console

    from rnnscope import train

    console = Console(highlight=False)
    try:
        model = train(recipe, output, resume=resume, force=force, device=device, console=console)
    except KeyboardInterrupt:
        arguments = [str(recipe), *(["-o", str(output)] if output else []), "--device", device, "--resume"]
        go_on = f"if training had begun, go on with: rnnscope train {shlex.join(arguments)}"
        console.print(f"Interrupted; {go_on}", markup=False, soft_wrap=True)
        raise SystemExit(130) from None
    if int(os.environ.get("RANK", "0")):  # torchrun's other processes
        return
    assert model.card is not None
    for name, value in model.card.rows():
        console.print(f"{name:>12}  {value}", markup=False, soft_wrap=True)

"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rnnscope.models import Network

model_argument = click.argument("model", metavar="MODEL.pt")
device_option = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="Where to run: auto, cpu, cuda, cuda:1, mps."
)
force_option = click.option("--force", is_flag=True, help="Replace outputs that exist.")
encoding_option = click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text.")


def open_model(model: str, device: str = "cpu") -> Network:
    """A checkpoint by its path, or a shipped network by its name."""
    from rnnscope import load, trained
    from rnnscope.errors import CheckpointError

    if Path(model).exists() or Path(model).suffix:
        return load(model, device)
    if model in trained.names():
        return load(trained.path(model), device)
    raise CheckpointError(
        f"There is no file {model}, and no shipped network of that name ({', '.join(trained.names())})."
    )

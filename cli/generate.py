"""rnnscope generate"""

from __future__ import annotations

import secrets

import click

from . import options
from .opening import open_model
from .output import print_json


@options.command()
@options.model
@options.prompt
@options.length(500, "Characters to write.")
@options.temperature
@click.option(
    "--seed",
    metavar="N",
    type=options.Whole(0, options.SEEDS),
    help="Of all that is drawn at random [default: another one each time].",
)
@options.device
@options.json("prompt, text (what the model adds), temperature, seed")
def generate(
    model: str, prompt: str, length: int, temperature: float, seed: int | None, device: str, as_json: bool
) -> None:
    """Let a language model write."""
    import torch

    from rnnscope import CharLanguageModel
    from rnnscope.errors import ModelError

    network = open_model(model, device)
    if not isinstance(network, CharLanguageModel):
        raise ModelError(
            f"{model} is a {network.task}: it does not go on with a text, as a language model does. "
            "What it makes of one: rnnscope trace"
        )
    if unknown := network.vocabulary.unknown(prompt):
        names = ", ".join(f"{character!r}" for character in unknown)
        click.echo(f"The model does not know {names}: read as the unknown symbol.", err=True)
    seed = secrets.randbelow(2**32) if seed is None else seed
    written = network.generate(prompt, length, temperature, torch.Generator().manual_seed(seed))
    if as_json:
        print_json({"prompt": prompt, "text": "".join(written), "temperature": temperature, "seed": seed})
        return
    click.echo(prompt.lstrip("\n"), nl=False)
    for character in written:
        click.echo(character, nl=False)
    click.echo()

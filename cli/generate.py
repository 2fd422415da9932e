"""rnnscope generate"""

from __future__ import annotations

import math
import secrets

import click

from .arguments import json_option, model_argument, open_model, print_json


@click.command()
@model_argument
@click.option("--prompt", default="\n", help="Text to go on from [default: a newline].")
@click.option(
    "-n", "--length", default=500, show_default=True, metavar="N", type=click.IntRange(1), help="Characters to write."
)
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    metavar="NUMBER",
    type=click.FloatRange(0, 1000),
    help="Below 1 likely characters gain; above 1 is more varied; 0 takes the most probable.",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), help="Makes the same text again [default: another one]."
)
@json_option("prompt, text (what the model adds), temperature, seed")
def generate(model: str, prompt: str, length: int, temperature: float, seed: int | None, as_json: bool) -> None:
    """Let a language model write."""
    import torch

    from rnnscope import CharLanguageModel
    from rnnscope.errors import ModelError

    if math.isnan(temperature):
        raise click.BadParameter("nan is not a temperature.", param_hint="--temperature")
    network = open_model(model)
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

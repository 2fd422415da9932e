"""rnnscope attribute"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import file, open_model
from .output import Output

if TYPE_CHECKING:
    from rnnscope import File


@options.command()
@options.model
@click.argument("text", metavar="TEXT.txt")
@options.target
@options.methods
@options.baseline
@options.words
@click.option(
    "--signal",
    metavar="ADDRESS",
    help="What the target owes to the units of a signal, such as l0.c, instead of the characters; its methods are "
    "gradient-x-activation (the default), gradient, conductance, integrated-gradients.",
)
@options.directions
@options.encoding
@options.limit(2000, least=1)
@options.seed
@options.device
@options.output("attributions, one for each method")
def attribute(
    model: str,
    text: str,
    target: str | None,
    methods: tuple[str, ...],
    baseline: str | None,
    words: bool,
    signal: str | None,
    directions: tuple[Path, ...],
    encoding: str,
    limit: int,
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Say what each character has to do with an output.

    Of the TEXT a newline at its very end is not read. Orange speaks for the target, purple against it. What comes after
    the step of a target is not shown: it cannot matter.
    """
    from rnnscope.analysis.attribution.attributing import attribute as attribute_characters
    from rnnscope.analysis.attribution.signals import attribute_units

    if signal is not None and words:
        raise click.UsageError("--words shows the words of a text; --signal shows units.")
    output.check(pages=max(len(methods), 1))
    network, read = open_model(model, device, directions), _beginning(file(text, encoding=encoding), limit)
    given: dict[str, Any] = {} if baseline is None else {"baseline": baseline}
    if signal is not None:
        asked = methods or ("gradient-x-activation",)
        found = [attribute_units(network, read, target, signal, method, **given) for method in asked]
    else:
        asked, given = methods or ("integrated-gradients",), given | {"words": words, "seed": seed}
        found = [attribute_characters(network, read, target, method, **given) for method in asked]
    output.show(*found, json={"attributions": [_numbers(one) for one in found]})


def _beginning(text: File, limit: int) -> str:
    """The first characters of a file or of standard input."""
    whole = text.text.removesuffix("\n")
    if len(whole) > limit:
        click.echo(f"Read: the first {limit:,} of {len(whole):,} characters; more with --limit.", err=True)
    return whole[:limit]


def _numbers(found: Any) -> dict[str, Any]:
    """A result as JSON: what was asked and measured, and its tables."""
    names = ("target", "parts", "signal", "method", "how", "baseline", "value", "difference", "gap", "table", "words")
    return {name: getattr(found, name) for name in names if hasattr(found, name)}

"""rnnscope attribute"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .arguments import (
    check_picture,
    device_option,
    directions_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    model_argument,
    open_model,
    print_json,
    save_option,
    seed_option,
)


@click.command()
@model_argument
@click.argument("text", metavar="TEXT.txt")
@click.option(
    "--target",
    metavar="NAME",
    help="A label, by name or number; e@120: the log-probability of e at step 120; l0.c.37@120: a unit. Steps from 0, "
    "or from the end: e@-1. [default: the label chosen; the text's last character]",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="integrated-gradients (the default), saliency, input-x-gradient, gradient-shap, occlusion, feature-ablation, "
    "contextual-decomposition; may be given several times.",
)
@click.option(
    "--baseline",
    metavar="NAME",
    help="What takes a text's place: empty (spaces; the default), zero, mean, a character; shuffled (gradient-shap).",
)
@click.option("--words", is_flag=True, help="Show words, and take whole words away.")
@click.option(
    "--signal",
    metavar="ADDRESS",
    help="What the target owes to the units of a signal, such as l0.c, instead of the characters; its methods are "
    "gradient-x-activation (the default), gradient, conductance, integrated-gradients.",
)
@click.option(
    "--limit", default=2000, show_default=True, metavar="N", type=click.IntRange(1), help="Characters to read."
)
@seed_option("Of gradient-shap.")
@directions_option
@json_option("attributions, one for each method")
@save_option
@encoding_option
@device_option
@force_option
def attribute(
    model: str,
    text: str,
    target: str | None,
    methods: tuple[str, ...],
    baseline: str | None,
    words: bool,
    signal: str | None,
    limit: int,
    seed: int,
    directions: tuple[Path, ...],
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Say what each character has to do with an output.

    TEXT is a file, or - for standard input; a newline at its very end is not read. Orange speaks for the target,
    purple against it. What comes after the step of a target is not shown: it cannot matter.
    """
    from rnnscope.analysis.attribution.attributing import attribute as attribute_characters
    from rnnscope.analysis.attribution.signals import attribute_units

    from .console import standard_output

    if signal is not None and words:
        raise click.UsageError("--words shows the words of a text; --signal shows units.")
    check_picture(save, force, pages=max(len(methods), 1))
    network, read = open_model(model, device, directions), _read(text, encoding, limit)
    given: dict[str, Any] = {} if baseline is None else {"baseline": baseline}
    found: list[Any]
    if signal is not None:
        found = [
            attribute_units(network, read, target, signal, method, **given)
            for method in methods or ("gradient-x-activation",)
        ]
    else:
        found = [
            attribute_characters(network, read, target, method, words=words, seed=seed, **given)
            for method in methods or ("integrated-gradients",)
        ]
    for number, one in enumerate(() if as_json else found):
        standard_output().print(*[""][:number], one, sep="\n")
    if as_json:
        print_json({"attributions": [_numbers(one) for one in found]})
    draw(found, save, as_json)


def _read(text: str, encoding: str, limit: int) -> str:
    """The first characters of a file or of standard input."""
    whole = files([text], encoding)[0].text.removesuffix("\n")
    if len(whole) > limit:
        click.echo(f"Read: the first {limit:,} of {len(whole):,} characters; more with --limit.", err=True)
    return whole[:limit]


def _numbers(found: Any) -> dict[str, Any]:
    """A result as JSON: what was asked and measured, and its tables."""
    names = ("target", "parts", "signal", "method", "how", "baseline", "value", "difference", "gap", "table", "words")
    return {name: getattr(found, name) for name in names if hasattr(found, name)}

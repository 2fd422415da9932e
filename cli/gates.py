"""rnnscope gates"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    device_option,
    documents_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    open_model_or_trace,
    print_json,
    save_option,
    seed_option,
)


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@documents_option
@click.option(
    "--limit", default=100_000, show_default=True, metavar="N", type=click.IntRange(100), help="Steps for timescales."
)
@seed_option("Of the places of the Jacobian.")
@json_option("saturation, summary, no_saturation, timescales")
@save_option
@encoding_option
@device_option
@force_option
def gates(
    model: str,
    texts: tuple[str, ...],
    documents: str | None,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """See how gates saturate and how long units remember.

    Saturation is told over all of the texts, timescales over their beginning: by the forget gate, by what the unit
    does, and by the Jacobian. Give a MODEL and texts, or a TRACE alone.
    """
    from rnnscope.analysis.gates.saturation import saturation
    from rnnscope.analysis.gates.timescales import timescales
    from rnnscope.errors import ModelError

    from .console import standard_output

    for pages in (1, 2):  # a network without gates has its timescales alone
        check_picture(save, force, pages)
    network, read = open_model_or_trace(model, files(texts, encoding, documents), device)
    console = standard_output()
    try:
        saturated, why = saturation(network, read), None
    except ModelError as error:  # it has no gates, but its units have timescales
        saturated, why = None, str(error)
    lasting = timescales(network, read, limit=limit, seed=seed)
    results = [result for result in (saturated, lasting) if result is not None]
    if as_json:
        found = {"saturation": saturated and saturated.table, "summary": saturated and saturated.summary}
        print_json(found | {"no_saturation": why, "timescales": lasting.table})
    else:
        if saturated is None:
            console.print(why, markup=False)
        else:
            console.print(saturated)
        console.print("", lasting, sep="\n")
    draw(results, save, as_json)

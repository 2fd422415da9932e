"""rnnscope jacobians"""

from __future__ import annotations

import json
from pathlib import Path

import click

from .arguments import (
    device_option,
    encoding_option,
    force_option,
    model_argument,
    open_model,
    rows,
    sources,
    words,
)

_LAGS = "1,2,5,10,20,50,100"


def _lags(ctx: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    try:
        return [int(word) for word in words(ctx, parameter, value) or []]
    except ValueError:
        raise click.BadParameter(f"whole numbers with commas were expected, such as {_LAGS}; got {value}.") from None


@click.command()
@model_argument
@click.argument("texts", nargs=-1, required=True, metavar="TEXT.txt...")
@click.option("--lags", default=_LAGS, show_default=True, callback=_lags, metavar="STEPS", help="k, with commas.")
@click.option("--places", type=click.IntRange(1), help="Of the text, at random [default: 50, fewer of wide states].")
@click.option("--exponents", default=10, show_default=True, type=click.IntRange(1), help="Of Lyapunov, the largest.")
@click.option("--steps", default=1000, show_default=True, type=click.IntRange(1), help="Of each sequence for them.")
@click.option("--sequences", default=10, show_default=True, type=click.IntRange(1), help="For the exponents.")
@click.option("--warmup", default=200, show_default=True, type=click.IntRange(0), help="Steps before each sequence.")
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(2), help="Characters to read.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of places and sequences.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def jacobians(
    model: str,
    texts: tuple[str, ...],
    lags: list[int],
    places: int | None,
    exponents: int,
    steps: int,
    sequences: int,
    warmup: int,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Measure how small differences in the state grow or vanish with time.

    Prints the singular values of d s(t) / d s(t-k), s all states of the network, and its Lyapunov exponents; for a
    vanilla RNN also the bound from its recurrent weights. Logarithms are natural, in nats.
    """
    from matplotlib.figure import Figure
    from rich.console import Console

    from rnnscope.analysis.gradients.jacobians import state_jacobians
    from rnnscope.analysis.gradients.lyapunov import lyapunov_spectrum
    from rnnscope.output import new_path
    from rnnscope.reports import figures
    from rnnscope.tracing.documents import Given, gather

    if save is not None:
        new_path(figures.check_format(save), force)
    network, read = open_model(model, device), gather(Given(sources(texts), encoding=encoding), "file")
    options = {"seed": seed, "limit": limit, "console": Console(stderr=True)}
    spectrum = lyapunov_spectrum(
        network, read, exponents=exponents, steps=steps, sequences=sequences, warmup=warmup, **options
    )
    measured = state_jacobians(network, read, lags=lags, places=places, **options)
    if as_json:
        found = {
            "signals": measured.signals,
            "slope": measured.slope,
            "slope_error": measured.slope_error,
            "jacobians": rows(measured.table),
            "lyapunov": rows(spectrum.table),
            "dimension": spectrum.dimension,
            "bound": None if measured.bound is None else rows(measured.bound),
        }
        click.echo(json.dumps({name: None if value != value else value for name, value in found.items()}))
    else:
        console = Console(highlight=False)
        console.print(measured, "", spectrum, sep="\n")
    if save is not None:
        figure = Figure(figsize=(14, 4), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        measured.plot((left, middle))
        spectrum.plot(right)
        figures.save([figure], save)
        click.echo(f"Drew {save}", err=as_json)

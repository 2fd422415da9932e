"""rnnscope jacobians"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .arguments import (
    check_picture,
    device_option,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    model_argument,
    open_model,
    print_json,
    save_option,
    say_drawn,
    seed_option,
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
@click.option(
    "--places", metavar="N", type=click.IntRange(1), help="Of the text, at random [default: 50, fewer of wide states]."
)
@click.option(
    "--exponents", default=10, show_default=True, metavar="N", type=click.IntRange(1), help="Of Lyapunov, the largest."
)
@click.option(
    "--steps", default=1000, show_default=True, metavar="N", type=click.IntRange(1), help="Of each sequence for them."
)
@click.option(
    "--sequences", default=10, show_default=True, metavar="N", type=click.IntRange(1), help="For the exponents."
)
@click.option(
    "--warmup", default=200, show_default=True, metavar="N", type=click.IntRange(0), help="Steps before each sequence."
)
@limit_option
@seed_option("Of places and sequences.")
@json_option("signals, slope, slope_error, jacobians, lyapunov, bound, dimension")
@save_option
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
    """Measure how differences in the state grow or vanish.

    Prints the singular values of d s(t) / d s(t-k), s all states of the network, and its Lyapunov exponents; for a
    vanilla RNN also the bound from its recurrent weights. Logarithms are natural, in nats.
    """
    from rnnscope.analysis.gradients.jacobians import state_jacobians
    from rnnscope.analysis.gradients.lyapunov import lyapunov_spectrum
    from rnnscope.reports import figures
    from rnnscope.style import new_panels
    from rnnscope.tracing.documents import gather

    from .console import standard_output

    check_picture(save, force)
    network, read = open_model(model, device), gather(files(texts, encoding))
    options: dict[str, Any] = {"seed": seed, "limit": limit}
    spectrum = lyapunov_spectrum(
        network, read, exponents=exponents, steps=steps, sequences=sequences, warmup=warmup, **options
    )
    measured = state_jacobians(network, read, lags=lags, places=places, **options)
    if as_json:
        about = {"signals": measured.signals, "slope": measured.slope, "slope_error": measured.slope_error}
        tables = {"jacobians": measured.table, "lyapunov": spectrum.table, "bound": measured.bound}
        print_json(about | tables | {"dimension": spectrum.dimension})
    else:
        standard_output().print(measured, "", spectrum, sep="\n")
    if save is not None:
        panels = new_panels(1, 3)
        measured.plot(panels[:2])
        spectrum.plot(panels[2])
        say_drawn(figures.save([panels], save), as_json)

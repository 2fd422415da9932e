"""rnnscope jacobians"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File


@options.command()
@options.model
@click.option(
    "--lags",
    default="1,2,5,10,20,50,100",
    show_default=True,
    type=options.Numbers(int),
    metavar="NUMBERS",
    help="k, with commas.",
)
@options.whole("--places", None, "Places of the text, at random [default: 50, fewer of wide states].")
@options.whole("--exponents", 10, "Of Lyapunov, the largest.")
@options.whole("--steps", 1000, "Of each sequence for them.")
@options.whole("--sequences", 10, "For the exponents.")
@options.whole("--warmup", 200, "Steps before each sequence.", least=0)
@options.texts()
@options.limit()
@options.seed
@options.device
@options.output("signals, slope, slope_error, jacobians, lyapunov, bound, dimension")
def jacobians(
    model: str,
    lags: list[int],
    places: int | None,
    texts: list[File],
    limit: int,
    seed: int,
    device: str,
    output: Output,
    **of_exponents: int,
) -> None:
    """Measure how differences in the state grow or vanish.

    Prints the singular values of d s(t) / d s(t-k), s all states of the network, and its Lyapunov exponents; for a
    vanilla RNN also the bound from its recurrent weights. Logarithms are natural, in nats.
    """
    from rnnscope.analysis.gradients.jacobians import state_jacobians
    from rnnscope.analysis.gradients.lyapunov import lyapunov_spectrum
    from rnnscope.style import new_panels
    from rnnscope.tracing.documents import gather

    output.check()
    network, read = open_model(model, device), gather(texts)
    same: dict[str, Any] = {"seed": seed, "limit": limit}
    spectrum = lyapunov_spectrum(network, read, **of_exponents, **same)
    measured = state_jacobians(network, read, lags=lags, places=places, **same)
    tables = {"jacobians": measured.table, "lyapunov": spectrum.table, "dimension": spectrum.dimension}
    output.tell(measured, spectrum, json=picked(measured, "signals slope slope_error bound") | tables)
    if output.save is not None:
        panels = new_panels(1, 3)
        measured.plot(panels[:2])
        spectrum.plot(panels[2])
        output.draw(panels)

"""rnnscope gradients"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_models
from .output import Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnscope import File
    from rnnscope.analysis.gradients.flow_result import GradientFlow


@options.command()
@options.models
@options.whole("--lags", 200, "The largest lag.", least=0, most=100_000)
@options.whole("--targets", 1000, "Steps that are predicted, at random.")
@click.option("--initial", is_flag=True, help="Set beside each network the same with its first weights.")
@click.option(
    "--map",
    "span",
    type=options.Span(),
    metavar="START:STOP",
    help="Start from these steps, and draw a map of each signal.",
)
@options.text
@options.limit()
@options.seed
@options.device
@options.output("networks")
def gradients(
    models: tuple[str, ...],
    lags: int,
    targets: int,
    initial: bool,
    span: range | None,
    text: File,
    limit: int,
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Measure how far back the gradient of a loss reaches.

    For many steps of the TEXT: the norm of the gradient of the loss with respect to the states of each layer, by how
    many steps earlier they were. Several networks are set side by side.
    """
    from rnnscope.analysis.gradients.flow import gradient_flow
    from rnnscope.analysis.gradients.flow_comparison import GradientFlows
    from rnnscope.tracing.documents import gather

    if span is not None and output.save is None:
        raise click.UsageError("--map draws a picture: say where to with --save.")
    if span is not None and len(span) < 2:
        raise click.UsageError(f"--map needs two steps or more; got {span.start}:{span.stop}.")
    output.check(pages=1 if span is None else len(models) * (1 + initial))
    documents = gather(text)
    asked: dict[str, Any] = {"lags": lags, "targets": span or targets, "seed": seed, "limit": limit}
    flows = {
        name: gradient_flow(model, documents, **asked) for name, model in _networks(models, device, initial).items()
    }
    found = GradientFlows(flows) if len(flows) > 1 else next(iter(flows.values()))
    output.tell(found, json={"networks": [_numbers(name, flow) for name, flow in flows.items()]})
    if span is None:
        output.plot(found)
    else:
        output.draw(*[_maps(name, flow) for name, flow in flows.items()])


def _networks(models: tuple[str, ...], device: str, initial: bool) -> dict[str, Any]:
    """The networks by what to call them, each followed by the same with its first weights if these are wanted."""
    from rnnscope.analysis.gradients.flow_comparison import INITIAL
    from rnnscope.training.first_weights import untrained

    found = {}
    for name, network in open_models(models, device).items():
        found[name] = network
        if initial:
            found[f"{name}{INITIAL}"] = untrained(network)
    return found


def _maps(name: str, flow: GradientFlow) -> Figure:
    """One map of each signal, below each other."""
    from rnnscope.style import figure_of, label, new_panels

    panels = new_panels(len(flow.signals), height=0.3 + 2.4 * len(flow.signals))
    for ax, signal in zip(panels, flow.signals, strict=True):
        flow.map(signal, ax)
    figure = figure_of(panels)
    figure.suptitle(label(name))
    return figure


def _numbers(name: str, flow: GradientFlow) -> dict[str, Any]:
    about = {"name": name, "architecture": flow.architecture, "text": flow.text, "targets": len(flow.targets)}
    return about | {"loss": flow.losses.mean(), "summary": flow.summary, "table": flow.table}

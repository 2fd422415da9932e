"""rnnscope gradients"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import (
    check_picture,
    device_option,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    open_model,
    print_json,
    save_option,
    say_drawn,
    seed_option,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnscope import CharLanguageModel
    from rnnscope.analysis.gradients.flow_result import GradientFlow


def _stretch(ctx: click.Context, parameter: click.Parameter, value: str | None) -> range | None:
    """START:STOP as a range of steps."""
    if value is None:
        return None
    start, _, stop = value.partition(":")
    if not (start.isdecimal() and stop.isdecimal() and int(stop) - int(start) > 1):
        raise click.BadParameter(f"{value!r} is no stretch of two steps or more, such as 1000:1100.")
    return range(int(start), int(stop))


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL.pt...")
@click.argument("text", metavar="TEXT.txt")
@click.option(
    "--lags", default=200, show_default=True, metavar="N", type=click.IntRange(0, 100_000), help="The largest lag."
)
@click.option(
    "--targets",
    default=1000,
    show_default=True,
    metavar="N",
    type=click.IntRange(1),
    help="Random steps to start from.",
)
@click.option("--initial", is_flag=True, help="Set beside each network the same with its first weights.")
@limit_option
@seed_option("Of the random steps.")
@json_option("networks")
@save_option
@click.option(
    "--map", "stretch", callback=_stretch, metavar="START:STOP", help="Take these steps, and draw a map of each signal."
)
@encoding_option
@device_option
@force_option
def gradients(
    models: tuple[str, ...],
    text: str,
    lags: int,
    targets: int,
    initial: bool,
    limit: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    stretch: range | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Measure how far back the gradient of a loss reaches.

    For many steps of the TEXT, which may be - for standard input: the norm of the gradient of the loss with respect to
    the states of each layer, by how many steps earlier they were. Several networks are set side by side.
    """
    from rnnscope.analysis.gradients.flow import gradient_flow
    from rnnscope.analysis.gradients.flow_result import GradientFlows
    from rnnscope.reports import figures
    from rnnscope.tracing.documents import gather

    from .console import standard_output

    check_picture(save, force, pages=1 if stretch is None else len(models) * (1 + initial))
    if save is None and stretch is not None:
        raise click.UsageError("--map draws a picture: say where to with --save.")
    documents = gather(files([text], encoding))
    wanted = {"lags": lags, "targets": stretch or targets, "seed": seed, "limit": limit}
    networks = _networks(models, device, initial)
    flows = {name: gradient_flow(model, documents, **wanted) for name, model in networks.items()}
    result = GradientFlows(flows) if len(flows) > 1 else next(iter(flows.values()))
    if as_json:
        print_json({"networks": [_numbers(name, flow) for name, flow in flows.items()]})
    else:
        standard_output().print(result)
    if save is not None:
        drawn = [result.plot()] if stretch is None else [_maps(name, flow) for name, flow in flows.items()]
        say_drawn(figures.save(drawn, save), as_json)


def _networks(models: tuple[str, ...], device: str, initial: bool) -> dict[str, CharLanguageModel]:
    """The networks by what to call them, each followed by the same with its first weights if these are wanted."""
    from rnnscope.analysis.gradients.flow_result import INITIAL
    from rnnscope.training.first_weights import untrained

    found = {}
    for name, model in zip(_names(models), models, strict=True):
        found[name] = open_model(model, device)
        if initial:
            found[f"{name}{INITIAL}"] = untrained(found[name])
    return found


def _names(models: tuple[str, ...]) -> list[str]:
    """A name for each: of its file, or of the folder of a model.pt, and of both or a number where names recur."""
    paths = [Path(model) for model in models]
    names = [path.parent.name if path.stem == "model" and path.parent.name else path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [
            name if name == path.parent.name else f"{path.parent.name} {name}".strip()
            for name, path in zip(names, paths, strict=True)
        ]
    return [f"{name} {place + 1}" if name in names[:place] else name for place, name in enumerate(names)]


def _maps(name: str, flow: GradientFlow) -> Figure:
    """One map of each signal, below each other."""
    from rnnscope.style import figure_of, label, new_panels

    panels = new_panels(len(flow.signals), height=0.3 + 2.4 * len(flow.signals))
    for ax, signal in zip(panels, flow.signals, strict=True):
        flow.map(signal, ax)
    figure = figure_of(panels)
    figure.suptitle(label(name))
    return figure


def _numbers(name: str, flow: GradientFlow) -> dict[str, object]:
    about = {"name": name, "architecture": flow.architecture, "text": flow.text, "targets": len(flow.targets)}
    return about | {"loss": flow.losses.mean(), "summary": flow.summary, "table": flow.table}

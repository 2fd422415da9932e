"""rnnscope gradients"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import device_option, encoding_option, force_option, open_model, rows, sources

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
@click.option("--lags", default=200, show_default=True, type=click.IntRange(0, 100_000), help="The largest lag.")
@click.option("--targets", default=1000, show_default=True, type=click.IntRange(1), help="Random steps to start from.")
@click.option("--initial", is_flag=True, help="Set beside each network the same with its first weights.")
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(2), help="Characters to read.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the random steps.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
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
    from rich.console import Console

    from rnnscope.analysis.gradients.flow import gradient_flow
    from rnnscope.analysis.gradients.flow_result import GradientFlows
    from rnnscope.output import new_path
    from rnnscope.reports import figures
    from rnnscope.tracing.documents import Given, gather

    if save is not None:
        new_path(figures.check_format(save), force)
    elif stretch is not None:
        raise click.UsageError("--map draws a picture: say where to with --save.")
    documents, console = gather(Given(sources([text]), encoding=encoding), "file"), Console(stderr=True)
    wanted = {"lags": lags, "targets": stretch or targets, "seed": seed, "limit": limit, "console": console}
    networks = _networks(models, device, initial)
    flows = {name: gradient_flow(model, documents, **wanted) for name, model in networks.items()}
    result = GradientFlows(flows) if len(flows) > 1 else next(iter(flows.values()))
    if as_json:
        click.echo(json.dumps({"networks": [_as_json(name, flow) for name, flow in flows.items()]}))
    else:
        Console(highlight=False).print(result)
    if save is not None:
        drawn = [result.plot().figure] if stretch is None else [_maps(name, flow) for name, flow in flows.items()]
        figures.save(drawn, save)  # pyright: ignore[reportArgumentType]
        click.echo(f"Drew {save}", err=as_json)


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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.4 + 3.2 * len(flow.signals)), layout="constrained")
    for axes, signal in zip(figure.subplots(len(flow.signals), squeeze=False)[:, 0], flow.signals, strict=True):
        flow.map(signal, axes)
    figure.suptitle(name, fontsize=11)
    return figure


def _as_json(name: str, flow: GradientFlow) -> dict[str, object]:
    about = {"name": name, "architecture": flow.architecture, "text": flow.text, "targets": len(flow.targets)}
    return about | {"loss": float(flow.losses.mean()), "summary": rows(flow.summary), "table": rows(flow.table)}

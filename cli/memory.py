"""rnnscope memory"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

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
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

_OF_TEXTS = ("targets", "places", "horizon", "limit", "encoding")
"""What can be said only where texts are read."""


def _numbers(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    words = None if value is None else value.replace(" ", "").split(",")
    if words is not None and not all(word.isdecimal() and len(word) < 10 for word in words):
        raise click.BadParameter(f"{value!r} is no list of lengths such as 10,20,50.")
    return None if words is None else [int(word) for word in words]


@click.command()
@model_argument
@click.argument("texts", nargs=-1, metavar="[TEXT.txt...]")
@click.option("--lengths", callback=_numbers, metavar="NUMBERS", help="Contexts, or lengths of a problem: 10,20,50.")
@click.option(
    "--targets", default=1_000, show_default=True, metavar="N", type=click.IntRange(1), help="Characters to predict."
)
@click.option(
    "--places", default=50, show_default=True, metavar="N", type=click.IntRange(2), help="Places to go on from, twice."
)
@click.option(
    "--horizon",
    metavar="N",
    type=click.IntRange(1),
    help="Steps to go on for [default: 5000, or a quarter of the longest text].",
)
@limit_option
@seed_option("Of all that is random.")
@json_option(
    "characters, low, high, loss, contexts, horizon, signals, units; of a memory problem: problem, trained, solved, "
    "lengths, units"
)
@save_option
@encoding_option
@device_option
@force_option
@click.pass_context
def memory(
    ctx: click.Context,
    model: str,
    texts: tuple[str, ...],
    as_json: bool,
    save: Path | None,
    device: str,
    force: bool,
    **options: Any,
) -> None:
    """Tell how far back a network remembers.

    A language model reads TEXTs, each a document, or - for standard input: the loss is measured with the last few
    characters alone and with others at a distance in place of the true ones; and how long each unit keeps the
    difference between two pasts.

    A network that was trained on a memory problem needs no text: success is measured against the length, beside
    that of what has no memory; and, where the problem is one of counting, which units count.
    """
    from rnnscope.models import Transducer
    from rnnscope.reports import figures

    from .console import standard_output

    check_picture(save, force)
    network = open_model(model, device)
    if isinstance(network, Transducer):
        given = [f"--{name}" for name in _OF_TEXTS if ctx.get_parameter_source(name) != ParameterSource.DEFAULT]
        if texts or given:
            raise click.UsageError(
                f"{model} was trained on the problem {network.problem.name} and reads no text: "
                f"leave {' and '.join([*texts, *given])} out."
            )
        results, found, figure = _of_problem(network, options["lengths"], options["seed"])
    elif texts:
        results, found, figure = _of_text(network, texts, **options)
    else:
        raise click.UsageError("Say which text to read: only a network that was trained on a memory problem has none.")
    if as_json:
        print_json(found)
    else:
        standard_output().print(*results, sep="\n")
    if save is not None:
        say_drawn(figures.save([figure], save), as_json)


def _of_text(
    network: Any,
    texts: tuple[str, ...],
    *,
    lengths: list[int] | None,
    targets: int,
    places: int,
    horizon: int | None,
    encoding: str,
    **options: Any,
) -> tuple[list[RenderableType], dict[str, Any], Figure]:
    """What to print, as JSON, and drawn."""
    from rnnscope.analysis.memory.context import effective_context
    from rnnscope.analysis.memory.forgetting import forgetting_times
    from rnnscope.style import new_figure
    from rnnscope.tracing.documents import gather

    documents = gather(files(texts, encoding))
    context = effective_context(network, documents, lengths=lengths, targets=targets, **options)
    forgetting = forgetting_times(network, documents, places=places, horizon=horizon, **options)
    figure = new_figure("page", 4.8)
    top, bottom = figure.subfigures(2, 1)  # pyright: ignore[reportGeneralTypeIssues]
    context.plot(top.subplots(1, 2))
    forgetting.plot(bottom.subplots())
    found = {key: getattr(context, key) for key in ("characters", "low", "high", "loss")}
    found |= {
        "contexts": context.table,
        "horizon": forgetting.horizon,
        "signals": forgetting.summary,
        "units": forgetting.table,
    }
    return [context, "", forgetting], found, figure


def _of_problem(
    network: Any, lengths: list[int] | None, seed: int
) -> tuple[list[RenderableType], dict[str, Any], Figure]:
    """What to print, as JSON, and drawn."""
    from rnnscope.analysis.memory.counting import counting_units
    from rnnscope.analysis.memory.success import task_success
    from rnnscope.problems.counting import CounterLanguage
    from rnnscope.style import figure_of, new_panels

    success = task_success(network, lengths, seed=seed)
    units = counting_units(network, seed=seed) if isinstance(network.problem, CounterLanguage) else None
    left, *right = new_panels(1, 1 if units is None else 2, width="column" if units is None else "page")
    success.plot(left)
    if units is not None:
        units.plot(right[0])
    found = {"problem": network.problem.name, "trained": success.trained, "solved": success.solved}
    found |= {"lengths": success.table, "units": None if units is None else units.table}
    return [success] if units is None else [success, "", units], found, figure_of(left)

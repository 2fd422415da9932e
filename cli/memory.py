"""rnnscope memory"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import CharLanguageModel, File
    from rnnscope.models import Transducer

_OF_TEXTS = ("contexts", "targets", "places", "horizon", "documents", "encoding", "limit")
"""What can be said only where texts are read."""


@options.command()
@options.model
@click.option(
    "--contexts", type=options.Numbers(int), metavar="NUMBERS", help="How many characters to leave, such as 10,20,50."
)
@options.whole("--targets", 1000, "Steps that are predicted, at random.")
@options.whole("--places", 50, "Places of the text, at random.", least=2)
@options.whole("--horizon", None, "Steps to go on for [default: 5000, or a quarter of the longest text].")
@click.option(
    "--lengths", type=options.Numbers(int), metavar="NUMBERS", help="Of sequences of a memory problem: 10,20,50."
)
@options.texts(required=False)
@options.limit()
@options.seed
@options.device
@options.output(
    "characters, low, high, loss, contexts, horizon, signals, units; of a memory problem: problem, trained, solved, "
    "lengths, units"
)
def memory(
    model: str, lengths: list[int] | None, texts: list[File], seed: int, device: str, output: Output, **asked: Any
) -> None:
    """Tell how far back a network remembers.

    Of a language model the loss is measured with the last few characters alone, and with others at a distance in place
    of the true ones; and how long each unit keeps the difference between two pasts.

    A network that was trained on a memory problem needs no text: success is measured against the length, beside
    that of what has no memory; and, where the problem is one of counting, which units count.
    """
    from rnnscope.models import Transducer

    output.check()
    network = open_model(model, device)
    if isinstance(network, Transducer):
        if alien := [*(text.name for text in texts), *options.given(*_OF_TEXTS)]:
            raise click.UsageError(
                f"{model} was trained on the problem {network.problem.name} and reads no text: "
                f"leave {' and '.join(alien)} out."
            )
        _of_problem(network, lengths, seed, output)
    elif not texts:
        raise click.UsageError("Say which text to read: only a network that was trained on a memory problem has none.")
    elif lengths is not None:
        raise click.UsageError("--lengths are those of a memory problem; of a text say --contexts.")
    else:
        _of_texts(network, texts, output, seed=seed, **asked)


def _of_texts(
    network: CharLanguageModel,
    texts: list[File],
    output: Output,
    *,
    contexts: list[int] | None,
    targets: int,
    places: int,
    horizon: int | None,
    **same: int,
) -> None:
    from rnnscope.analysis.memory.context import effective_context
    from rnnscope.analysis.memory.forgetting import forgetting_times
    from rnnscope.style import new_figure
    from rnnscope.tracing.documents import gather

    documents = gather(texts)
    context = effective_context(network, documents, contexts=contexts, targets=targets, **same)
    forgetting = forgetting_times(network, documents, places=places, horizon=horizon, **same)
    tables = {"contexts": context.table, "signals": forgetting.summary, "units": forgetting.table}
    json = picked(context, "characters low high loss") | {"horizon": forgetting.horizon} | tables
    output.tell(context, forgetting, json=json)
    if output.save is not None:
        figure = new_figure("page", 4.8)
        top, bottom = figure.subfigures(2, 1)  # pyright: ignore[reportGeneralTypeIssues]
        context.plot(top.subplots(1, 2))
        forgetting.plot(bottom.subplots())
        output.draw(figure)


def _of_problem(network: Transducer, lengths: list[int] | None, seed: int, output: Output) -> None:
    from rnnscope.analysis.memory.counting import counting_units
    from rnnscope.analysis.memory.success import task_success
    from rnnscope.problems.counting import CounterLanguage
    from rnnscope.style import new_panels

    success = task_success(network, lengths, seed=seed)
    units = counting_units(network, seed=seed) if isinstance(network.problem, CounterLanguage) else None
    results = [success] if units is None else [success, units]
    json = {"problem": network.problem.name, "lengths": success.table, "units": None if units is None else units.table}
    output.tell(*results, json=picked(success, "trained solved") | json)
    if output.save is not None:
        panels = new_panels(1, len(results), width="column" if units is None else "page")
        for result, ax in zip(results, panels, strict=True):
            result.plot(ax)
        output.draw(panels)

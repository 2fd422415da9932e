"""rnnscope classes"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import device_option, encoding_option, force_option, model_argument, open_model, rows

if TYPE_CHECKING:
    from rnnscope import Network
    from rnnscope.corpora.labelled import LabelledCorpus
    from rnnscope.probes.experiments.holding import HeldUnit


@click.command()
@model_argument
@click.option(
    "--labelled", required=True, metavar="NAME|FILE", help="sentiment, sms-spam, or a table or folder of two classes."
)
@click.option("--clamp", is_flag=True, help="Hold the best unit: what is written, or answered, then?")
@click.option("--judge", metavar="MODEL.pt", help="A classifier that says of what class written texts are.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Of probes and texts.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def classes(
    model: str,
    labelled: str,
    clamp: bool,
    judge: str | None,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Tell two classes of texts apart by one unit, or some.

    The experiment of the sentiment neuron, on what a network holds of whole texts: of a language model its state in the
    end, of a classifier what its head reads. What is best is chosen on parts for training and validation, and told of
    texts for test. A language model writes with the unit held if a --judge is given; a classifier answers with --clamp.
    """
    from rich.console import Console

    from rnnscope.output import new_path
    from rnnscope.probes.experiments.single_unit import single_unit_study
    from rnnscope.reports import figures

    clamp = clamp or judge is not None
    if save is not None:
        for page in figures.page_paths(figures.check_format(save), 1 + clamp):
            new_path(page, force)
    network: Any = open_model(model, device)
    corpus, console = _corpus(labelled, encoding), Console(stderr=True)
    held = _held(network, corpus, judge, device) if clamp else None
    study = single_unit_study(network, corpus, seed=seed, console=console)
    results: list[Any] = [study, held(study.unit, seed, console)] if held else [study]
    if as_json:
        about = {"unit": study.unit, "threshold": study.threshold, "texts": study.texts, "read": study.read}
        about |= {"table": rows(study.table), "curve": rows(study.curve)}
        more = {"clamp": {"label": results[1].label, "table": rows(results[1].table)}} if held else {}
        click.echo(json.dumps(about | more))
    else:
        Console(highlight=False).print(*results, sep="\n")
    if save is not None:
        drawn = [study.plot()[0], *(result.plot() for result in results[1:])]
        pages = figures.save([axes.figure for axes in drawn], save)
        click.echo(f"Drew {', '.join(map(str, pages))}", err=as_json)


def _corpus(labelled: str, encoding: str) -> LabelledCorpus:
    """Labelled texts by name or path."""
    from rnnscope.corpora.labelled import NAMED, open_labelled

    if labelled in NAMED:
        return open_labelled(labelled)
    return open_labelled(path=labelled, encoding=encoding)


def _held(network: Network, corpus: LabelledCorpus, judge: str | None, device: str) -> Any:
    """What holds a unit: a function of its address, a seed and a console."""
    from rnnscope.errors import ModelError
    from rnnscope.models import CharLanguageModel, SequenceClassifier
    from rnnscope.probes.experiments.holding import read_while_held, written_while_held

    label = max(corpus.classes)
    if isinstance(network, CharLanguageModel):
        if judge is None:
            raise ModelError("Who says of what class the texts are that it writes? Name a classifier with --judge.")
        classifier: Any = open_model(judge, device)

        def written(unit: str, seed: int, console: Any) -> HeldUnit:
            return written_while_held(network, unit, classifier, label, seed=seed, console=console)

        return written
    if judge is not None:
        raise ModelError("A --judge is for what a language model writes; this network writes nothing.")
    if not isinstance(network, SequenceClassifier):
        raise ModelError("A language model or a classifier is needed to hold a unit.")
    tests = corpus.distinct().split((0.8, 0.1, 0.1))["test"]
    return lambda unit, seed, console: read_while_held(network, unit, tests, label, console=console)

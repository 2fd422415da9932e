"""rnnscope classes"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    check_picture,
    device_option,
    draw,
    encoding_option,
    force_option,
    json_option,
    model_argument,
    open_model,
    print_json,
    save_option,
    seed_option,
)

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
@seed_option("Of probes and texts.")
@json_option("unit, threshold, texts, read, table, curve, and clamp where asked for")
@save_option
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
    from rnnscope.probes.experiments.single_unit import single_unit_study

    from .console import standard_output

    clamp = clamp or judge is not None
    check_picture(save, force, pages=1 + clamp)
    network: Any = open_model(model, device)
    corpus = _corpus(labelled, encoding)
    held = _held(network, corpus, judge, device) if clamp else None
    study = single_unit_study(network, corpus, seed=seed)
    results: list[Any] = [study, held(study.unit, seed)] if held else [study]
    if as_json:
        about = {"unit": study.unit, "threshold": study.threshold, "texts": study.texts, "read": study.read}
        about |= {"table": study.table, "curve": study.curve}
        more = {"clamp": {"label": results[1].label, "table": results[1].table}} if held else {}
        print_json(about | more)
    else:
        standard_output().print(*results, sep="\n")
    draw(results, save, as_json)


def _corpus(labelled: str, encoding: str) -> LabelledCorpus:
    """Labelled texts by name or path."""
    from rnnscope.corpora.labelled import NAMED, open_labelled

    if labelled in NAMED:
        return open_labelled(labelled)
    return open_labelled(path=labelled, encoding=encoding)


def _held(network: Network, corpus: LabelledCorpus, judge: str | None, device: str) -> Any:
    """What holds a unit: a function of its address and a seed."""
    from rnnscope.errors import ModelError
    from rnnscope.models import CharLanguageModel, SequenceClassifier
    from rnnscope.probes.experiments.holding import read_while_held, written_while_held

    label = max(corpus.classes)
    if isinstance(network, CharLanguageModel):
        if judge is None:
            raise ModelError("Who says of what class the texts are that it writes? Name a classifier with --judge.")
        classifier: Any = open_model(judge, device)

        def written(unit: str, seed: int) -> HeldUnit:
            return written_while_held(network, unit, classifier, label, seed=seed)

        return written
    if judge is not None:
        raise ModelError("A --judge is for what a language model writes; this network writes nothing.")
    if not isinstance(network, SequenceClassifier):
        raise ModelError("A language model or a classifier is needed to hold a unit.")
    tests = corpus.distinct().split((0.8, 0.1, 0.1))["test"]
    return lambda unit, seed: read_while_held(network, unit, tests, label)

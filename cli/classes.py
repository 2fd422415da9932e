"""rnnscope classes"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import Network
    from rnnscope.corpora.labelled import LabelledCorpus
    from rnnscope.probes.experiments.holding import HeldUnit


@options.command()
@options.model
@click.option(
    "--labelled", required=True, metavar="NAME|FILE", help="sentiment, sms-spam, or a table or folder of two classes."
)
@click.option("--clamp", is_flag=True, help="Hold the best unit: what is written, or answered, then?")
@click.option("--judge", metavar="MODEL.pt", help="A classifier that says of what class written texts are.")
@options.encoding
@options.seed
@options.device
@options.output("unit, threshold, texts, read, table, curve, and clamp where asked for")
def classes(
    model: str,
    labelled: str,
    clamp: bool,
    judge: str | None,
    encoding: str,
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Tell two classes of texts apart by one unit, or some.

    The experiment of the sentiment neuron, on what a network holds of whole texts: of a language model its state in the
    end, of a classifier what its head reads. What is best is chosen on parts for training and validation, and told of
    texts for test. A language model writes with the unit held if a --judge is given; a classifier answers with --clamp.
    """
    from rnnscope.corpora.labelled import NAMED, open_labelled
    from rnnscope.probes.experiments.single_unit import single_unit_study

    clamp = clamp or judge is not None
    output.check(pages=1 + clamp)
    network = open_model(model, device)
    corpus = open_labelled(labelled) if labelled in NAMED else open_labelled(path=labelled, encoding=encoding)
    hold = _holder(network, corpus, judge, device, seed) if clamp else None
    study = single_unit_study(network, corpus, seed=seed)
    found: list[Any] = [study]
    json = picked(study, "unit threshold texts read table curve")
    if hold is not None:
        found.append(held := hold(study.unit))
        json["clamp"] = picked(held, "label table")
    output.show(*found, json=json)


def _holder(
    network: Network, corpus: LabelledCorpus, judge: str | None, device: str, seed: int
) -> Callable[[str], HeldUnit]:
    """What holds a unit while the network writes or reads; refused before the work begins."""
    from rnnscope.errors import ModelError
    from rnnscope.models import CharLanguageModel, SequenceClassifier
    from rnnscope.probes.experiments.holding import read_while_held, written_while_held

    label = max(corpus.classes)
    if isinstance(network, CharLanguageModel):
        if judge is None:
            raise ModelError("Who says of what class the texts are that it writes? Name a classifier with --judge.")
        classifier = open_model(judge, device)
        return lambda unit: written_while_held(network, unit, classifier, label, seed=seed)
    if judge is not None:
        raise ModelError("A --judge is for what a language model writes; this network writes nothing.")
    if not isinstance(network, SequenceClassifier):
        raise ModelError("A language model or a classifier is needed to hold a unit.")
    tests = corpus.distinct().split((0.8, 0.1, 0.1))["test"]
    return lambda unit: read_while_held(network, unit, tests, label)

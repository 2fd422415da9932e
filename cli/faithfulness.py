"""rnnscope faithfulness"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import open_model
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File, Network


@options.command()
@options.model
@click.option(
    "--labelled",
    metavar="NAME|FILE",
    help="The test part of labelled texts instead: sms-spam, sentiment, names, or a table or folder of yours.",
)
@options.target
@options.methods
@options.baseline
@options.words
@options.whole("--count", 30, "Texts to read, at random places.")
@options.length(200, "Characters of a text.", least=2)
@options.whole("--orders", 20, "Random orders of each text.", least=2)
@options.texts(required=False)
@options.seed
@options.device
@options.output("target, parts, baseline, texts, left_out, orders, refused, verdicts, table, curves")
def faithfulness(
    model: str,
    labelled: str | None,
    methods: tuple[str, ...],
    baseline: str | None,
    count: int,
    length: int,
    texts: list[File],
    seed: int,
    device: str,
    output: Output,
    **asked: Any,
) -> None:
    """Say which attributions to trust on a network.

    Characters are deleted and inserted in the order that each method gives. What it calls important has to matter more
    than characters in random order. A text of a classifier is a line; of another network it is a stretch of a file,
    whose last character is the target if none is named. All methods that hold for the network are checked, unless some
    are named.
    """
    from rnnscope.analysis.attribution.faithfulness import faithfulness as check

    if bool(texts) == bool(labelled):
        raise click.UsageError(f"Give texts, or labelled ones by --labelled; got {'both' if texts else 'neither'}.")
    output.check()
    network = open_model(model, device)
    read = _labelled(labelled, network) if labelled else _stretches(texts, length, network)
    chosen = _some([text[:length] for text in read], count, seed)
    if baseline is not None:
        asked["baseline"] = baseline
    found = check(network, chosen, methods=methods or None, seed=seed, **asked)
    json = picked(found, "target parts baseline texts left_out orders refused table curves")
    output.tell(found, json=json | {"verdicts": dict(found.verdicts)})
    if output.save is not None:
        output.draw(_both_curves(found))


def _both_curves(found: Any) -> Any:
    """Deletion and insertion side by side, with one legend."""
    from rnnscope.style import new_panels

    panels = new_panels(1, 2, height=2.6)
    for ax, curve in zip(panels, ("deletion", "insertion"), strict=True):
        found.plot(ax, curve)
    panels[0].get_legend().remove()  # pyright: ignore[reportOptionalMemberAccess]
    return panels


def _labelled(name: str, network: Network) -> list[str]:
    """The texts of the test part of a labelled corpus, split as for the network's training."""
    from rnnscope.corpora.labelled import open_labelled
    from rnnscope.training.recipe_file import recipe_of
    from rnnscope.training.tasks.classification import LabelledRecipe

    made = network.card.training.get("recipe") if network.card else None
    found = recipe_of(made).corpus if made else None
    shape = found if isinstance(found, LabelledRecipe) else LabelledRecipe()
    corpus = open_labelled(path=name, encoding=shape.encoding) if Path(name).exists() else open_labelled(name)
    return [example.text for example in corpus.cut(shape.longest).distinct().split(shape.split)["test"]]


def _stretches(texts: list[File], length: int, network: Network) -> list[str]:
    """The beginnings of documents for a classifier, whole stretches of them for another network."""
    from rnnscope.models import SequenceClassifier
    from rnnscope.tracing.documents import gather

    classifier = isinstance(network, SequenceClassifier)
    found = [document.text for document in gather(texts, "line" if classifier else "file")]
    if classifier:
        return found
    return [
        text[start : start + length] for text in found for start in range(0, max(1, len(text) - length + 1), length)
    ]


def _some(texts: list[str], count: int, seed: int) -> list[str]:
    """So many of the texts, at random, in their order."""
    import numpy as np

    if len(texts) <= count:
        return texts
    return [texts[place] for place in np.sort(np.random.default_rng(seed).choice(len(texts), count, replace=False))]

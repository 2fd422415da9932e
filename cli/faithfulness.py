"""rnnscope faithfulness"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import (
    check_picture,
    device_option,
    documents_option,
    encoding_option,
    files,
    force_option,
    json_option,
    model_argument,
    open_model,
    print_json,
    save_option,
    say_drawn,
    seed_option,
)

if TYPE_CHECKING:
    from rnnscope import File, Network


@click.command()
@model_argument
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@click.option(
    "--labelled",
    metavar="NAME|FILE",
    help="The test part of labelled texts instead: sms-spam, sentiment, names, or a table or folder of yours.",
)
@click.option("--target", metavar="NAME", help="As of rnnscope attribute, the same for each text.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="As of rnnscope attribute; may be given several times. [default: all that hold for the network]",
)
@click.option("--words", is_flag=True, help="Delete words instead of characters.")
@click.option("--baseline", default="empty", show_default=True, metavar="NAME", help="What is put in their place.")
@click.option(
    "--count",
    default=30,
    show_default=True,
    metavar="N",
    type=click.IntRange(1),
    help="Texts to read, at random places.",
)
@click.option(
    "--limit", default=200, show_default=True, metavar="N", type=click.IntRange(2), help="Characters of a text."
)
@click.option(
    "--orders", default=20, show_default=True, metavar="N", type=click.IntRange(2), help="Random orders of each text."
)
@seed_option("Of texts, orders and intervals.")
@json_option("target, parts, baseline, texts, left_out, orders, refused, verdicts, table, curves")
@save_option
@documents_option
@encoding_option
@device_option
@force_option
def faithfulness(
    model: str,
    texts: tuple[str, ...],
    labelled: str | None,
    target: str | None,
    methods: tuple[str, ...],
    words: bool,
    baseline: str,
    count: int,
    limit: int,
    orders: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    documents: str | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Say which attributions to trust on a network.

    Characters are deleted and inserted in the order that each method gives. What it calls important has to matter more
    than characters in random order. A text of a classifier is a line; of another network it is a stretch of a file,
    whose last character is the target if none is named.
    """
    from rnnscope.analysis.attribution.faithfulness import faithfulness as check
    from rnnscope.reports import figures
    from rnnscope.style import new_panels

    from .console import standard_output

    if bool(texts) == bool(labelled):
        got = "both" if texts else "neither"
        raise click.UsageError(f"Give texts, or labelled ones by --labelled; got {got}.")
    check_picture(save, force)
    network = open_model(model, device)
    read = _labelled(labelled, network) if labelled else _stretches(files(texts, encoding, documents), limit, network)
    chosen = _some([text[:limit] for text in read], count, seed)
    result = check(
        network,
        chosen,
        target,
        methods or None,
        words=words,
        baseline=baseline,
        orders=orders,
        seed=seed,
    )
    if as_json:
        about = {"target": result.target, "parts": result.parts, "baseline": result.baseline, "texts": result.texts}
        about |= {
            "left_out": result.left_out,
            "orders": result.orders,
            "refused": result.refused,
            "verdicts": dict(result.verdicts),
        }
        print_json(about | {"table": result.table, "curves": result.curves})
    else:
        standard_output().print(result)
    if save is not None:
        panels = new_panels(1, 2, height=2.6)
        for ax, curve in zip(panels, ("deletion", "insertion"), strict=True):
            result.plot(ax, curve)
        panels[0].get_legend().remove()  # pyright: ignore[reportOptionalMemberAccess]
        say_drawn(figures.save([panels], save), as_json)


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


def _stretches(files: list[File], limit: int, network: Network) -> list[str]:
    """The beginnings of documents for a classifier, whole stretches of them for another network."""
    from rnnscope.models import SequenceClassifier
    from rnnscope.tracing.documents import gather

    classifier = isinstance(network, SequenceClassifier)
    found = [document.text for document in gather(files, "line" if classifier else "file")]
    if classifier:
        return found
    return [text[start : start + limit] for text in found for start in range(0, max(1, len(text) - limit + 1), limit)]


def _some(texts: list[str], count: int, seed: int) -> list[str]:
    """So many of the texts, at random, in their order."""
    import numpy as np

    if len(texts) <= count:
        return texts
    return [texts[place] for place in np.sort(np.random.default_rng(seed).choice(len(texts), count, replace=False))]

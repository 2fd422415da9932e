"""rnnscope probe"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    device_option,
    documents_option,
    encoding_option,
    force_option,
    one_concept,
    open_model,
    rows,
    sources,
    words,
)

if TYPE_CHECKING:
    from rich.console import Console

    from rnnscope import Network
    from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
    from rnnscope.probes.evidence.probe_result import ProbeResult


@click.command()
@click.argument("model", metavar="MODEL.pt|TRACE")
@click.argument("texts", nargs=-1, metavar="TEXT.txt...")
@click.option("--concept", "concepts", multiple=True, metavar="CONCEPT", help="Such as quotes; several: a line each.")
@click.option("--labelled", metavar="NAME|PATH", help="Labelled texts, such as sentiment, in place of TEXT.")
@click.option("--units", callback=words, metavar="NAMES", help="Such as l0.c or l0.c.37,l0.c.40 [default: memories].")
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(2), help="Steps or texts to read.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--no-untrained", is_flag=True, help="Leave the untrained network out.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@click.option("--save-direction", type=click.Path(path_type=Path), help="File for the probe's direction: .npz.")
@documents_option
@encoding_option
@device_option
@force_option
def probe(
    model: str,
    texts: tuple[str, ...],
    concepts: tuple[str, ...],
    labelled: str | None,
    units: list[str] | None,
    limit: int,
    seed: int,
    no_untrained: bool,
    as_json: bool,
    save: Path | None,
    save_direction: Path | None,
    documents: str | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Read a concept from a network's units with a probe, and say what its accuracy is worth.

    Give a MODEL and texts, or a TRACE alone. The line at the top has the accuracy on documents or stretches that the
    probe was not trained on, the majority baseline, the same on an untrained network, the selectivity against a control
    task, the compression of an online code, and k, the units that do nearly as well as all.
    """
    from rich.console import Console

    from rnnscope.output import new_path
    from rnnscope.reports import figures

    traced = Path(model).is_dir() or Path(model).suffix == ".zarr"
    _check_given(traced, texts, concepts, labelled)
    if save_direction is not None and len(concepts) > 1:
        raise click.UsageError("--save-direction writes the direction of one concept; name one.")
    for path, check in ((save, figures.check_format), (save_direction, _check_direction)):
        if path is not None:
            new_path(check(path), force)
    shared: dict[str, Any] = {
        "units": units,
        "untrained": not no_untrained,
        "limit": limit,
        "seed": seed,
        "console": Console(stderr=True),
    }
    if labelled is not None:
        found = _of_labelled(model, labelled, device, encoding, shared)
    else:
        found = _of_concepts(model, texts, concepts, device, shared | {"documents": documents, "encoding": encoding})
    with warnings.catch_warnings(record=True) as told:
        results = _printed(found, as_json, Console(highlight=False))
    for remark in dict.fromkeys(str(warning.message) for warning in told):
        click.echo(f"Note: {remark}", err=True)
    if save is not None:
        pages = [result.plot().figure for result in results]
        written = ", ".join(map(str, figures.save(pages, save)))  # pyright: ignore[reportArgumentType]
        click.echo(f"Drew {written}", err=as_json)
    if save_direction is not None:
        click.echo(f"Wrote {results[0].directions().save(save_direction)}", err=as_json)


def _check_given(traced: bool, texts: tuple[str, ...], concepts: tuple[str, ...], labelled: str | None) -> None:
    if labelled is not None:
        if traced or texts or concepts:
            raise click.UsageError("--labelled takes a model alone: the texts and their classes are in the collection.")
        return
    if not concepts:
        raise click.UsageError("Name what to read from the units: --concept quotes, or --labelled sentiment.")
    if traced == bool(texts):
        raise click.UsageError("Give a model and texts to read, or a trace alone, which has its text.")


def _check_direction(path: Path) -> Path:
    from rnnscope.errors import OutputError

    if path.suffix != ".npz":
        raise OutputError(f"{path} does not name a file of directions: its ending must be .npz.")
    return path


def _of_concepts(
    model: str, texts: tuple[str, ...], concepts: tuple[str, ...], device: str, options: dict[str, Any]
) -> Iterator[ProbeResult]:
    """A result for each concept."""
    from rnnscope import open_trace
    from rnnscope.probes.evidence.probing import probe, rereadable

    known = [one_concept(name) for name in concepts]
    source = open_model(model, device) if texts else open_trace(model)
    given = rereadable(sources(texts)) if texts else None
    for concept in known:
        yield probe(source, given, concept, **options)


def _of_labelled(
    model: str, labelled: str, device: str, encoding: str, options: dict[str, Any]
) -> Iterator[ProbeResult]:
    """The result for the classes of labelled texts."""
    from rnnscope.corpora.labelled import NAMED, open_labelled
    from rnnscope.probes.evidence.probing import probe_texts

    corpus = open_labelled(labelled) if labelled in NAMED else open_labelled(path=labelled, encoding=encoding)
    network = open_model(model, device)
    yield probe_texts(network, _unseen(network, corpus), name=corpus.name, **options)


def _unseen(network: Network, corpus: LabelledCorpus) -> Sequence[LabelledText]:
    """Labelled texts without those that a classifier was trained on."""
    from rnnscope.corpora.labelled import key_of

    made = network.card.training.get("recipe", {}).get("corpus", {}) if network.card else {}
    if corpus.name not in (made.get("name"), Path(made.get("path") or ".").name):
        return corpus.examples
    known = {key_of(text.text) for text in corpus.cut(made["longest"]).distinct().split(made["split"])["train"]}
    unseen = [text for text in corpus.examples if key_of(text.text[: made["longest"]]) not in known]
    click.echo(
        f"Note: {len(unseen):,} of {len(corpus.examples):,} texts are read; the network learnt the others.", err=True
    )
    return unseen


def _printed(found: Iterator[ProbeResult], as_json: bool, console: Console) -> list[ProbeResult]:
    """The results, each printed when it is there."""
    results = []
    for result in found:
        if results and not as_json:
            console.print()
        results.append(result)
        if not as_json:
            console.print(result)
    if as_json:
        click.echo(json.dumps([_numbers(result) for result in results], indent=1))
    return results


def _numbers(result: ProbeResult) -> dict[str, Any]:
    """The figures of a result."""
    score = result.score
    return {
        "concept": result.name,
        "classes": result.classes,
        "units": len(result.units),
        "read": score.what,
        "line": result.line,
        "figures": rows(score.table),
        "trained_on": score.trained_on,
        "tested_on": score.tested_on,
        "groups": score.groups,
        "compression": result.compression,
        "compressions": result.compressions,
        "frequency_compression": result.frequency_compression,
        "k": result.k,
        "single": {"unit": result.single, "accuracy": None if result.single is None else result.single_accuracy},
        "curve": rows(result.table),
    }

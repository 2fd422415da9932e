"""rnnscope agreement"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import device_option, encoding_option, force_option, model_argument, open_model, rows, sources, words

if TYPE_CHECKING:
    from rnnscope import KneserNey, Network
    from rnnscope.corpora.minimal_pairs import MinimalPair


def _filters(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for value in values:
        column, equals, wanted = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is no column and value such as number=plural.")
        found.setdefault(column.strip(), set()).add(wanted.strip())
    return found


@click.command()
@model_argument
@click.argument("pairs", metavar="PAIRS.tsv", type=click.Path(path_type=Path))
@click.option("--by", callback=words, metavar="COLUMNS", help="Conditions to tell by, such as phenomenon,number.")
@click.option(
    "--only", multiple=True, callback=_filters, metavar="COLUMN=VALUE", help="Pairs to take; several values: any."
)
@click.option("--baseline-train", "train", multiple=True, metavar="TEXT.txt", help="What an n-gram model learns from.")
@click.option("--ngram", default=7, show_default=True, type=click.IntRange(1, 20), help="Its order.")
@click.option("--start", default="\n", help="Read before each sentence [default: a newline].")
@click.option("--end", default=".", show_default=True, help="Read after a sentence that has no full stop.")
@click.option("--probe", "probed", is_flag=True, help="Also train probes of singular and plural at each word.")
@click.option("--unit", "units", multiple=True, metavar="ADDRESS", help="Also take this unit away; several together.")
@click.option(
    "--controls", default=20, show_default=True, type=click.IntRange(0, 1000), help="Sets of other units to compare."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of intervals, folds and controls.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--save", type=click.Path(path_type=Path), help="Picture to draw as well: .png, .svg or .pdf.")
@encoding_option
@device_option
@force_option
def agreement(
    model: str,
    pairs: Path,
    by: list[str] | None,
    only: dict[str, set[str]],
    train: tuple[str, ...],
    ngram: int,
    start: str,
    end: str,
    probed: bool,
    units: tuple[str, ...],
    controls: int,
    seed: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Score a language model on minimal pairs of sentences.

    The good sentence of a pair should be the more probable. PAIRS.tsv has columns good and bad, and others that are
    conditions, named by its first line. The probability is that of all characters, up to the one after the last word.
    """
    from rich.console import Console

    from rnnscope.analysis.agreement.ablation import agreement_ablation
    from rnnscope.analysis.agreement.preference import agreement as prefer
    from rnnscope.output import new_path
    from rnnscope.probes.experiments.number import number_probes
    from rnnscope.reports import figures

    figure_count = 1 + probed + bool(units)
    if save is not None:
        for page in figures.page_paths(figures.check_format(save), figure_count):
            new_path(page, force)
    network: Any = open_model(model, device)
    chosen = _chosen(pairs, only, encoding)
    console, same = Console(stderr=True), {"start": start, "seed": seed}
    baseline = _baseline(network, train, ngram, encoding) if train else None
    results: dict[str, Any] = {
        "agreement": prefer(network, chosen, by=by, baseline=baseline, end=end, console=console, **same)
    }
    if probed:
        results["probes"] = number_probes(network, chosen, console=console, **same)
    if units:
        results["ablation"] = agreement_ablation(
            network, chosen, units, by=by, end=end, controls=controls, console=console, **same
        )
    if as_json:
        click.echo(json.dumps({name: _figures(name, result) for name, result in results.items()}))
    else:
        Console(highlight=False).print(*results.values(), sep="\n")
    if save is not None:
        drawn = [result.plot() for result in results.values()]
        pages = figures.save([(axes[0] if hasattr(axes, "__len__") else axes).figure for axes in drawn], save)
        click.echo(f"Drew {', '.join(map(str, pages))}", err=as_json)


def _chosen(path: Path, only: dict[str, set[str]], encoding: str) -> list[MinimalPair]:
    """The pairs of a file that have the values asked for."""
    from rnnscope.corpora.minimal_pairs import read_minimal_pairs
    from rnnscope.errors import TextError

    pairs = read_minimal_pairs(path, encoding)
    for column, wanted in only.items():
        known = {pair.conditions.get(column, "") for pair in pairs}
        if strange := sorted(wanted - known):
            listed = ", ".join(sorted(known - {""})[:20]) or f"no column {column}"
            raise TextError(f"No pair of {path} has {column} {', '.join(strange)}. There is {listed}.")
        pairs = [pair for pair in pairs if pair.conditions.get(column, "") in wanted]
    return list(pairs)


def _baseline(model: Network, train: tuple[str, ...], order: int, encoding: str) -> KneserNey:
    """An n-gram model of some texts."""
    from rnnscope.analysis.language_models import check_model
    from rnnscope.ngram import KneserNey
    from rnnscope.tracing.documents import Given, gather

    vocabulary = check_model(model).vocabulary
    text = "\n\n".join(document.text for document in gather(Given(sources(train), encoding=encoding), "file"))
    return KneserNey(order, len(vocabulary)).fit(vocabulary.encode(text))


def _figures(name: str, result: Any) -> dict[str, Any]:
    """The figures of a result, for JSON."""
    found = {"text": result.text, "table": rows(result.table.reset_index())}
    if name == "agreement":
        return found | {"by": result.by, "baseline": result.baseline}
    if name == "ablation":
        return found | {"by": result.by, "units": result.units, "what": result.what, "controls": result.controls}
    matrices = {kind: matrix.table.to_numpy().tolist() for kind, matrix in result.matrices.items()}
    return found | {"matrices": matrices, "unit": result.unit, "units": result.units}

"""rnnscope agreement"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import (
    check_picture,
    device_option,
    directions_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    model_argument,
    open_model,
    print_json,
    save_option,
    seed_option,
    words,
)

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
@click.option("--ngram", default=7, show_default=True, metavar="N", type=click.IntRange(1, 20), help="Its order.")
@click.option("--start", default="\n", help="Read before each sentence [default: a newline].")
@click.option("--end", default=".", show_default=True, help="Read after a sentence that has no full stop.")
@click.option("--probe", "probed", is_flag=True, help="Also train probes of singular and plural at each word.")
@click.option("--unit", "units", multiple=True, metavar="ADDRESS", help="Also take this unit away; several together.")
@directions_option
@click.option(
    "--controls",
    default=20,
    show_default=True,
    metavar="N",
    type=click.IntRange(0, 1000),
    help="Sets of other units to compare.",
)
@seed_option("Of intervals, folds and controls.")
@json_option("agreement, and probes and ablation where asked for")
@save_option
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
    directions: tuple[Path, ...],
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
    from rnnscope.analysis.agreement.ablation import agreement_ablation
    from rnnscope.analysis.agreement.preference import agreement as prefer
    from rnnscope.probes.experiments.number import number_probes

    from .console import standard_output

    check_picture(save, force, pages=1 + probed + bool(units))
    network: Any = open_model(model, device, directions)
    chosen = _chosen(pairs, only, encoding)
    same: dict[str, Any] = {"start": start, "seed": seed}
    baseline = _baseline(network, train, ngram, encoding) if train else None
    results: dict[str, Any] = {"agreement": prefer(network, chosen, by=by, baseline=baseline, end=end, **same)}
    if probed:
        results["probes"] = number_probes(network, chosen, **same)
    if units:
        results["ablation"] = agreement_ablation(network, chosen, units, by=by, end=end, controls=controls, **same)
    if as_json:
        print_json({name: _figures(name, result) for name, result in results.items()})
    else:
        standard_output().print(*results.values(), sep="\n")
    draw(results.values(), save, as_json)


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
    from rnnscope.tracing.documents import gather

    vocabulary = check_model(model).vocabulary
    text = "\n\n".join(document.text for document in gather(files(train, encoding)))
    return KneserNey(order, len(vocabulary)).fit(vocabulary.encode(text))


def _figures(name: str, result: Any) -> dict[str, Any]:
    """The figures of a result, for JSON."""
    found = {"text": result.text, "table": result.table.reset_index()}
    if name == "agreement":
        return found | {"by": result.by, "baseline": result.baseline}
    if name == "ablation":
        return found | {"by": result.by, "units": result.units, "what": result.what, "controls": result.controls}
    matrices = {kind: matrix.table.to_numpy() for kind, matrix in result.matrices.items()}
    return found | {"matrices": matrices, "unit": result.unit, "units": result.units}

"""rnnscope agreement"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import files, open_model
from .output import Output, picked

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


@options.command()
@options.model
@click.argument("pairs", metavar="PAIRS.tsv", type=click.Path(path_type=Path))
@click.option("--by", type=options.Words(), metavar="COLUMNS", help="Conditions, such as phenomenon,number.")
@click.option(
    "--only", multiple=True, callback=_filters, metavar="COLUMN=VALUE", help="Pairs to take; may be repeated: any."
)
@options.train
@options.whole("--ngram", 7, "Order of an n-gram model.", most=20)
@click.option("--before", default="\n", metavar="TEXT", help="Read before each sentence [default: a newline].")
@click.option(
    "--after", default=".", show_default=True, metavar="TEXT", help="Read after a sentence that has no full stop."
)
@click.option("--probe", "probed", is_flag=True, help="Also train probes of singular and plural at each word.")
@options.units("Also take this away, such as l0.c.37")
@options.controls
@options.directions
@options.encoding
@options.seed
@options.device
@options.output("agreement, and probes and ablation where asked for")
def agreement(
    model: str,
    pairs: Path,
    by: list[str] | None,
    only: dict[str, set[str]],
    train: tuple[str, ...],
    ngram: int,
    before: str,
    after: str,
    probed: bool,
    units: tuple[str, ...],
    controls: int,
    directions: tuple[Path, ...],
    encoding: str,
    seed: int,
    device: str,
    output: Output,
) -> None:
    """Score a language model on minimal pairs of sentences.

    The good sentence of a pair should be the more probable. PAIRS.tsv has columns good and bad, and others that are
    conditions, named by its first line. The probability is that of all characters, up to the one after the last word.
    """
    from rnnscope.analysis.agreement.ablation import agreement_ablation
    from rnnscope.analysis.agreement.preference import agreement as prefer
    from rnnscope.probes.experiments.number import number_probes

    output.check(pages=1 + probed + bool(units))
    network: Any = open_model(model, device, directions)
    chosen = _chosen(pairs, only, encoding)
    same: dict[str, Any] = {"before": before, "seed": seed}
    learnt = _ngram(network, train, ngram, encoding) if train else None
    found: dict[str, Any] = {"agreement": prefer(network, chosen, by=by, ngram=learnt, after=after, **same)}
    if probed:
        found["probes"] = number_probes(network, chosen, **same)
    if units:
        found["ablation"] = agreement_ablation(network, chosen, units, by=by, after=after, controls=controls, **same)
    output.show(*found.values(), json={name: _figures(name, result) for name, result in found.items()})


def _chosen(path: Path, only: dict[str, set[str]], encoding: str) -> list[MinimalPair]:
    """The pairs of a file that have the values asked for."""
    from rnnscope import File, read_minimal_pairs
    from rnnscope.errors import TextError

    pairs = read_minimal_pairs(File(path, encoding=encoding))
    for column, wanted in only.items():
        known = {pair.conditions.get(column, "") for pair in pairs}
        if strange := sorted(wanted - known):
            listed = ", ".join(sorted(known - {""})[:20]) or f"no column {column}"
            raise TextError(f"No pair of {path} has {column} {', '.join(strange)}. There is {listed}.")
        pairs = [pair for pair in pairs if pair.conditions.get(column, "") in wanted]
    return list(pairs)


def _ngram(model: Network, train: tuple[str, ...], order: int, encoding: str) -> KneserNey:
    """An n-gram model of some texts."""
    from rnnscope.analysis.language_models import check_model
    from rnnscope.ngram import KneserNey
    from rnnscope.tracing.documents import gather

    vocabulary = check_model(model).vocabulary
    text = "\n\n".join(document.text for document in gather(files(train, encoding=encoding)))
    return KneserNey(order, len(vocabulary)).fit(vocabulary.encode(text))


def _figures(name: str, result: Any) -> dict[str, Any]:
    """The figures of a result, for JSON."""
    found = {"text": result.text, "table": result.table.reset_index()}
    if name == "probes":
        matrices = {kind: matrix.table.to_numpy() for kind, matrix in result.matrices.items()}
        return found | {"matrices": matrices} | picked(result, "unit units")
    return found | picked(result, "by baseline" if name == "agreement" else "by units what controls")

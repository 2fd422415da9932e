"""rnnscope errors"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import options
from .opening import files, open_models
from .output import Output, picked

if TYPE_CHECKING:
    from rnnscope import File


def _print_definitions(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from rich.table import Table

    from rnnscope.analysis.mistakes.categories import CATEGORIES

    from .console import standard_output

    table = Table("category", "an error belongs to the first one that holds", box=None, padding=(0, 2, 0, 0))
    for name, said in CATEGORIES.items():
        table.add_row(name, said)
    standard_output().print(table)
    ctx.exit()


@options.command()
@options.models
@options.train
@click.option(
    "--ngram",
    "orders",
    multiple=True,
    metavar="N",
    type=options.Whole(1, 20),
    help="Order of an n-gram model [default: 7]; may be repeated.",
)
@click.option(
    "--definitions", is_flag=True, is_eager=True, expose_value=False, callback=_print_definitions,
    help="Say what the categories mean, and do nothing else.",
)  # fmt: skip
@options.text
@options.limit(500_000)
@options.device
@options.output("text, definitions, models, categories, pairs, classes, positions, distances")
def errors(
    models: tuple[str, ...],
    train: tuple[str, ...],
    orders: tuple[int, ...],
    text: File,
    limit: int,
    device: str,
    output: Output,
) -> None:
    """Tell which characters models get wrong.

    Models stand side by side, and beside n-grams if --train says what these learn from. A character that had a
    probability below 0.5 is an error. Errors are told by category, losses by class, by position, and since an opening
    quote or bracket.
    """
    from rnnscope.analysis.mistakes.error_analysis import error_analysis

    output.check()
    found = error_analysis(
        open_models(models, device),
        text,
        train=files(train, encoding=text.encoding) or None,
        orders=orders or None,
        limit=limit,
    )
    tables = {"models": found.summary, "categories": found.table, "pairs": found.pairs, "classes": found.by_class}
    tables |= {"positions": found.by_position, "distances": found.by_distance}
    output.show(found, json=picked(found, "text definitions") | tables)

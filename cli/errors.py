"""rnnscope errors"""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import (
    check_picture,
    device_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    open_model,
    print_json,
    save_option,
)


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


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL.pt...")
@click.option("--text", "texts", multiple=True, required=True, metavar="TEXT.txt", help="To read; several: documents.")
@click.option("--train", multiple=True, metavar="TEXT.txt", help="What n-grams learn from; without it there are none.")
@click.option(
    "--ngram", "orders", multiple=True, metavar="N", type=click.IntRange(1, 20), help="Order of an n-gram [default: 7]."
)
@click.option(
    "--limit", default=500_000, show_default=True, metavar="N", type=click.IntRange(2), help="Characters to read."
)
@click.option(
    "--definitions", is_flag=True, is_eager=True, expose_value=False, callback=_print_definitions,
    help="Say what the categories mean, and do nothing else.",
)  # fmt: skip
@json_option("text, definitions, models, categories, pairs, classes, positions, distances")
@save_option
@encoding_option
@device_option
@force_option
def errors(
    models: tuple[str, ...],
    texts: tuple[str, ...],
    train: tuple[str, ...],
    orders: tuple[int, ...],
    limit: int,
    as_json: bool,
    save: Path | None,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Tell which characters models get wrong.

    Models stand side by side, and beside n-grams. A MODEL is a checkpoint or the name of a shipped network. A character
    that had a probability below 0.5 is an error. Errors are told by category, losses by class, by position, and since
    an opening quote or bracket.
    """
    from rnnscope.analysis.mistakes.error_analysis import error_analysis

    from .console import standard_output

    check_picture(save, force)
    result = error_analysis(
        {name: open_model(model, device) for name, model in _named(models).items()},  # pyright: ignore[reportArgumentType]
        files(texts, encoding),
        train=files(train, encoding) or None,
        orders=orders or None,
        limit=limit,
    )
    if as_json:
        about = {"text": result.text, "definitions": result.definitions, "models": result.summary}
        tables = {"categories": result.table, "pairs": result.pairs, "classes": result.by_class}
        tables |= {"positions": result.by_position, "distances": result.by_distance}
        print_json(about | tables)
    else:
        standard_output().print(result)
    draw([result], save, as_json)


def _named(models: tuple[str, ...]) -> dict[str, str]:
    """The models by short names: of a checkpoint its own or its folder's, or the whole path where these are alike."""
    if twice := next((model for model in models if models.count(model) > 1), None):
        raise click.UsageError(f"{twice} is given twice.")
    paths = [Path(model) for model in models]
    short = [path.resolve().parent.name if path.name == "model.pt" else path.stem for path in paths]
    names = short if len(set(short)) == len(short) else models
    return dict(zip(names, models, strict=True))

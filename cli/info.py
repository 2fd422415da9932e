"""rnnscope info"""

from __future__ import annotations

import click

from .arguments import model_argument, open_model


@click.command()
@model_argument
def info(model: str) -> None:
    """Say what a network is, what it was trained on, and how well it does."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    card = open_model(model).card
    assert card is not None
    recipe = card.training.get("recipe", {})
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in card.rows():
        table.add_row(name, Text(value))
    console = Console(highlight=False)
    limits = " ".join(recipe.get("limits", "").split())
    for part in (Text(card.name, style="bold"), recipe.get("description"), table, limits):
        if part:
            console.print(part, markup=False)
            console.print()

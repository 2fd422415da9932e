"""rnnscope info"""

from __future__ import annotations

from . import options
from .opening import open_model
from .output import print_json


@options.command()
@options.model
@options.json("name, description, limits, card (lines in words), training (the record that training keeps)")
def info(model: str, as_json: bool) -> None:
    """Say what a network is and how well it does.

    Also what it was trained on, how, and what its limits are.
    """
    from rich.table import Table
    from rich.text import Text

    from .console import standard_output

    card = open_model(model).card
    assert card is not None
    recipe = card.training.get("recipe", {})
    limits = " ".join(recipe.get("limits", "").split())
    if as_json:
        said = {"name": card.name, "description": recipe.get("description"), "limits": limits or None}
        print_json(said | {"card": dict(card.rows()), "training": card.training})
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in card.rows():
        table.add_row(name, Text(value))
    console = standard_output()
    for part in (Text(card.name, style="bold"), recipe.get("description"), table, limits):
        if part:
            console.print(part, markup=False)
            console.print()

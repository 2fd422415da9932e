"""rnnscope concepts"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .opening import file
from .output import picked, print_json

if TYPE_CHECKING:
    from rnnscope.concept import Concept


@options.command()
@click.argument("text", metavar="[TEXT.txt]", required=False)
@options.concepts
@options.start("character")
@options.length(2000, "Characters to show.")
@options.encoding
@options.json("concepts, which have the labels of a TEXT")
def concepts(text: str | None, concepts: list[str], start: int, length: int, encoding: str, as_json: bool) -> None:
    """List what units may track; or show a TEXT with labels.

    A new CONCEPT is NAME=regex:PATTERN, NAME=query:LANGUAGE:QUERY (tree-sitter), NAME=csv:PATH:COLUMN
    or NAME=python:MODULE:FUNCTION.
    """
    from rnnscope.probes.concepts import CONCEPTS, named

    from .console import standard_output

    chosen = named(*(concepts or CONCEPTS))
    if text is not None:
        if not concepts:
            raise click.UsageError("Say which labels TEXT is to be shown with, for example: --concept quotes")
        _show(file(text, encoding=encoding).text, chosen, start, length, as_json)
    elif as_json:
        print_json({"concepts": [_record(concept) for concept in chosen]})
    else:
        standard_output().print(_table(chosen))


def _record(concept: Concept) -> dict[str, Any]:
    from rnnscope.probes.concepts import families

    return picked(concept, "name kind about categories") | {"families": families(concept)}


def _table(concepts: list[Concept]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from rnnscope.probes.concepts import FAMILIES, families

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("concept", style="bold", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("family", no_wrap=True)
    table.add_column("what a label says", overflow="fold")
    for concept in concepts:
        belongs = families(concept)
        family = "all" if len(belongs) == len(FAMILIES) else ", ".join(belongs) or "-"
        table.add_row(*(Text(cell) for cell in (concept.name, concept.kind, family, concept.about)))
    return table


def _show(text: str, concepts: list[Concept], start: int, length: int, as_json: bool) -> None:
    from rnnscope.errors import TextError
    from rnnscope.probes.concepts.character_labels import CharacterLabels

    from .console import standard_output

    if start >= len(text):
        raise TextError(f"The text has {len(text):,} characters; there is nothing from character {start:,} on.")
    stop, console, records = start + length, standard_output(), []
    for concept in concepts:
        concept.check_length(len(text))
        labels = concept(text)[start:stop]
        if as_json:
            records.append(_record(concept) | {"start": start, "labels": labels})
        else:
            console.print(CharacterLabels(text[start:stop], labels, concept))
            console.print()
    if as_json:
        print_json({"concepts": records})
    elif stop < len(text):
        console.print(f"{len(text) - stop:,} more characters: --start {stop}")

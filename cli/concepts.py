"""rnnscope concepts"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .arguments import concepts_options, encoding_option, files, json_option, print_json

if TYPE_CHECKING:
    from rnnscope.concept import Concept


@click.command()
@click.argument("text", metavar="[TEXT]", required=False)
@concepts_options
@click.option(
    "--start", default=0, show_default=True, metavar="N", type=click.IntRange(0), help="First character to show."
)
@click.option(
    "--length", default=2000, show_default=True, metavar="N", type=click.IntRange(1), help="Characters to show."
)
@json_option("concepts, which have the labels of a TEXT")
@encoding_option
def concepts(text: str | None, concepts: list[str], start: int, length: int, as_json: bool, encoding: str) -> None:
    """List what units may track; or show a TEXT with labels.

    A new CONCEPT is NAME=regex:PATTERN, NAME=query:LANGUAGE:QUERY (tree-sitter), NAME=csv:PATH:COLUMN
    or NAME=python:MODULE:FUNCTION. TEXT is a file, or - for standard input.
    """
    from rnnscope.probes.concepts import CONCEPTS, named

    from .console import standard_output

    chosen = named(*(concepts or CONCEPTS))
    if text is None:
        if as_json:
            print_json({"concepts": [_record(concept) for concept in chosen]})
        else:
            standard_output().print(_table(chosen))
        return
    if not concepts:
        raise click.UsageError("Say which labels TEXT is to be shown with, for example: --concept quotes")
    _show(_read(text, encoding), chosen, start, length, as_json)


def _read(text: str, encoding: str) -> str:
    from rnnscope.tracing.documents import gather

    (document,) = gather(files([text], encoding))
    return document.text


def _record(concept: Concept) -> dict[str, Any]:
    from rnnscope.probes.concepts import families

    return {
        "name": concept.name,
        "kind": concept.kind,
        "families": families(concept),
        "about": concept.about,
        "categories": concept.categories,
    }


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
    from rnnscope.probes.concepts.labelled_text import LabelledText

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
            console.print(LabelledText(text[start:stop], labels, concept))
            console.print()
    if as_json:
        print_json({"concepts": records})
    elif stop < len(text):
        console.print(f"{len(text) - stop:,} more characters: --start {stop}")

"""The page of the command line, from what ``--help`` says of each command."""

from __future__ import annotations

import re
from inspect import cleandoc

import click

from rnnscope.cli import main

PLACE = "<!-- commands -->"


def with_commands(markdown: str) -> str:
    """A page with every command in the place kept for them."""
    if PLACE not in markdown:
        return markdown
    context = click.Context(main, info_name="rnnscope")
    sections = [_section(main.commands[name], context) for name in main.list_commands(context)]
    return markdown.replace(PLACE, "\n\n".join(sections))


def _section(command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=command.name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    params = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    records = [option.get_help_record(context) for option in params]
    options = [f"- `{names}`  \n  {_escaped(help)}" for names, help in filter(None, records)]
    heading = f"## {context.command_path} {{ #{context.command_path.replace(' ', '-')} }}"
    return "\n\n".join([heading, f"```text\n{usage}\n```", _words(command), "\n".join(options)])


def _words(command: click.Command) -> str:
    """What a command says of itself; what click leaves as it is set, after a ``\\b``, stays so."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        f"```text\n{words[2:]}\n```" if words.startswith("\b\n") else _escaped(words) for words in paragraphs
    )


def _escaped(words: str) -> str:
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", words)

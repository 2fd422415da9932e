"""The command line: one command a file, thin, and light to import."""

from __future__ import annotations

from typing import Any

import click

from rnnscope.errors import RnnscopeError

from . import generate, info, show, trace, train


class Failure(click.ClickException):
    exit_code = 2


class Commands(click.Group):
    """Commands whose foreseen errors are one paragraph on standard error and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RnnscopeError as error:
            raise Failure(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rnnscope")
def main() -> None:
    """See what a recurrent network remembers."""


for command in (train.train, info.info, generate.generate, trace.trace, show.show):
    main.add_command(command)

"""rnnscope as a user types it."""

from __future__ import annotations

from click.testing import CliRunner, Result

from rnnscope.cli import main


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)

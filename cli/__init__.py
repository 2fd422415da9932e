"""The command line: one command a file, thin, and light to import."""

from __future__ import annotations

import io
import signal
import sys
from typing import Any

import click

from rnnscope.errors import RnnscopeError

from . import (
    ablate,
    agreement,
    align,
    attribute,
    bases,
    clamp,
    classes,
    compare,
    concepts,
    describe,
    directions,
    errors,
    faithfulness,
    gates,
    generate,
    gradients,
    import_,
    info,
    jacobians,
    match,
    memory,
    probe,
    report,
    show,
    trace,
    train,
    units,
)


class Failure(click.ClickException):
    exit_code = 2


class Commands(click.Group):
    """Commands whose foreseen errors are one paragraph on standard error and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be asked to end is no reason to leave litter
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except RnnscopeError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted; nothing is left half-written.", err=True)
            raise SystemExit(130) from None
        except MemoryError as error:
            raise Failure(
                "There is not enough memory for this. Ask for less: a shorter text, or less of it."
            ) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failure(f"The output cannot be written: {error.strerror or error}.") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rnnscope")
def main() -> None:
    """See what a recurrent network remembers."""


for command in (
    train.train,
    import_.import_,
    info.info,
    generate.generate,
    trace.trace,
    show.show,
    concepts.concepts,
    units.units,
    describe.describe,
    report.report,
    match.match,
    ablate.ablate,
    clamp.clamp,
    probe.probe,
    classes.classes,
    agreement.agreement,
    directions.directions,
    bases.bases,
    attribute.attribute,
    faithfulness.faithfulness,
    gradients.gradients,
    jacobians.jacobians,
    gates.gates,
    memory.memory,
    errors.errors,
    compare.compare,
    align.align,
):
    main.add_command(command)

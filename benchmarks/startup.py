"""What the command line costs before it does anything, in times of a bare Python."""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial

from rich.console import Console
from timing import machine, paired, table

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "rnnscope --help": ["-m", "rnnscope.cli", "--help"],
    "import torch": ["-c", "import torch"],
}


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main(quick: bool) -> None:
    console = Console()
    console.print(machine())
    reference, *_ = COMMANDS
    times = paired({name: partial(run, *command) for name, command in COMMANDS.items()}, 5 if quick else 15)
    figures = table("Wall time: median (lowest-highest)", "command", "time", f"in {reference}")
    for name in COMMANDS:
        figures.add_row(name, f"{1000 * times.median(name):,.0f} ms", str(times.ratio(name, reference)))
    console.print(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    main(**vars(parser.parse_args()))

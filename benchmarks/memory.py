"""Peak memory of a trace that goes to disk: bounded, whatever the length of the text."""

from __future__ import annotations

import argparse
import json
import resource
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from timing import machine, table

import rnnscope

SMALL = 0.1
"""Megabytes of the text whose peak is what any trace needs: the interpreter, the libraries, one chunk."""


def trace(megabytes: float) -> None:
    """Trace a text in this process; its peak memory and its speed go to standard output."""
    text = string.ascii_letters * round(megabytes * 1e6 / len(string.ascii_letters))
    config = rnnscope.LanguageModelConfig(hidden_size=16, embedding_size=16)
    model = rnnscope.CharLanguageModel(config, rnnscope.Vocabulary(string.ascii_letters)).eval()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        rnnscope.trace(model, text, Path(folder) / "benchmark.zarr", signals=["h"])
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({"peak": peak * unit / 1e6, "speed": megabytes / seconds}))


def trace_afresh(megabytes: float) -> dict[str, float]:
    """The same in a fresh process, whose peak is its own."""
    command = [sys.executable, __file__, "--inside", str(megabytes)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(quick: bool, megabytes: float | None) -> None:
    console = Console()
    console.print(machine())
    sizes = [megabytes] if megabytes else [1.0] if quick else [1.0, 5.0]
    small = trace_afresh(SMALL)["peak"]
    title = f"Peak memory above that of a text of {SMALL} MB"
    figures = table(title, "text", "peak above", "in texts", "speed")
    for size in sizes:
        run = trace_afresh(size)
        more = run["peak"] - small
        figures.add_row(f"{size:g} MB", f"{more:.1f} MB", f"{more / size:.2f}", f"{run['speed']:.3f} MB/s")
    console.print(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the smallest text")
    parser.add_argument("--megabytes", type=float, help="a text of this size instead")
    parser.add_argument("--inside", type=float, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    inside = options.pop("inside")
    trace(inside) if inside else main(**options)

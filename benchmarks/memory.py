"""Peak memory: a trace that goes to disk is bounded whatever its text, a recording by the signals it keeps."""

from __future__ import annotations

import argparse
import json
import string
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from processes import afresh, peak
from rich.console import Console
from timing import machine, table
from torch import nn

import rnnscope
from rnnscope.models import LanguageModelConfig

SMALL = 0.1
"""Megabytes of the text whose peak is what any trace needs: the interpreter, the libraries, one chunk."""

UNITS = 64


def trace(megabytes: float) -> None:
    """Trace a text in this process; its peak memory and its speed go to standard output."""
    text = string.ascii_letters * round(megabytes * 1e6 / len(string.ascii_letters))
    config = LanguageModelConfig(hidden_size=16, embedding_size=16)
    model = rnnscope.CharLanguageModel(config, rnnscope.Vocabulary(string.ascii_letters)).eval()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        rnnscope.trace(model, text, Path(folder) / "benchmark.zarr", signals=["h"])
        seconds = time.perf_counter() - began
    print(json.dumps({"peak": peak(), "speed": megabytes / seconds}))


@torch.no_grad()
def record(kind: str, steps: int, batch: int, recorded: bool) -> None:
    """Run a layer in this process, recorded or not; its peak memory goes to standard output."""
    layer = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](UNITS, UNITS)
    x = torch.zeros(steps, batch, UNITS)
    kept = 0.0
    if recorded:
        with rnnscope.record(layer) as recording:
            output = layer(x)
        kept = sum(recording[address].nbytes for address in recording) / 1e6
    else:
        with rnnscope.record(nn.GRU(1, 1)):  # what it imports counts on both sides
            output = layer(x)
    assert output[0].shape == (steps, batch, UNITS)
    print(json.dumps({"peak": peak(), "signals": kept}))


def of_traces(sizes: list[float]) -> Any:
    small = afresh(__file__, "trace", SMALL)["peak"]
    title = f"Trace to disk: peak above that of a text of {SMALL} MB"
    figures = table(title, "text", "peak above", "in texts", "speed")
    for size in sizes:
        run = afresh(__file__, "trace", size)
        more = run["peak"] - small
        figures.add_row(f"{size:g} MB", f"{more:.1f} MB", f"{more / size:.2f}", f"{run['speed']:.3f} MB/s")
    return figures


def of_recordings(lengths: list[int]) -> Any:
    title = f"Record {UNITS} units: peak above that of the plain forward pass"
    figures = table(title, "layer", "steps", "batch", "signals", "peak above", "beyond signals")
    for kind in ("gru", "lstm"):
        for steps, batch in [(steps, 1) for steps in lengths] + [(steps // 16, 16) for steps in lengths]:
            plain, run = (afresh(__file__, "record", kind, steps, batch, recorded) for recorded in (False, True))
            above = run["peak"] - plain["peak"]
            beyond = f"{above - run['signals']:.0f} MB"
            figures.add_row(kind, f"{steps:,}", str(batch), f"{run['signals']:.0f} MB", f"{above:.0f} MB", beyond)
    return figures


def main(quick: bool, megabytes: float | None) -> None:
    console = Console()
    console.print(machine())
    console.print(of_traces([megabytes] if megabytes else [1.0] if quick else [1.0, 5.0]))
    console.print(of_recordings([100_000] if quick else [100_000, 400_000]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the smallest sizes")
    parser.add_argument("--megabytes", type=float, help="trace a text of this size instead")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    if inside := options.pop("inside"):
        {"trace": trace, "record": record}[inside[0]](*inside[1:])
    else:
        main(**options)

"""Timing that holds up on a busy machine: the functions take turns, and each turn gives one ratio."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.table import Table


@dataclass(frozen=True)
class Ratio:
    """The median of a ratio over all turns, with the smallest and the largest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}-{_short(self.high)})"


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


class Times:
    """Seconds that each function took, turn by turn."""

    def __init__(self, seconds: Mapping[str, list[float]]) -> None:
        self.seconds = seconds

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, reference: str) -> Ratio:
        """How many times as long as the reference it took."""
        ratios = [a / b for a, b in zip(self.seconds[name], self.seconds[reference], strict=True)]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def paired(functions: Mapping[str, Callable[[], Any]], repeats: int = 5) -> Times:
    """Time functions in turns, A B C A B C, after one turn to warm up: what slows the machine slows them all."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(1 + repeats):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - began)
    return Times({name: values[1:] for name, values in seconds.items()})


def table(title: str, *columns: str) -> Table:
    """An empty table of figures, narrow enough for 80 columns."""
    empty = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        empty.add_column(column, justify="right" if empty.columns else "left", no_wrap=True)
    return empty


def machine() -> str:
    """What the figures were taken on, in a line."""
    return f"{_processor()}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()

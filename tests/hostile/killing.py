"""Commands that are killed at some moment: run in processes that a server forks, which has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rnnscope import checkpoint, open_trace
from rnnscope.cli import main
from tests.handmade import dialogue, random_network

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["rnnscope.reports.html.reporting", "rnnscope.training.loop", "tests.hostile.killing"])

_RECIPE = """name = "small"
[corpus]
path = "text.txt"
[model]
hidden_size = 16
embedding_size = 0
dropout = 0.2
[training]
epochs = 2
streams = 4
window = 20
validate_every = 5
keep = [0, 30]
"""


def furnish(folder: Path) -> None:
    """A network, a text for it, and a recipe."""
    text = dialogue(np.random.default_rng(0), 12_000)
    (folder / "text.txt").write_text(text)
    (folder / "recipe.toml").write_text(_RECIPE)
    checkpoint.save(folder / "lm.pt", random_network(0, units=48), {})


@dataclass(frozen=True)
class Killable:
    """A command, what it writes, and how it is given again after it was killed.

    Attributes
    ----------
    call : tuple of str
    output : str
    check : callable
        Opens what stands under the name of the output; fails if that is not whole. Returns what it holds.
    last : str
        What is in the output from when on the command can go on, by --resume; before, and of another, by --force.
    """

    call: tuple[str, ...]
    output: str
    check: Callable[[Path], object]
    last: str = ""

    def options(self, output: Path) -> tuple[str, ...]:
        """With which the command is given again where it has written something."""
        return ("--resume",) if self.last and (output / self.last).exists() else ("--force",)


def _run(folder: Path, arguments: tuple[str, ...]) -> None:
    os.chdir(folder)
    torch.set_num_threads(1)
    os.dup2(os.open(folder / ".said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    main(arguments)


def run(folder: Path, arguments: tuple[str, ...], kill_after: float | None = None) -> tuple[int, float]:
    """Run a command in a process of its own; returns its exit code, -9 if it was killed, and seconds."""
    process = _SERVER.Process(target=_run, args=(folder, arguments))
    start = time.monotonic()
    process.start()
    process.join(60 if kill_after is None else kill_after)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, time.monotonic() - start


def whole_run(folder: Path) -> object:
    """The weights, figures and card of a run; asserts that each file is whole."""
    found = {}
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if path.suffix == ".pt":
            content = checkpoint.read(path)
            found[path.name] = {name: weight.tolist() for name, weight in content["state_dict"].items()}
            found[path.name] |= {"scores": str(content["training"].get("scores"))}
        elif path.name == "figures.csv":
            rows = path.read_text()
            assert rows.endswith("\n") and len({row.count(",") for row in rows.splitlines()}) == 1
            found[path.name] = rows
        else:
            assert path.read_text(), f"{path.name} is empty"
    return found


def whole_trace(folder: Path) -> object:
    """All values of a trace."""
    trace = open_trace(folder)
    return trace.text, {str(address): trace[address].values.tobytes() for address in trace.addresses}


def whole_report(path: Path) -> object:
    """The bytes of a report."""
    page = path.read_bytes()
    assert page.rstrip().endswith(b"</html>")
    return page


KILLABLE = {
    "train": Killable(("train", "recipe.toml", "-o", "run", "--device", "cpu"), "run", whole_run, "last.pt"),
    "trace": Killable(("trace", "lm.pt", "text.txt", "-o", "new.zarr"), "new.zarr", whole_trace),
    "report": Killable(
        ("report", "lm.pt", "text.txt", "-o", "new.html", "--concepts", "vowel", "--limit", "3000"),
        "new.html",
        whole_report,
    ),
}

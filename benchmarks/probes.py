"""What a linear probe costs: a trace that is larger than the memory it may take, and scikit-learn beside it.

on a disk    LinearProbe over a trace of a million steps x 512 units: seconds, and the most memory that its process
             ever held, torch and all else included
in memory    LinearProbe and scikit-learn's LogisticRegression on fewer steps of the same trace: the last fit alone,
             with one strength, and with the choice of the strength in cross-validation
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from processes import afresh, peak
from rich.console import Console
from rich.filesize import decimal
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import machine, table

import rnnscope
from rnnscope.probes import LinearProbe, split_groups, step_examples
from rnnscope.probes.concepts import named
from rnnscope.recording.address import Address
from rnnscope.text import codepoints
from rnnscope.tracing.trace import FORMAT, VERSION
from rnnscope.tracing.writing import Layout, Writer

DOCUMENTS = 50
PIECE = 2**14


def text_of(steps: int, rng: np.random.Generator) -> str:
    """Words of invented letters, some of them in double quotes."""
    text = ""
    while len(text) < steps:
        words = ["".join(rng.choice(list("abcdefgh"), rng.integers(1, 9))) for _ in range(rng.integers(3, 30))]
        text += f'"{" ".join(words)}" ' if rng.random() < 0.5 else " ".join(words) + " "
    return text[:steps]


def write_trace(path: Path, steps: int, units: int) -> None:
    """A trace whose units are noise that goes together, and all of them know a little of the quotes."""
    rng = np.random.default_rng(0)
    text = text_of(steps, rng)
    inside = named("quotes")[0](text).astype(np.float32)
    bounds = np.arange(DOCUMENTS + 1) * steps // DOCUMENTS
    document = np.searchsorted(bounds, np.arange(steps), side="right") - 1
    number, signal = (np.dtype("int32"), ()), Address("", 0, False, "c")
    root: Any = {name: number for name in ("token", "codepoint", "document", "step")} | {
        "nll": (np.dtype("float32"), ())
    }
    writer = Writer(str(path), Layout(steps, root, {signal: tuple(range(units))}, "float32"), {})
    mix = (rng.normal(size=(units, units)) * np.geomspace(1, 0.03, units)[:, None]).astype(np.float32)
    direction = rng.normal(size=units).astype(np.float32) * 0.2
    for start in range(0, steps, PIECE):
        own = slice(start, min(start + PIECE, steps))
        places = np.arange(own.start, own.stop)
        columns = {
            "token": codepoints(text[own]),
            "codepoint": codepoints(text[own]),
            "document": document[own],
            "step": places - bounds[document[own]],
            "nll": np.zeros(len(places)),
        }
        values = rng.standard_normal((len(places), units), np.float32) @ mix + (inside[own][:, None] - 0.5) * direction
        writer.append(columns, lambda _, values=values: np.tanh(values / np.float32(np.sqrt(units))))
    names = [f"document {place}" for place in range(DOCUMENTS)]
    writer.close(
        {
            "format": FORMAT,
            "version": VERSION,
            "signals": [str(signal)],
            "memory": {"": "c"},
            "documents": names,
            "characters": [],
            "model": "noise",
            "task": "language-model",
        }
    )


def on_a_disk(path: str) -> None:
    """Fit a probe to a trace in this process; what it took goes to standard output."""
    began = time.perf_counter()
    examples = step_examples(rnnscope.open_trace(Path(path)), concept=named("quotes")[0], limit=10**9)
    training, testing = (examples.take(rows) for rows in split_groups(examples, test=0.02))
    opened = time.perf_counter()
    probe = LinearProbe().fit(training.values, training.labels, groups=training.groups)
    took = time.perf_counter() - opened
    accuracy = probe.score(testing.values, testing.labels)
    figures = {"examples": opened - began, "fit": took, "accuracy": accuracy, "strength": probe.strength_}
    print(json.dumps(figures | {"peak": peak()}))


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


class Plain(NamedTuple):
    """Some steps of a trace in memory, as scikit-learn takes them."""

    values: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def in_memory(path: Path, steps: int) -> tuple[Plain, Plain]:
    """Training and test examples."""
    examples = step_examples(rnnscope.open_trace(path), concept=named("quotes")[0], limit=steps)
    parts = [examples.take(rows) for rows in split_groups(examples)]
    training, testing = (Plain(part.values[:], part.labels, part.groups) for part in parts)
    return training, testing


def trusted(training: Plain, strength: float) -> Any:
    model = LogisticRegression(C=1 / (strength * len(training.labels)), max_iter=5_000)
    return make_pipeline(StandardScaler(), model).fit(training.values, training.labels)


def trusted_choice(training: Plain) -> Any:
    """With strengths and folds as in a LinearProbe, all of the path, on all examples."""
    shares = 1 / (np.geomspace(1, 1e-6, 9) * len(training.labels))
    folds = list(GroupKFold(5).split(training.values, training.labels, training.groups))
    options: dict[str, Any] = {"Cs": shares, "use_legacy_attributes": False, "l1_ratios": (0,)}
    model = LogisticRegressionCV(cv=folds, scoring="neg_log_loss", max_iter=5_000, **options)
    return make_pipeline(StandardScaler(), model).fit(training.values, training.labels)


def beside(training: Plain, testing: Plain, console: Console) -> None:
    """Print a probe beside scikit-learn."""
    probe = LinearProbe().fit(training.values, training.labels, groups=training.groups)
    rows = table(f"{len(training.labels):,} steps in memory", "", "seconds", "of scikit-learn's", "accuracy", "theirs")
    for name, own, theirs in (
        (
            "one strength",
            lambda: LinearProbe(strength=probe.strength_).fit(training.values, training.labels),
            lambda: trusted(training, probe.strength_),
        ),
        (
            "strength chosen",
            lambda: LinearProbe().fit(training.values, training.labels, groups=training.groups),
            lambda: trusted_choice(training),
        ),
    ):
        took, fitted = seconds(own)
        lasted, other = seconds(theirs)
        scores = (float((model.predict(testing.values) == testing.labels).mean()) for model in (fitted, other))
        rows.add_row(name, f"{took:.2f}", f"{took / lasted:.3f}", *(f"{score:.4f}" for score in scores))
    console.print(rows)


def main(steps: int, units: int, few: int) -> None:
    console = Console()
    console.print(f"{machine()}\n{steps:,} steps x {units} units")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.zarr"
        write_trace(path, steps, units)
        found = afresh(__file__, str(path))
        rows = table("A trace on a disk", "", "")
        rows.show_header = False
        rows.add_row("values", decimal(steps * units * 4))
        rows.add_row("most memory held", f"{found['peak']:,.1f} MB")
        rows.add_row("examples, seconds", f"{found['examples']:.1f}")
        rows.add_row("LinearProbe, seconds", f"{found['fit']:.1f}")
        rows.add_row("strength", f"{found['strength']:.2g}")
        rows.add_row("accuracy, held out", f"{found['accuracy']:.4f}")
        console.print(rows)
        beside(*in_memory(path, few), console)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--few", type=int, default=50_000, help="steps that scikit-learn reads, too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps and units")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        on_a_disk(*options.inside)
    else:
        main(*(size // 10 if options.quick else size for size in (options.steps, options.units, options.few)))

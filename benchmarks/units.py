"""What it costs to search every unit for every concept, beside what it is done with elsewhere and what it reads.

search      find_units over a trace on disk: 512 units x the concepts of prose and Python x a million characters
one by one  scikit-learn's roc_auc_score for each unit and concept; a few pairs are timed, and stand for all
reading     the trace read once, and nothing done with it
forward     the network over the same text, as many stretches side by side as the search reads; and one
            character after another, as a text is read that has one state from its start to its end
"""

from __future__ import annotations

import argparse
import json
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from processes import afresh, peak
from rich.console import Console
from sklearn.metrics import roc_auc_score
from timing import machine, table

import rnnscope
from rnnscope.analysis.search.finding import find_units
from rnnscope.corpora.texts import standard_library
from rnnscope.models import CharLanguageModel, LanguageModelConfig
from rnnscope.probes.concepts import named
from rnnscope.text import Document, Vocabulary
from rnnscope.tracing.passages import STREAMS

PAIRS = 8
MEMORY_UNITS = 64


def documents_of(steps: int) -> list[Document]:
    """So many characters of Python, file by file."""
    chosen: list[Document] = []
    for document in standard_library().documents:
        room = steps - sum(len(d.text) for d in chosen)
        if room <= 0:
            break
        chosen.append(Document(document.name, document.text[:room]))
    return chosen


def network(documents: list[Document], units: int) -> CharLanguageModel:
    torch.manual_seed(0)
    config = LanguageModelConfig(cell="lstm", hidden_size=units)
    return CharLanguageModel(config, Vocabulary.of(*(document.text for document in documents))).eval()


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def read(trace: rnnscope.Trace) -> float:
    """Read all of a trace, slice by slice."""
    signal = trace["l0.h"]
    return sum(float(signal[start : start + 2**15].values[0, 0]) for start in range(0, len(trace), 2**15))


@torch.no_grad()
def forward(model: CharLanguageModel, documents: list[Document], stretches: int) -> None:
    tokens = torch.from_numpy(model.vocabulary.encode("".join(document.text for document in documents)))
    streams = tokens[: len(tokens) // stretches * stretches].view(stretches, -1).T
    state = None
    for start in range(0, len(streams), 512):
        _, state = model(streams[start : start + 512], state)


def one_by_one(trace: rnnscope.Trace, documents: list[Document], pairs: int) -> float:
    """Seconds that scikit-learn takes for one unit and one concept, the mean of some pairs."""
    labels = named("vowel", "quotes")[1]
    y = np.concatenate([labels(document.text) for document in documents])
    values = trace["l0.h"][:, :pairs].values
    return seconds(lambda: [roc_auc_score(y, values[:, unit]) for unit in range(pairs)])[0] / pairs


def search(path: str) -> None:
    """Search a text in this process; its peak memory goes to standard output."""
    model = network([Document("all", string.printable)], MEMORY_UNITS)
    find_units(model, Path(path), named("prose", "python"), shifts=19)
    print(json.dumps({"peak": peak()}))


def by_length(lengths: list[int], console: Console) -> None:
    """Print what a process of its own holds at most when it searches a text of so many characters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.py"
        for length in lengths:
            path.write_text("\n\n".join(document.text for document in documents_of(length)))
            held = afresh(__file__, str(path))["peak"]
            console.print(f"{length:>12,} characters: {held:,.0f} MB at most, {MEMORY_UNITS} units")


def main(steps: int, units: int, memory: list[int]) -> None:
    console, concepts = Console(), named("prose", "python")
    documents = documents_of(steps)
    model = network(documents, units)
    console.print(f"{machine()}\n{units} units x {len(concepts)} concepts x {steps:,} characters of Python")
    with tempfile.TemporaryDirectory() as folder:
        writing, trace = seconds(lambda: rnnscope.trace(model, documents, Path(folder) / "t.zarr", signals=["h"]))
        reading, _ = seconds(lambda: read(trace))
        searching, found = seconds(lambda: find_units(trace, concepts=concepts))
        pair = one_by_one(trace, documents, PAIRS)
    labelling, _ = seconds(lambda: [concept(document.text) for document in documents for concept in concepts])
    passing, _ = seconds(lambda: forward(model, documents, STREAMS))
    in_turn, _ = seconds(lambda: forward(model, documents, 1))
    both, _ = seconds(lambda: find_units(model, documents, concepts, signals=["h"]))
    alone = pair * units * len(concepts)
    rows = table("Seconds, and as times of the search", "", "seconds", "times")
    for name, took in (
        ("search of a trace on disk", searching),
        ("scikit-learn, one by one (reckoned)", alone),
        ("the trace read once", reading),
        ("labels alone", labelling),
        (f"forward pass, {STREAMS} stretches", passing),
        ("forward pass, one after another", in_turn),
        ("forward pass and search together", both),
        ("trace written", writing),
    ):
        rows.add_row(name, f"{took:,.1f}", f"{took / searching:,.2f}")
    console.print(rows)
    first, second = (both - passing) / passing, (both - passing) / in_turn
    console.print(f"The search costs {first:.2f} times the first forward pass, {second:.2f} times the second.")
    console.print(f"{len(found.table)} concepts scored; left out: {', '.join(found.left_out) or 'none'}")
    by_length(memory, console)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--memory", type=int, nargs="*", default=[500_000, 2_000_000, 8_000_000], metavar="STEPS")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a tenth of the characters, and no memory")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.inside:
        search(*options.inside)
    else:
        quick = options.quick
        main(options.steps // 10 if quick else options.steps, options.units, [] if quick else options.memory)

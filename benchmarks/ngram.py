"""The n-gram baseline: nats by order, seconds and memory, and its speed against counting with a dictionary."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from functools import partial
from typing import Any

from processes import afresh, peak
from rich.console import Console
from timing import machine, paired, table

from rnnscope.corpora.splitting import PARTS
from rnnscope.corpora.texts import read_corpus, standard_library
from rnnscope.ngram import KneserNey
from rnnscope.text import Vocabulary

LOOPED = 500_000
"""Characters that the dictionary counts: it has no memory for much more."""


def parts(path: str | None, split: list[float]) -> tuple[dict[str, str], Vocabulary]:
    """The texts of the three parts, with the vocabulary of the first."""
    documents = (read_corpus(path) if path else standard_library()).split(split)
    texts = {part: "".join(document.text for document in documents[part]) for part in PARTS}
    return texts, Vocabulary.of(texts["train"])


def measure(path: str | None, split: list[float], order: int) -> None:
    """Fit one order in this process; its figures, times of the processor, go to standard output."""
    texts, vocabulary = parts(path, split)
    tokens = {part: vocabulary.encode(text) for part, text in texts.items()}
    before = peak()
    began = time.process_time()
    model = KneserNey(order, len(vocabulary)).fit(tokens["train"])
    fitted = time.process_time()
    nats = {part: model.nats(tokens[part]) for part in PARTS[1:]}
    read = time.process_time()
    print(json.dumps({**nats, "fit": fitted - began, "read": read - fitted, "memory": peak() - before}))


def by_order(path: str | None, split: list[float], orders: list[int]) -> Any:
    figures = table("Nats per character", "order", *PARTS[1:], "fit", "read both", "memory")
    for order in orders:
        run = afresh(__file__, path, split, order)
        nats = [f"{run[part]:.4f}" for part in PARTS[1:]]
        figures.add_row(str(order), *nats, f"{run['fit']:.2f} s", f"{run['read']:.2f} s", f"{run['memory']:,.0f} MB")
    return figures


def counted(text: str, order: int) -> list[Counter[str]]:
    """What a user writes: a dictionary for each order. It has counts, but no discounts and no probabilities."""
    return [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for n in range(1, order + 1)]


def against_a_dictionary(text: str, vocabulary: Vocabulary, orders: list[int], turns: int) -> Any:
    figures = table(f"Fit {len(text):,} characters: median (lowest-highest)", "order", "rnnscope", "dictionary")
    tokens = vocabulary.encode(text)
    for order in orders:
        fit = partial(KneserNey(order, len(vocabulary)).fit, tokens)
        times = paired({"rnnscope": fit, "dictionary": partial(counted, text, order)}, turns)
        ratio = times.ratio("dictionary", "rnnscope")
        figures.add_row(str(order), f"{times.median('rnnscope'):.2f} s", f"{ratio} times as long")
    return figures


def main(path: str | None, split: list[float], orders: list[int], quick: bool) -> None:
    console = Console()
    console.print(machine())
    texts, vocabulary = parts(path, split)
    sizes = ", ".join(f"{len(text):,} {part}" for part, text in texts.items())
    console.print(f"{path or 'standard-library'}: {sizes} characters, {len(vocabulary)} tokens in the vocabulary")
    orders = orders[-1:] if quick else orders
    console.print(by_order(path, split, orders))
    looped = [order for order in orders if order in (5, 10)] or orders[-1:]
    console.print(against_a_dictionary(texts["train"][:LOOPED], vocabulary, looped, 1 if quick else 5))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", help="a text or a folder of texts, instead of the standard library")
    parser.add_argument("--split", type=float, nargs=3, default=[0.8, 0.1, 0.1], help="shares of the three parts")
    parser.add_argument("--orders", type=int, nargs="+", default=[*range(2, 13)])
    parser.add_argument("--quick", action="store_true", help="only the last order, one turn")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    if inside := options.pop("inside"):
        measure(*inside)
    else:
        main(**options)

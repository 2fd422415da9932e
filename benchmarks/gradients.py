"""What the gradients of many losses with respect to the states of many steps before cost, beside autograd."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from timing import Times, machine, paired, table
from torch import Tensor, nn
from torch.nn import functional

import rnnscope
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.analysis.gradients.flow_result import GradientFlow
from rnnscope.models import LanguageModelConfig

CHARACTERS = [chr(code) for code in range(32, 119)]
TEXTS = (20_000, 100_000)
LAGS = 200
TIMED = 20
"""Targets that are timed one by one; the time of all is reckoned from theirs."""


def network(units: int) -> rnnscope.CharLanguageModel:
    torch.manual_seed(0)
    config = LanguageModelConfig(cell="lstm", hidden_size=units, embedding_size=64)
    return rnnscope.CharLanguageModel(config, rnnscope.Vocabulary(CHARACTERS)).eval()


def flow(model: rnnscope.CharLanguageModel, text: str, targets: np.ndarray) -> GradientFlow:
    return gradient_flow(model, text, lags=LAGS, targets=targets.tolist())


class Windows:
    """The characters up to each target, the one that follows it, and the true states before."""

    @torch.no_grad()
    def __init__(self, model: rnnscope.CharLanguageModel, text: str, targets: np.ndarray) -> None:
        tokens, steps = torch.from_numpy(model.vocabulary.encode(text)), torch.from_numpy(targets)
        with rnnscope.record(model, ["h", "c"]) as recording:
            model(tokens[:, None])
        before = steps - LAGS - 1
        self.tokens = tokens[steps - torch.arange(LAGS, -1, -1)[:, None]]
        self.following = tokens[steps + 1]
        self.states = tuple(recording[f"l0.{name}"][before, 0].contiguous() for name in "hc")

    def first(self, count: int) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        return self.tokens[:, :count], self.following[:count], tuple(state[:count] for state in self.states)


def one_by_one(model: rnnscope.CharLanguageModel, windows: Windows, count: int) -> np.ndarray:
    """What a user writes: for each target a loop of cells over its window, and autograd to all its states."""
    lstm: Any = model.rnn
    cell: Any = nn.LSTMCell(lstm.input_size, lstm.hidden_size, device="meta")
    cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh = lstm.all_weights[0]
    embedding: Any = model.embedding
    tokens, following, (h, c) = windows.first(count)
    found = []
    for target in range(count):
        state, states = (h[target : target + 1], c[target : target + 1]), []
        for x in embedding(tokens[:, target : target + 1]):
            state = cell(x, state)
            states += state
        loss = functional.cross_entropy(model.head(state[0]), following[target : target + 1])
        gradients = torch.autograd.grad(loss, states)
        norms = torch.stack([gradient.norm() for gradient in reversed(gradients)])
        found.append(norms.view(-1, 2).numpy())
    return np.stack(found)


def forward_and_backward(model: rnnscope.CharLanguageModel, windows: Windows) -> None:
    """All windows as one batch through the fused module, and back to its weights."""
    state = tuple(part[None] for part in windows.states)
    hidden, _ = model.rnn(model.embedding(windows.tokens), state)  # pyright: ignore[reportOptionalCall]
    functional.cross_entropy(model.head(hidden[-1]), windows.following, reduction="sum").backward()
    model.zero_grad()


def check(model: rnnscope.CharLanguageModel, text: str, targets: np.ndarray, windows: Windows) -> None:
    """Both give the same norms."""
    ours, theirs = flow(model, text, targets), one_by_one(model, windows, 2)
    for place, signal in enumerate(("l0.c", "l0.h")):
        np.testing.assert_allclose(ours.norms[signal][:2], theirs[:, :, place], rtol=1e-4, atol=1e-15)


def main(quick: bool, threads: int, units: int, targets: int) -> None:
    torch.set_num_threads(threads)
    console, model, rng = Console(), network(units), np.random.default_rng(0)
    console.print(machine())
    title = f"{targets:,} targets x {LAGS} lags, lstm of {units}: seconds"
    figures = table(title, "text", "rnnscope", "one by one", "times", "fused pass", "times")
    for length in TEXTS[:1] if quick else TEXTS:
        text = "".join(rng.choice(CHARACTERS, length))
        chosen = np.sort(rng.choice(np.arange(LAGS + 1, length - 1), targets, replace=False))
        windows, timed = Windows(model, text, chosen), min(TIMED, targets)
        check(model, text, chosen, windows)
        contenders = {
            "rnnscope": partial(flow, model, text, chosen),
            "one by one": partial(one_by_one, model, windows, timed),
            "fused pass": partial(forward_and_backward, model, windows),
        }
        seconds = dict(paired(contenders, repeats=1 if quick else 5).seconds)
        seconds["one by one"] = [second * targets / timed for second in seconds["one by one"]]
        times = Times(seconds)
        cells = [f"{length:,}", f"{times.median('rnnscope'):.2f}"]
        for name in list(contenders)[1:]:
            cells += [f"{times.median(name):.2f}", str(times.ratio(name, "rnnscope"))]
        figures.add_row(*cells)
    console.print(figures)
    console.print(f"Times: as long as rnnscope. One by one: {min(TIMED, targets)} targets timed, the others reckoned.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one text, one turn")
    parser.add_argument("--threads", type=int, default=2, help="of torch [default: 2]")
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--targets", type=int, default=1000)
    main(**vars(parser.parse_args()))

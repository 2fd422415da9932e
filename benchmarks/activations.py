"""How far a gradient reaches in a vanilla RNN with tanh, relu or sigmoid: at its first weights, and after training.

Three networks that differ in the activation alone read War and Peace for a number of steps of AdamW, each at the best
of a few learning rates by the loss on the validation part. Gradient flow is then measured on that part. A sigmoid
RNN is none of PyTorch's layers: it is `rnnscope.CTRNN` with steps as long as its time constant. It shows how a
network that is not rnnscope's is measured: the loss is given.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from rich.console import Console
from timing import machine, table
from torch import Tensor, nn
from torch.nn import functional

import rnnscope
from rnnscope.corpora.texts import war_and_peace
from rnnscope.text import Vocabulary
from rnnscope.training.batches import Streams

ACTIVATIONS = ("tanh", "relu", "sigmoid")
RATES = (1e-3, 3e-3, 1e-2)
WINDOW, STREAMS = 100, 32


class Plain(nn.Module):
    """Characters in, logits of the next one out; the recurrent weights begin orthogonal."""

    def __init__(self, activation: str, characters: int, units: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 64)
        self.rnn: Any
        if activation == "sigmoid":
            self.rnn = rnnscope.CTRNN(64, units, tau=1.0, dt=1.0, nonlinearity="sigmoid", form="rate")
        else:
            self.rnn = nn.RNN(64, units, nonlinearity=activation)
        recurrent = self.rnn.recurrent.weight if activation == "sigmoid" else self.rnn.weight_hh_l0
        nn.init.orthogonal_(recurrent)
        self.head = nn.Linear(units, characters)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden, _ = self.rnn(self.embedding(tokens))
        return self.head(hidden)


def nats(logits: Tensor, tokens: Tensor) -> Tensor:
    """The loss of the character that follows each step; nothing follows the last."""
    return functional.cross_entropy(logits[:-1], tokens[1:], reduction="none")


def train(activation: str, rate: float, streams: Streams, characters: int, units: int, steps: int) -> nn.Module:
    torch.manual_seed(0)
    model = Plain(activation, characters, units)
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    for step in range(steps):
        tokens, targets = streams[step]
        loss = functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


@torch.no_grad()
def validation(model: nn.Module, streams: Streams) -> float:
    """Nats per character over windows that begin with no state, as in training."""
    windows = range(0, len(streams), max(1, len(streams) // 20))
    losses = [
        functional.cross_entropy(model(x).flatten(0, 1), y.flatten()) for x, y in map(streams.__getitem__, windows)
    ]
    return float(torch.stack(losses).mean())


def main(units: int, steps: int, lags: int, targets: int) -> None:
    console, parts = Console(), war_and_peace().split()
    train_text, held_out = (parts[part][0].text for part in ("train", "validation"))
    vocabulary = Vocabulary.of(train_text)
    tokens, unseen = (torch.from_numpy(vocabulary.encode(text)) for text in (train_text, held_out))
    streams, test = Streams(tokens, STREAMS, WINDOW), Streams(unseen, STREAMS, WINDOW)
    console.print(f"{machine()}\n{units} units, {steps:,} steps of {STREAMS} x {WINDOW} characters")
    rows = table("Vanilla RNNs", "activation", "rate", "nats", "half-life", "slope", "half-life", "slope")
    for activation in ACTIVATIONS:
        torch.manual_seed(0)
        first = Plain(activation, len(vocabulary), units).eval()
        trained = {rate: train(activation, rate, streams, len(vocabulary), units, steps) for rate in RATES}
        loss = {rate: validation(model, test) for rate, model in trained.items()}
        rate = min(loss, key=lambda rate: (loss[rate] != loss[rate], loss[rate]))
        figures = []
        for model in (first, trained[rate]):
            flow = rnnscope.gradient_flow(model, unseen[: 10 * lags], loss=nats, lags=lags, targets=targets)
            row: Any = flow.summary.loc["l0.h"]
            figures += [f"{row['half_life']:.1f}", f"{row['slope']:+.3f}"]
        rows.add_row(activation, f"{rate:g}", f"{loss[rate]:.3f}", *figures)
    console.print(rows)
    console.print("Half-life in steps and slope in nats a step, at the first weights and after training.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lags", type=int, default=100)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few steps")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.quick:
        arguments.steps, arguments.targets = 30, 20
    main(arguments.units, arguments.steps, arguments.lags, arguments.targets)

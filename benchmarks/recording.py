"""What it costs to record h, c and all gates of every layer, in times of the plain forward pass."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product
from typing import Any

import torch
from rich.console import Console
from timing import machine, paired, table
from torch import Tensor, nn

import rnnscope

INPUT = 64
KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CELLS: dict[str, Any] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
LAYERS = (1, 2)
UNITS = (128, 256, 512, 1024)
BATCHES = (1, 16, 64)
WORK = {1: 256_000, 16: 51_200, 64: 25_600}
"""Steps times units, by batch: about as much work at each size."""


def recorded(network: Any, x: Tensor) -> dict[str, Tensor]:
    with rnnscope.record(network) as recording:
        network(x)
    return {str(address): recording[address] for address in recording}


def looped(network: Any, x: Tensor) -> dict[str, Tensor]:
    """What a user writes who needs the states of every step: a loop over PyTorch's cells. It has no gates."""
    signals: dict[str, Tensor] = {}
    for layer, weights in enumerate(network.all_weights):
        cell = CELLS[network.mode.lower().removesuffix("_tanh")](x.shape[-1], network.hidden_size, device="meta")
        cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh = weights
        state: Any = None
        states = []
        for x_t in x:
            state = cell(x_t, state)
            states.append(state)
        if isinstance(cell, nn.LSTMCell):
            x, signals[f"l{layer}.c"] = (torch.stack(values) for values in zip(*states, strict=True))
        else:
            x = torch.stack(states)
        signals[f"l{layer}.h"] = x
    return signals


def check(network: Any, x: Tensor) -> None:
    """Both give the same, and the network's output is untouched."""
    plain = network(x)[0]
    with rnnscope.record(network):
        assert torch.equal(network(x)[0], plain)
    ours, theirs = recorded(network, x), looped(network, x)
    torch.testing.assert_close({name: ours[name] for name in theirs}, theirs)


def row(kind: str, layers: int, units: int, batch: int) -> list[str]:
    network = KINDS[kind](INPUT, units, num_layers=layers).eval()
    x = torch.randn(max(100, WORK[batch] // units), batch, INPUT)
    check(network, x[:100])
    loops = {"record": partial(recorded, network, x), "loop": partial(looped, network, x)}
    times = paired({"forward": partial(network, x), **loops})
    forward = f"{1000 * times.median('forward'):,.0f} ms"
    figures = (forward, *(str(times.ratio(name, "forward")) for name in loops))
    return [f"{kind} {layers} x {units:,}", str(batch), *figures]


def main(quick: bool, threads: int, grad: bool) -> None:
    torch.set_num_threads(threads)
    torch.set_grad_enabled(grad)
    console = Console()
    console.print(machine())
    mode = "in grad mode" if grad else "without gradients"
    title = f"Time in plain forward passes, {mode}: median (lowest-highest)"
    figures = table(title, "layers", "batch", "forward", "rnnscope", "loop of cells")
    sizes = product(KINDS, LAYERS, UNITS, BATCHES)
    for size in product(KINDS, (1,), (256,), (1, 64)) if quick else sizes:
        figures.add_row(*row(*size))
    console.print(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes")
    parser.add_argument("--threads", type=int, default=2, help="of torch [default: 2]")
    parser.add_argument("--grad", action="store_true", help="in grad mode, where nobody says no_grad")
    main(**vars(parser.parse_args()))

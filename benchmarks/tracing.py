"""What it costs to record h, c and all gates of an LSTM, in times of the plain forward pass."""

from __future__ import annotations

import argparse
from functools import partial

import torch
from rich.console import Console
from timing import machine, paired, table
from torch import Tensor, nn

import rnnscope

INPUT = 64
UNITS = (128, 256, 512, 1024)
BATCHES = (1, 64)


def recorded(rnn: nn.LSTM, x: Tensor) -> dict[str, Tensor]:
    with rnnscope.record(rnn) as recording:
        rnn(x)
    return {name: recording[f"l0.{name}"] for name in "hcifgo"}


def looped_over_cell(rnn: nn.LSTM, x: Tensor) -> dict[str, Tensor]:
    """What a user writes who needs h and c, but no gates."""
    cell = nn.LSTMCell(rnn.input_size, rnn.hidden_size, device="meta")
    cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh = rnn.all_weights[0]
    h = c = x.new_zeros(x.shape[1], rnn.hidden_size)
    steps: dict[str, list[Tensor]] = {name: [] for name in "hc"}
    for x_t in x:
        h, c = cell(x_t, (h, c))
        steps["h"].append(h)
        steps["c"].append(c)
    return {name: torch.stack(values) for name, values in steps.items()}


def looped_by_hand(rnn: nn.LSTM, x: Tensor) -> dict[str, Tensor]:
    """What a user writes who needs the gates, too."""
    weight_ih, weight_hh, bias_ih, bias_hh = rnn.all_weights[0]
    h = c = x.new_zeros(x.shape[1], rnn.hidden_size)
    steps: dict[str, list[Tensor]] = {name: [] for name in "hcifgo"}
    for x_t in x:
        from_x = nn.functional.linear(x_t, weight_ih, bias_ih)
        from_h = nn.functional.linear(h, weight_hh, bias_hh)
        i, f, g, o = (from_x + from_h).chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        for name, value in zip("hcifgo", (h, c, i, f, g, o), strict=True):
            steps[name].append(value)
    return {name: torch.stack(values) for name, values in steps.items()}


def check(rnn: nn.LSTM, x: Tensor) -> None:
    """All of them do the same work."""
    ours = recorded(rnn, x)
    for theirs in (looped_over_cell(rnn, x), looped_by_hand(rnn, x)):
        torch.testing.assert_close({name: ours[name] for name in theirs}, theirs)


def row(units: int, batch: int) -> list[str]:
    rnn = nn.LSTM(INPUT, units).eval()
    steps = 512_000 // units // (1 if batch == 1 else 10)
    x = torch.randn(steps, batch, INPUT)
    check(rnn, x[:100])
    loops = {f.__name__: partial(f, rnn, x) for f in (recorded, looped_over_cell, looped_by_hand)}
    times = paired({"forward": partial(rnn, x), **loops})
    forward = f"{1000 * times.median('forward'):,.0f} ms"
    return [f"{units:,}", str(batch), forward, *(str(times.ratio(name, "forward")) for name in loops)]


@torch.no_grad()
def main(quick: bool, threads: int) -> None:
    torch.set_num_threads(threads)
    console = Console()
    console.print(machine())
    columns = ("units", "batch", "forward", "rnnscope", "LSTMCell loop", "own loop")
    figures = table("Time in plain forward passes: median (lowest-highest)", *columns)
    for units in UNITS[1:3] if quick else UNITS:
        for batch in BATCHES:
            figures.add_row(*row(units, batch))
    console.print(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes")
    parser.add_argument("--threads", type=int, default=1, help="of torch [default: 1]")
    main(**vars(parser.parse_args()))

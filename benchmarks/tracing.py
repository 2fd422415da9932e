"""What it costs to record h, c and all gates of an LSTM, in times of the plain forward pass."""

from __future__ import annotations

import argparse

import torch
from rich.console import Console
from rich.table import Table
from timing import machine, paired
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
    """What a user writes who needs h and c."""
    cell = nn.LSTMCell(rnn.input_size, rnn.hidden_size)
    cell.weight_ih, cell.weight_hh = rnn.weight_ih_l0, rnn.weight_hh_l0
    cell.bias_ih, cell.bias_hh = rnn.bias_ih_l0, rnn.bias_hh_l0
    h = c = x.new_zeros(x.shape[1], rnn.hidden_size)
    steps: dict[str, list[Tensor]] = {name: [] for name in "hc"}
    for x_t in x:
        h, c = cell(x_t, (h, c))
        steps["h"].append(h)
        steps["c"].append(c)
    return {name: torch.stack(values) for name, values in steps.items()}


def looped_by_hand(rnn: nn.LSTM, x: Tensor) -> dict[str, Tensor]:
    """What a user writes who needs the gates, too."""
    h = c = x.new_zeros(x.shape[1], rnn.hidden_size)
    steps: dict[str, list[Tensor]] = {name: [] for name in "hcifgo"}
    for x_t in x:
        from_x = nn.functional.linear(x_t, rnn.weight_ih_l0, rnn.bias_ih_l0)
        from_h = nn.functional.linear(h, rnn.weight_hh_l0, rnn.bias_hh_l0)
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


@torch.no_grad()
def main(quick: bool) -> None:
    console = Console()
    console.print(machine())
    table = Table(title="time in plain forward passes: median (range over turns)")
    for column in ("units", "batch", "steps", "forward", "rnnscope.record", "LSTMCell loop, no gates", "own loop"):
        table.add_column(column, justify="right")
    for units in UNITS[1:3] if quick else UNITS:
        rnn = nn.LSTM(INPUT, units).eval()
        for batch in BATCHES:
            steps = 512_000 // units // (1 if batch == 1 else 10)
            x = torch.randn(steps, batch, INPUT)
            check(rnn, x[:100])
            times = paired(
                {
                    "forward": lambda: rnn(x),
                    "record": lambda: recorded(rnn, x),
                    "cell": lambda: looped_over_cell(rnn, x),
                    "hand": lambda: looped_by_hand(rnn, x),
                }
            )
            ratios = (str(times.ratio(name, "forward")) for name in ("record", "cell", "hand"))
            forward = f"{1000 * times.median('forward'):,.0f} ms"
            table.add_row(f"{units:,}", str(batch), f"{steps:,}", forward, *ratios)
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes")
    main(**vars(parser.parse_args()))

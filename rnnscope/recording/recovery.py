"""Cell states and gates from what the fused kernel gives, fast and exact to rounding.

The kernel returns h at every step and hides the rest. But with h known, all gates of all steps
follow from one matrix product over (x_t, h_{t-1}), with no loop; the LSTM's cell state is then an
element-wise scan. The work goes in blocks of time that fit the processor's cache, and checks
itself: the recovered gates and states must give back the kernel's h at each step, and its last c.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnscope.cells import Cell
from rnnscope.errors import RecordingError

_BLOCK = 2**19
"""Gate values a block: two megabytes in float32, near a core's cache, with rows enough for a fast product."""

_NARROW = 256
"""Values a step up to which `scan` is faster by doubling: calling an operation costs more than its work."""


@dataclass(frozen=True)
class LayerWeights:
    """One layer and direction: PyTorch's weights, gates stacked along their first axis."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    @classmethod
    def of(cls, module: nn.RNNBase, layer: int, reverse: bool) -> LayerWeights:
        suffix = f"l{layer}{'_reverse' if reverse else ''}"

        def weight(name: str) -> Tensor | None:
            parameter = getattr(module, f"{name}_{suffix}", None)
            return None if parameter is None else parameter.detach()

        ih, hh = (getattr(module, f"{name}_{suffix}").detach() for name in ("weight_ih", "weight_hh"))
        return cls(ih, hh, weight("bias_ih"), weight("bias_hh"))


@dataclass(frozen=True)
class Block:
    """A stretch of time: x and h of shape (time, batch, unit), and h one step earlier."""

    start: int
    stop: int
    x: Tensor
    h: Tensor
    h_before: Tensor


def recover(
    cell: Cell,
    weights: LayerWeights,
    x: Tensor,
    h: Tensor,
    initial: tuple[Tensor, ...],
    last: tuple[Tensor, ...],
    signals: Mapping[str, Tensor],
) -> float:
    """Fill in the signals that the kernel hides.

    Parameters
    ----------
    cell : Cell
    weights : LayerWeights
    x : tensor of shape (time, batch, input)
    h : tensor of shape (time, batch, unit)
        As the kernel returned it.
    initial, last : tensors of shape (batch, unit)
        The states before the first and after the last step, in the cell's order.
    signals : mapping of name to tensor of shape (time, batch, unit)
        The signals wanted, to be written into.

    Returns
    -------
    float
        The largest difference between the kernel's h and last c and what was recovered, that of c
        relative to 1 + |c|; 0 for the vanilla RNN, which hides nothing.

    Raises
    ------
    RecordingError
        If that difference is more than rounding explains.
    """
    if not set(signals) - {"h"} or not h.numel():
        return 0.0
    recover_blocks = {"gru": _recover_gru, "lstm": _recover_lstm}[cell.name]
    blocks = _blocks(x, h, initial[0], len(cell.gates))
    errors = list(recover_blocks(weights, blocks, initial, signals))
    if "c" in signals:  # a saturated tanh hides c from h
        errors.append(((signals["c"][-1] - last[1]).abs() / (1 + last[1].abs())).max())
    error = torch.stack(errors).max().item()
    tolerance = min(1000 * torch.finfo(h.dtype).eps, 1e-2)
    if not error <= tolerance:
        raise RecordingError(
            f"The recovered {cell.name} signals give h back only to within {error:.2g}; {tolerance:.2g} was expected "
            f"for {h.dtype}. The network ran with other weights, or in lower precision (autocast, or TF32 on a GPU): "
            "record it in float32."
        )
    return error


def _blocks(x: Tensor, h: Tensor, initial: Tensor, gates: int) -> Iterator[Block]:
    time, batch, units = h.shape
    length = max(1, _BLOCK // (batch * units * gates))
    before = initial.unsqueeze(0)
    for start in range(0, time, length):
        stop = min(start + length, time)
        h_before = torch.cat((before, h[start : stop - 1]))
        yield Block(start, stop, x[start:stop], h[start:stop], h_before)
        before = h[stop - 1 : stop]


def _recover_lstm(
    weights: LayerWeights,
    blocks: Iterator[Block],
    initial: tuple[Tensor, ...],
    signals: Mapping[str, Tensor],
) -> Iterator[Tensor]:
    """Fill in the signals block by block; the error of each."""
    c = initial[1]
    bias = None if weights.bias_ih is None or weights.bias_hh is None else weights.bias_ih + weights.bias_hh
    for block in blocks:
        stacked = _linear(block.x, weights.ih, bias)
        stacked += _linear(block.h_before, weights.hh)
        i, f, g, o = stacked.chunk(4, dim=-1)
        g.mul_(2)
        stacked.sigmoid_()
        g.mul_(2).sub_(1)  # tanh, see _tanh
        out = signals["c"][block.start : block.stop] if "c" in signals else torch.empty_like(block.h)
        c = scan(f, torch.mul(i, g, out=out), c)
        _keep(signals, block, i=i, f=f, g=g, o=o)
        yield _tanh(out).mul_(o).sub_(block.h).abs_().max()


def _recover_gru(
    weights: LayerWeights,
    blocks: Iterator[Block],
    initial: tuple[Tensor, ...],
    signals: Mapping[str, Tensor],
) -> Iterator[Tensor]:
    """Fill in the signals block by block; the error of each."""
    units = initial[0].shape[-1]
    for block in blocks:
        from_x = _linear(block.x, weights.ih, weights.bias_ih)
        from_h = _linear(block.h_before, weights.hh, weights.bias_hh)
        r, z = (from_x[..., : 2 * units] + from_h[..., : 2 * units]).sigmoid_().chunk(2, dim=-1)
        n = _tanh(torch.addcmul(from_x[..., 2 * units :], r, from_h[..., 2 * units :]))
        _keep(signals, block, r=r, z=z, n=n)
        yield torch.lerp(n, block.h_before, z).sub_(block.h).abs_().max()


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W + b; in float32 on a CPU by oneDNN, as in the fused LSTM: twice as fast on AMD as MKL, PyTorch's choice."""
    if x.device.type == "cpu" and x.dtype == torch.float32 and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return nn.functional.linear(x, weight, bias)


def _keep(signals: Mapping[str, Tensor], block: Block, **gates: Tensor) -> None:
    for name in signals.keys() & gates.keys():
        signals[name][block.start : block.stop] = gates[name]


def _tanh(values: Tensor) -> Tensor:
    """tanh(v) = 2 sigmoid(2 v) - 1, within 2e-7 in float32: torch's sigmoid takes a tenth of the time of its tanh."""
    return torch.mul(values, 2).sigmoid_().mul_(2).sub_(1)


def scan(f: Tensor, values: Tensor, c: Tensor) -> Tensor:
    """Turn ``values`` into the running ``c_t = f_t * c_{t-1} + values_t``, in place; the last c.

    Parameters
    ----------
    f, values : tensors of shape (time, batch, unit)
    c : tensor of shape (batch, unit)
        Before the first step.
    """
    if c.numel() <= _NARROW:
        return _scan_by_doubling(f, values, c)
    for f_t, c_t in zip(f.unbind(), values.unbind(), strict=True):
        c = c_t.addcmul_(f_t, c)
    return c


def _scan_by_doubling(f: Tensor, values: Tensor, c: Tensor) -> Tensor:
    """The same in log2(time) passes (Hillis and Steele 1986): each step takes in the one ``lag`` before it."""
    values[0].addcmul_(f[0], c)
    decay, lag = f.clone(), 1
    while lag < len(f):
        values[lag:] += decay[lag:] * values[:-lag]
        decay[lag:] = decay[lag:] * decay[:-lag]
        lag *= 2
    return values[-1]

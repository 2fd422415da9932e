"""Cell states and gates from what the fused kernel gives, fast and exact to rounding.

The kernel returns h at every step and hides the rest. But with h known, all gates of all steps
follow from one matrix product over (x_t, h_{t-1}), with no loop; the LSTM's cell state is then an
element-wise scan. The work goes in blocks of time that fit the processor's cache, and checks
itself: the recovered gates and states must give back the kernel's h at each step, and its last c.
Networks in half precision are recovered in float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnscope.cells import Cell
from rnnscope.errors import RecordingError

from .steps import LayerWeights

_BLOCK = 2**19
"""Gate values a block: two megabytes in float32, near a core's cache, with rows enough for a fast product."""

_NARROW = 2048
"""Values a step up to which `scan` goes by rows: calling an operation costs more than its work."""


@dataclass(frozen=True)
class Pass:
    """What is known of one layer and direction after a pass, in the order in which it reads.

    Attributes
    ----------
    x : tensor of shape (time, batch, input)
    h : tensor of shape (time, batch, output)
        As the kernel returned it.
    initial, last : tensors of shape (batch, unit)
        The states before the first and after the last step, in the cell's order.
    lengths : int64 tensor of shape (batch,), or None
        True lengths, where they differ.
    """

    x: Tensor
    h: Tensor
    initial: tuple[Tensor, ...]
    last: tuple[Tensor, ...]
    lengths: Tensor | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of the arithmetic: float32 at least."""
        return torch.promote_types(self.h.dtype, torch.float32)


@dataclass(frozen=True)
class Block:
    """A stretch of time: x and h of shape (time, batch, unit), and h one step earlier."""

    start: int
    stop: int
    x: Tensor
    h: Tensor
    h_before: Tensor

    def of(self, signal: Tensor) -> Tensor:
        """The same stretch of another signal."""
        return signal[self.start : self.stop]


def recover(cell: Cell, weights: LayerWeights, done: Pass, signals: Mapping[str, Tensor]) -> float:
    """Fill in the signals that the kernel hides.

    Parameters
    ----------
    cell : Cell
    weights : LayerWeights
    done : Pass
    signals : mapping of name to tensor of shape (time, batch, unit)
        The signals wanted, to be written into.

    Returns
    -------
    float
        The largest difference between the kernel's h and last c and what was recovered, relative to
        1 + |c| for c, and to 1 + the largest for an h that is projected; 0 for the vanilla RNN, which hides nothing.

    Raises
    ------
    RecordingError
        If that difference is more than rounding explains.
    """
    if not set(signals) - {"h"} or not done.h.numel():
        return 0.0
    weights, allowed = weights.detach().to(done.dtype), tolerance(done.h)
    recover_blocks = {"gru": _recover_gru, "lstm": _recover_lstm}[cell.name]
    with torch.autocast(done.h.device.type, enabled=False):
        misses = recover_blocks(weights, _blocks(done, len(weights.hh)), done, signals)
        errors = [_largest(miss, block, done.lengths) for block, miss in misses]
    if "c" in signals:  # a saturated tanh hides c from h
        last = done.last[1].to(done.dtype)
        errors.append(((_last(signals["c"], done.lengths) - last).abs() / (1 + last.abs())).max())
    return agree(cell.name, errors, done.h, allowed=allowed)


def agree(
    name: str, differences: Sequence[Tensor], seen: Tensor, suspect: str = "The network", allowed: float | None = None
) -> float:
    """The largest of the differences, if it is no more than rounding explains in the arithmetic that gave what is seen.

    Raises
    ------
    RecordingError
        If it is more. NaN is let pass where the network itself gives NaN.
    """
    largest = [difference.abs().max() for difference in differences if difference.numel()]
    error = torch.stack(largest).max().item() if largest else 0.0
    allowed = tolerance(seen) if allowed is None else allowed
    if not error <= allowed and not (math.isnan(error) and bool(seen.isnan().any())):
        raise RecordingError(
            f"The recovered signals of {name} give h back only to within {error:.2g}; {allowed:.2g} was expected "
            f"for {seen.dtype}. {suspect} ran with other weights, or in lower precision: record it in float32, "
            "without autocast."
        )
    return error


def _largest(miss: Tensor, block: Block, lengths: Tensor | None) -> Tensor:
    if lengths is not None:
        beyond = torch.arange(block.start, block.stop, device=lengths.device)[:, None] >= lengths
        miss = miss.masked_fill(beyond[..., None].to(miss.device), 0)
    return miss.abs_().max()


def _last(signal: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return signal[-1]
    return signal[lengths - 1, torch.arange(len(lengths), device=lengths.device)]


def tolerance(h: Tensor) -> float:
    """What rounding explains, given the arithmetic of the kernel that makes h."""
    kind = h.device.type
    if h.dtype == torch.float32 and kind == "cuda" and _may_use_tf32():
        eps = 2**-10  # ten bits in the factors of each product
    else:
        cast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else h.dtype
        eps = max(torch.finfo(cast).eps, torch.finfo(h.dtype).eps)
    return 1000 * eps if eps < 1e-6 else 8 * eps


def _may_use_tf32() -> bool:
    if torch.get_float32_matmul_precision() != "highest":
        return True
    try:
        return torch.backends.cudnn.allow_tf32
    except RuntimeError:  # the user has set it for RNNs alone, as later versions of PyTorch can
        return torch.backends.cudnn.rnn.fp32_precision == "tf32"  # pyright: ignore[reportAttributeAccessIssue]


def _blocks(done: Pass, width: int) -> Iterator[Block]:
    """Stretches of ``width`` values a step and sequence that fill `_BLOCK`."""
    time, batch, _ = done.h.shape
    length = max(1, _BLOCK // (batch * width))
    before = done.initial[0].to(done.dtype).unsqueeze(0)
    for start in range(0, time, length):
        stop = min(start + length, time)
        h = done.h[start:stop].to(done.dtype)
        yield Block(start, stop, done.x[start:stop].to(done.dtype), h, torch.cat((before, h[:-1])))
        before = h[-1:]


def _recover_lstm(
    weights: LayerWeights, blocks: Iterator[Block], done: Pass, signals: Mapping[str, Tensor]
) -> Iterator[tuple[Block, Tensor]]:
    """Fill in the signals block by block; the difference of h in each."""
    c = done.initial[1].to(done.dtype)
    both, bias = torch.cat((weights.ih, weights.hh), dim=1), weights.bias
    for block in blocks:
        stacked = linear(torch.cat((block.x, block.h_before), dim=-1), both, bias)
        i, f, g, o = stacked.chunk(4, dim=-1)
        g.mul_(2)
        stacked.sigmoid_()
        g.mul_(2).sub_(1)  # tanh, see tanh
        direct = "c" in signals and signals["c"].dtype == done.dtype
        out = block.of(signals["c"]) if direct else torch.empty_like(i, memory_format=torch.contiguous_format)
        c = scan(f, torch.mul(i, g, out=out), c)
        keep(signals, block, i=i, f=f, g=g, o=o, **({} if direct else {"c": out}))
        miss = given_back(weights, out, o).sub_(block.h)
        yield block, miss if weights.hr is None else miss / (1 + block.h.abs().max())


def _recover_gru(
    weights: LayerWeights, blocks: Iterator[Block], done: Pass, signals: Mapping[str, Tensor]
) -> Iterator[tuple[Block, Tensor]]:
    """Fill in the signals block by block; the difference of h in each."""
    units = done.h.shape[-1]
    for block in blocks:
        from_x = linear(block.x, weights.ih, weights.bias_ih)
        from_h = linear(block.h_before, weights.hh, weights.bias_hh)
        r, z = (from_x[..., : 2 * units] + from_h[..., : 2 * units]).sigmoid_().chunk(2, dim=-1)
        n = tanh(torch.addcmul(from_x[..., 2 * units :], r, from_h[..., 2 * units :]))
        keep(signals, block, r=r, z=z, n=n)
        yield block, torch.lerp(n, block.h_before, z).sub_(block.h)


def given_back(weights: LayerWeights, c: Tensor, o: Tensor) -> Tensor:
    """The h of an LSTM that follows from its cell state and output gate."""
    h = tanh(c).mul_(o)
    return h if weights.hr is None else nn.functional.linear(h, weights.hr)


def keep(signals: Mapping[str, Tensor], block: Block, **values: Tensor) -> None:
    """Write what is wanted of a block's values."""
    for name in signals.keys() & values.keys():
        block.of(signals[name]).copy_(values[name])


def tanh(values: Tensor) -> Tensor:
    """tanh(v) = 2 sigmoid(2 v) - 1, within 2e-7 in float32: torch's sigmoid takes a tenth of the time of its tanh."""
    return torch.mul(values, 2).sigmoid_().mul_(2).sub_(1)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W + b; in float32 on a CPU by oneDNN, as in the fused LSTM: twice as fast on AMD as MKL, PyTorch's choice."""
    if x.device.type == "cpu" and x.dtype == torch.float32 and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return nn.functional.linear(x, weight, bias)


def scan(f: Tensor, values: Tensor, c: Tensor) -> Tensor:
    """Turn ``values`` into the running ``c_t = f_t * c_{t-1} + values_t``, in place; the last c.

    Parameters
    ----------
    f, values : tensors of shape (time, batch, unit)
    c : tensor of shape (batch, unit)
        Before the first step.
    """
    if c.numel() > _NARROW:
        return _scan_by_steps(f, values, c)
    width = math.isqrt(len(f))
    whole = len(f) - len(f) % width
    c = _scan_in_rows(f[:whole].unflatten(0, (-1, width)), values[:whole].unflatten(0, (-1, width)), c)
    return _scan_by_steps(f[whole:], values[whole:], c)


def _scan_by_steps(f: Tensor, values: Tensor, c: Tensor) -> Tensor:
    for f_t, c_t in zip(f.unbind(), values.unbind(), strict=True):
        c = c_t.addcmul_(f_t, c)
    return c


def _scan_in_rows(f: Tensor, values: Tensor, c: Tensor) -> Tensor:
    """The same for time cut into rows, of shape (row, time, batch, unit): all rows a step at a time, then joined.

    A row is scanned as if it began at zero; the c before it then comes in times the product of its f
    (Blelloch 1990, "Prefix sums and their applications").
    """
    decay = f.clone()
    f_steps, steps = decay.unbind(1), values.unbind(1)
    for f_before, before, f_t, c_t in zip(f_steps, steps, f_steps[1:], steps[1:], strict=False):
        c_t.addcmul_(f_t, before)
        f_t.mul_(f_before)
    before_rows = []
    for decay_row, last in zip(f_steps[-1], steps[-1], strict=True):
        before_rows.append(c)
        c = torch.addcmul(last, decay_row, c)
    values.addcmul_(decay, torch.stack(before_rows).unsqueeze(1))
    return c

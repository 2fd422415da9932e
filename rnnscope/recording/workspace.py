"""Gates and cell states from the memory in which oneDNN, PyTorch's LSTM on a CPU, keeps them for training.

In grad mode the kernel returns, beside its outputs, a buffer that its backward pass reads: all gates
and cell states, so that recording them costs a copy. Its layout is not documented. What is relied on
here was found by looking (gates first, in padded rows; cell states after them, at some page's start)
and every use of it is checked as recovery is. Without gradients PyTorch takes another variant of the
kernel, whose last bits are the same for many shapes and not for others; so both are tried on a few steps.

``python benchmarks/recording.py --grad`` shows what that costs: 1.0 to 1.6 times the forward pass.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .adapter import States
from .memory import empty
from .recovery import Block, agree, given_back, keep
from .steps import LayerWeights

_BLOCK = 2**19
"""Values of h a block, where no gradient wants the buffer whole."""

_TRIAL = 4
"""Steps at each end on which the two variants of the kernel are compared."""

_CLOSE = 1e-4
"""Cell states nearer than that to what they should be are taken for them; the self-check then sees whether they are."""

_WORTH = 32
"""Steps below which the trial costs too much."""

_TELLING = 64
"""Values a step below which bits may agree by chance."""

_TRIED: dict[tuple[int, ...], bool] = {}
"""The outcome of the trials so far: it depends on sizes alone."""

_FOUND: dict[tuple[int, int, int], int] = {}
"""Where the cell states were, by the sizes of workspace, time and state."""

_PAGE = 1024
"""Floats from one place where oneDNN may begin a part of its buffer to the next."""

_LSTM = 2
"""What PyTorch calls it when it calls oneDNN."""


def serves(weights: LayerWeights, x: Tensor, initial: States) -> bool:
    """Whether the kernel that keeps a workspace does what the module's own would do, to the last bit."""
    fits = (
        x.device.type == "cpu"
        and x.dtype == weights.ih.dtype == torch.float32
        and weights.hr is None
        and x.shape[0] >= _WORTH
        and x.numel() > 0
        and (torch.is_grad_enabled() or initial[0].numel() >= _TELLING)
        and (torch.is_grad_enabled() or x.shape[1] > 1)  # without gradients, recovery is faster for one sequence
        and getattr(torch.backends.mkldnn, "enabled", True)
        and not torch.is_autocast_enabled("cpu")
        and hasattr(torch.ops.aten, "mkldnn_rnn_layer")
    )
    if not fits:
        return False
    case = (*weights.ih.shape, x.shape[1], weights.bias is None, torch.is_grad_enabled(), torch.get_num_threads())
    if case not in _TRIED:
        _TRIED[case] = all(_agrees(weights.detach(), steps.detach(), initial) for steps in (x[:_TRIAL], x[-_TRIAL:]))
    return _TRIED[case]


def run(
    weights: LayerWeights, x: Tensor, initial: States, signals: dict[str, Tensor], reverse: bool
) -> tuple[Tensor, States, float]:
    """Run one layer and direction of an LSTM and write the signals that are wanted.

    Parameters
    ----------
    weights : LayerWeights
    x : tensor of shape (time, batch, input)
    initial : tensors of shape (batch, unit)
    signals : dict of name to tensor of shape (time, batch, unit)
        To be written in the order of reading.
    reverse : bool
        Whether the layer reads from the end.

    Returns
    -------
    h : tensor of shape (time, batch, unit)
        In the order of x; attached to the graph in grad mode, and so are the states.
    last : tensors of shape (batch, unit)
    error : float
        The largest difference found by the self-check.

    Raises
    ------
    RecordingError
        If h does not follow from what was read.
    """
    if torch.is_grad_enabled():
        h, last, error = _run_piece(weights, x, initial, 0, signals, reverse)
        return h, last, agree("lstm", [error], h)
    output = empty((*x.shape[:2], initial[0].shape[-1]), x)
    last, errors, start = initial, [], 0
    for piece in (x.flip(0) if reverse else x).split(max(1, _BLOCK // initial[0].numel())):
        h, last, error = _run_piece(weights, piece, last, start, signals)
        output[start : start + len(piece)] = h
        errors.append(error)
        start += len(piece)
    return (output.flip(0) if reverse else output), last, agree("lstm", errors, output)


def _run_piece(
    weights: LayerWeights, x: Tensor, before: States, start: int, signals: dict[str, Tensor], reverse: bool = False
) -> tuple[Tensor, States, Tensor]:
    h, last, room = _kernel(weights, x, before, reverse)
    read = h.detach().flip(0) if reverse else h.detach()
    miss = _read(weights.detach(), Block(start, start + len(x), x, read, read), before[1], last[1], room, signals)
    return h, last, miss.abs_().max()


def _kernel(weights: LayerWeights, x: Tensor, states: States, reverse: bool = False) -> tuple[Tensor, States, Tensor]:
    """The training variant: h at every step, the last states, the workspace in the order of reading."""
    x, h, c = (tensor.contiguous() for tensor in (x, *states))  # it takes any memory for dense
    if not torch.is_grad_enabled():
        weights, x, h, c = weights.detach(), x.detach(), h.detach(), c.detach()
    none = weights.ih.new_zeros(len(weights.ih))
    b_ih, b_hh = (none if bias is None else bias for bias in (weights.bias_ih, weights.bias_hh))
    one_layer = (h.shape[1], 1, weights.bias_ih is not None)  # units, layers, whether there are biases
    neither = (False, False)  # bidirectional, nor the batch first
    with torch.enable_grad():
        out, h_last, c_last, room = torch.ops.aten.mkldnn_rnn_layer(
            x, weights.ih, weights.hh, b_ih, b_hh, h, c, reverse, [], _LSTM, *one_layer, *neither, True
        )
    return out, (h_last.view_as(h), c_last.view_as(c)), room.view(torch.float32)


def _read(
    weights: LayerWeights, block: Block, c_before: Tensor, c_last: Tensor, room: Tensor, signals: dict[str, Tensor]
) -> Tensor:
    """Copy what is wanted out of a workspace; the differences of h."""
    time, batch, units = block.h.shape
    width = _padded(4 * units)
    rows = room[: time * batch * width].view(time, batch, width)[..., : 4 * units]
    i, f, g, o = rows.unflatten(-1, (4, units)).unbind(2)
    c = block.of(signals["c"]) if "c" in signals else torch.empty_like(block.h)
    c[-1] = c_last.detach()
    if time > 1:
        first = torch.addcmul(i[0] * g[0], f[0], c_before.detach())
        c[:-1] = _cell_states(room, time, Ends(first, f[-1], i[-1] * g[-1], c[-1]))
    keep(signals, block, h=block.h, i=i, f=f, g=g, o=o)
    return given_back(weights, c, o).sub_(block.h)


def _padded(width: int) -> int:
    """oneDNN's length of a row: whole cache lines of 16 floats, but no multiple of 16 of them."""
    padded = -(-width // 16) * 16
    return padded + 16 if padded % 256 == 0 else padded


class Ends(NamedTuple):
    """What is known of the cell states, to find them by: the first, and what the last but one becomes.

    Attributes
    ----------
    first : tensor of shape (batch, unit)
    forget, added, last : tensors of shape (batch, unit)
        Of the last step: c = forget * (c before) + added.
    """

    first: Tensor
    forget: Tensor
    added: Tensor
    last: Tensor


def _cell_states(room: Tensor, time: int, ends: Ends) -> Tensor:
    """All cell states but the last, found by their ends; NaN if they are nowhere."""
    size, case = ends.first.numel(), (len(room), time, ends.first.numel())
    if not _is_at(room, _FOUND.get(case, len(room)), time, ends):
        places = _places(room, time, ends.first)
        _FOUND[case] = next((place for place in places if _is_at(room, place, time, ends)), len(room))
    if (begin := _FOUND[case]) == len(room):
        return torch.full((time - 1, *ends.first.shape), torch.nan)
    return room[begin : begin + (time - 1) * size].view(time - 1, *ends.first.shape)


def _places(room: Tensor, time: int, first: Tensor) -> list[int]:
    """Where the cell states may begin: in the second of two parts of ``time + 1`` steps each, after the initial one."""
    skip = (time + 2) * first.numel()
    heads = room[skip : max(skip, len(room) - (time - 1) * first.numel() + 1) : _PAGE]
    pages = (heads - first.flatten()[0]).abs().lt(_CLOSE).nonzero().flatten()
    return (pages * _PAGE + skip).tolist()


def _is_at(room: Tensor, place: int, time: int, ends: Ends) -> bool:
    """Whether both ends are there: of what an earlier run has left in memory that is not cleared, one may be."""
    size = ends.first.numel()
    found = room[place : place + (time - 1) * size]
    if len(found) < (time - 1) * size:
        return False
    first, last = found[:size].view_as(ends.first), found[-size:].view_as(ends.first)
    after = torch.addcmul(ends.added, ends.forget, last)
    return bool((first - ends.first).abs().max() < _CLOSE and (after - ends.last).abs().max() < _CLOSE)


def _agrees(weights: LayerWeights, x: Tensor, initial: States) -> bool:
    """Whether the kernel of this mode gives the same bits, and the workspace is laid out as known."""
    x, initial = x.contiguous(), tuple(state.detach().contiguous() for state in initial)
    flat = [w for w in (weights.ih, weights.hh, weights.bias_ih, weights.bias_hh) if w is not None]
    hx = tuple(state.unsqueeze(0) for state in initial)
    own = torch.lstm(x, hx, flat, len(flat) == 4, 1, 0.0, False, False, False)
    h, (_, c), room = _kernel(weights, x, initial)
    if not (torch.equal(own[0], h) and torch.equal(own[2][0], c)):
        return False
    return bool(_read(weights, Block(0, len(x), x, h, h), initial[1], c, room, {}).abs().max() < _CLOSE)

"""The states of an LSTM split into what spans of its text bring, and the rest (Murdoch, Liu and Yu 2018).

At each step a gate is an activation of three summands: what comes from the span (by x inside it, and by the span's
part of h), what comes from the rest, and the bias. The activation of a sum is shared out among the summands by
Shapley's rule: what one of them adds, averaged over the orders in which they can be added, the bias always first.
Products of such shares belong to the span where both factors come from it or one of them is a bias; the product of
two biases belongs to the step's own character; all else, interactions with the rest among it, belongs to the rest. The
output gate is taken whole, as in the paper.

The rest is the state less the span's part: it needs no computation of its own. The state is what the span of the whole
text brings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from rnnscope.recording.steps import LayerWeights

Activation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Parts:
    """What each span brings of one layer's states, in both directions side by side.

    Attributes
    ----------
    h : tensor of shape (time, span, output)
    c : tensor of shape (time, span, unit)
    """

    h: Tensor
    c: Tensor


@torch.no_grad()
def split_states(rnn: nn.LSTM, x: Tensor, inside: Tensor) -> list[Parts]:
    """What spans of a text bring of the states of each layer; the rest of a state is the state less that.

    Parameters
    ----------
    rnn : LSTM
        Of any depth, in one direction or both. It begins with states of zero.
    x : tensor of shape (time, input)
        The inputs of one text. Its type and device are those of all that is computed.
    inside : bool tensor of shape (time, span)
        The characters of each span. The first span is the whole text.

    Returns
    -------
    list of Parts
        By layer. Those of the first span are the states themselves.
    """
    brought, layers = x[:, None] * inside[..., None], []
    for layer in range(rnn.num_layers):
        weights = LayerWeights.of_layer(rnn, layer).detach().to(x.dtype)
        forward = _split_layer(weights, brought, inside)
        if not rnn.bidirectional:
            parts = forward
        else:
            weights = LayerWeights.of_layer(rnn, layer, reverse=True).detach().to(x.dtype)
            backward = _split_layer(weights, brought.flip(0), inside.flip(0))
            parts = Parts(
                torch.cat((forward.h, backward.h.flip(0)), dim=-1), torch.cat((forward.c, backward.c.flip(0)), dim=-1)
            )
        layers.append(parts)
        brought = parts.h
    return layers


def _split_layer(weights: LayerWeights, x: Tensor, inside: Tensor) -> Parts:
    """One layer and direction, from what the spans bring of its inputs in the order of reading."""
    bias = weights.ih.new_zeros(len(weights.ih)) if weights.bias is None else weights.bias
    h, c = x.new_zeros(x.shape[1], weights.hh.shape[1]), x.new_zeros(x.shape[1], len(bias) // 4)
    b_i, _, b_g, _ = bias.chunk(4)
    both_biases = b_i.sigmoid() * b_g.tanh()
    kept_h, kept_c = [], []
    for x_t, inside_t in zip(x, inside, strict=True):
        own = linear(x_t, weights.ih) + linear(h, weights.hh)
        i, f, g, o = (
            _gate(*summands, activation)
            for *summands, activation in zip(own.chunk(4, dim=-1), bias.chunk(4), _ACTIVATIONS, strict=True)
        )
        c = f * c + i * g - both_biases * ~inside_t[:, None]
        h = o[:1] * _share(c, torch.zeros_like(c[0]), torch.tanh)
        h = h if weights.hr is None else linear(h, weights.hr)
        kept_h.append(h)
        kept_c.append(c)
    return Parts(torch.stack(kept_h), torch.stack(kept_c))


_ACTIVATIONS: tuple[Activation, ...] = (torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid)
"""Of the gates i, f, g and o."""


def _gate(own: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """The shares of the span and of the bias in a gate; of the first span that is the gate itself."""
    return activation(bias) + _share(own, bias, activation)


def _share(own: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """What the span's summand adds to an activation: the mean over coming before the rest's and after it."""
    total = own[0] + bias
    before = activation(bias + own) - activation(bias)
    after = activation(total) - activation(total - own)
    return (before + after) / 2

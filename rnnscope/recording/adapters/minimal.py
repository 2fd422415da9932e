"""minGRU and minLSTM: their gates look at the input alone, so that all steps are computed at once.

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs All We Needed?", arXiv 2410.01201v3.
Both are h_t = a_t * h_{t-1} + b_t with a_t and b_t known beforehand. The paper's appendix B computes
them in log space, for which h and the candidates have to be positive. `scan` takes no logarithms, so
that h may have any sign, and long sequences lose no digits.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from rnnscope.recording.adapter import Adapter, Keep, States, register

from .layer import SequenceLayer


def scan(a: Tensor, b: Tensor) -> Tensor:
    """All h_t = a_t * h_{t-1} + b_t with h_{-1} = 0, in about 2 log2(time) rounds.

    Two steps are one: h_t = (a_t a_{t-1}) h_{t-2} + (a_t b_{t-1} + b_t). The odd steps are therefore
    a sequence of half the length, and the even ones follow from them (Blelloch 1990, "Prefix Sums
    and Their Applications").

    Parameters
    ----------
    a, b : tensors of shape (time, ...)

    Returns
    -------
    tensor of shape (time, ...)
    """
    if len(b) == 1:
        return b
    if len(b) % 2:
        h = scan(a[:-1], b[:-1])
        return torch.cat((h, a[-1:] * h[-1:] + b[-1:]))
    odd = scan(a[1::2] * a[0::2], a[1::2] * b[0::2] + b[1::2])
    before = torch.cat((torch.zeros_like(odd[:1]), odd[:-1]))
    even = a[0::2] * before + b[0::2]
    return torch.stack((even, odd), dim=1).flatten(0, 1)


class _Minimal(SequenceLayer):
    """A layer whose state is a weighted sum of what it was and of a candidate."""

    parts: int

    def __init__(
        self, input_size: int, hidden_size: int, *, positive: bool = True, bias: bool = True, batch_first: bool = False
    ) -> None:
        super().__init__(input_size, hidden_size, batch_first)
        self.positive = positive
        self.linear = nn.Linear(input_size, self.parts * hidden_size, bias)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, positive={self.positive}, batch_first={self.batch_first}"

    def candidate(self, total: Tensor) -> Tensor:
        """g of appendix B if positive, else the value as it is."""
        return torch.where(total >= 0, total + 0.5, total.sigmoid()) if self.positive else total

    @abstractmethod
    def gates(self, total: Tensor) -> tuple[Tensor, ...]:
        """All gates for the rows of ``linear``, the candidate last."""

    @abstractmethod
    def mix(self, *gates: Tensor) -> tuple[Tensor, Tensor]:
        """The weight of the state and what is added to it."""

    def run(self, x: Tensor, states: States) -> tuple[Tensor, States]:
        a, b = self.mix(*self.gates(self.linear(x)))
        h = scan(a, torch.cat((a[:1] * states[0] + b[:1], b[1:])))
        return h, (h[-1],)


class MinGRU(_Minimal):
    """minGRU, a layer without recurrent weights.

        z_t = sigmoid(W_z x_t)      n_t = g(W_n x_t)      h_t = (1 - z_t) * h_{t-1} + z_t * n_t

    Feng et al. 2024, where g(x) = x + 0.5 for x >= 0 and sigmoid(x) below (appendix B). The paper
    writes n as h with a tilde; here it has the letter that it has in the GRU. Note that z lets the
    new in, while in PyTorch's GRU it holds the old. Without a state it begins at h = 0.

    Parameters
    ----------
    input_size, hidden_size : int
    positive : bool
        Whether the candidate goes through g, as in the paper's appendix B, or is W_n x_t itself, as in
        its section 3.
    bias, batch_first : bool
        As of nn.GRU.

    Attributes
    ----------
    linear : nn.Linear
        The rows of z, then those of n.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> layer = rnnscope.MinGRU(input_size=3, hidden_size=5)
    >>> with rnnscope.record(layer) as recording:
    ...     output, state = layer(torch.zeros(7, 1, 3))
    >>> recording
    Recording(l0.h, l0.z, l0.n)
    >>> output.shape, state.shape
    (torch.Size([7, 1, 5]), torch.Size([1, 5]))
    """

    parts = 2

    def gates(self, total: Tensor) -> tuple[Tensor, ...]:
        z, n = total.chunk(2, dim=-1)
        return z.sigmoid(), self.candidate(n)

    def mix(self, *gates: Tensor) -> tuple[Tensor, Tensor]:
        z, n = gates
        return 1 - z, z * n


class MinLSTM(_Minimal):
    """minLSTM, a layer without recurrent weights and without a c.

        f'_t = sigmoid(W_f x_t)      i'_t = sigmoid(W_i x_t)      g_t = g(W_g x_t)
        f_t, i_t = f'_t / (f'_t + i'_t), i'_t / (f'_t + i'_t)
        h_t = f_t * h_{t-1} + i_t * g_t

    Feng et al. 2024; the function g is that of `MinGRU`. The signals f and i are those that act: they
    sum to one, so that h is a weighted mean of what it was and of the signal g_t, and does not grow
    with the length. The paper writes g_t as h with a tilde; here it has the letter of the LSTM.

    Parameters
    ----------
    input_size, hidden_size, positive, bias, batch_first
        As of `MinGRU`.

    Attributes
    ----------
    linear : nn.Linear
        The rows of f, then those of i, then those of g.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> layer = rnnscope.MinLSTM(input_size=3, hidden_size=5)
    >>> with rnnscope.record(layer) as recording:
    ...     output, state = layer(torch.randn(7, 1, 3))
    >>> recording
    Recording(l0.h, l0.f, l0.i, l0.g)
    >>> torch.allclose(recording["l0.f"] + recording["l0.i"], torch.ones(7, 1, 5))
    True
    """

    parts = 3

    def gates(self, total: Tensor) -> tuple[Tensor, ...]:
        f, i, g = total.chunk(3, dim=-1)
        odds = nn.functional.logsigmoid(f) - nn.functional.logsigmoid(i)  # no 0 / 0 where both gates are shut
        return odds.sigmoid(), (-odds).sigmoid(), self.candidate(g)

    def mix(self, *gates: Tensor) -> tuple[Tensor, Tensor]:
        f, i, g = gates
        return f, i * g


class _MinimalAdapter(Adapter):
    states = ("h",)
    whole = True

    def prepare(self, x: Tensor) -> Tensor:
        return self.module.linear(x)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        a, b = self.module.mix(*map(keep, self.gates, self.module.gates(x)))
        h = keep("h", a * states[0] + b)
        return h, (h,)


class MinGRUAdapter(_MinimalAdapter):
    gates = ("z", "n")


class MinLSTMAdapter(_MinimalAdapter):
    gates = ("f", "i", "g")


register(MinGRU, MinGRUAdapter)
register(MinLSTM, MinLSTMAdapter)

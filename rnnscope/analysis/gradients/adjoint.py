"""Gradients back through time of the stock cells, in closed form and for many targets at once.

With G for the gradient of a target's loss with respect to a signal at one step, and the equations of `rnnscope.cells`,
a step back is a few products by element and one by the weights, D U for all gates side by side:

    rnn     D = G_h (1 - h^2)                                     or G_h (h > 0)
            G_h before = D U
    gru     D_n = G_h (1 - z) (1 - n^2);  D_r = D_n (U_n h + b_n) r (1 - r);  D_z = G_h (h before - n) z (1 - z)
            G_h before = G_h z + (D_r, D_z, r D_n) U
    lstm    G_c += G_h o (1 - tanh(c)^2)
            D_i = G_c g i (1 - i);  D_f = G_c (c before) f (1 - f);  D_g = G_c i (1 - g^2);  D_o = G_h tanh(c) o (1 - o)
            G_c before = G_c f;  G_h before = (D_i, D_f, D_g, D_o) U

What stands beside a G depends on the text alone: it is made once for each step and serves all targets whose windows
hold that step. What goes down to the layer below is D W at the same step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnscope.recording.recovery import linear
from rnnscope.recording.steps import LayerWeights


@dataclass
class Gradient:
    """Gradients of the targets' losses with respect to one layer at one step, each of shape (target, unit).

    Attributes
    ----------
    h : tensor
    c : tensor or None
        Of an LSTM.
    along : tensor or None
        The part that came along the carried state alone: c of an LSTM, h of a GRU.
    """

    h: Tensor
    c: Tensor | None = None
    along: Tensor | None = None

    @property
    def parts(self) -> list[Tensor]:
        return [part for part in (self.h, self.c, self.along) if part is not None]


class LayerAdjoint(ABC):
    """One layer, read backward.

    Parameters
    ----------
    weights : LayerWeights
    below : bool
        Whether there is a layer below, which needs the gradient of this one's input.

    Attributes
    ----------
    gates : int
        Blocks of rows in the weights.
    signals : tuple of str
        What has to be recorded of the layer.
    carried : str
        The signal that has a path of its own through time; empty if there is none.
    factors : int
        Values of each unit and step that are made of these.
    """

    gates: ClassVar[int]
    signals: ClassVar[tuple[str, ...]]
    carried: ClassVar[str] = ""
    factors: int

    def __init__(self, weights: LayerWeights, below: bool) -> None:
        self.weights = weights
        self.units = len(weights.hh) // self.gates
        self._recurrent = weights.hh.T.contiguous()
        self._input = weights.ih.T.contiguous() if below else None

    @abstractmethod
    def fill(self, factors: Tensor, signals: Mapping[str, Tensor], before: Sequence[Tensor]) -> None:
        """Make the factors of a stretch of steps.

        Parameters
        ----------
        factors : tensor of shape (time, factor, unit)
            To be written into.
        signals : mapping of name to tensor of shape (time, unit)
        before : tensors of shape (1, unit)
            The states before the stretch.
        """

    def begin(self, targets: int) -> Gradient:
        """The gradients of so many targets before any has come: zeros."""
        return Gradient(self._recurrent.new_zeros(targets, self.weights.hh.shape[1]))

    @abstractmethod
    def arrive(self, gradient: Gradient, factors: Tensor) -> None:
        """Complete the gradients at a step, once all that comes to its h is there."""

    @abstractmethod
    def leave(self, gradient: Gradient, factors: Tensor) -> Tensor | None:
        """Go on to the step before; the gradient with respect to the input of this step, if there is a layer below."""

    def _below(self, totals: Tensor) -> Tensor | None:
        return None if self._input is None else linear(totals, self._input)


class RNNAdjoint(LayerAdjoint):
    gates, factors = 1, 1
    signals = ("h",)

    def fill(self, factors: Tensor, signals: Mapping[str, Tensor], before: Sequence[Tensor]) -> None:
        h = signals["h"]
        if self.weights.nonlinearity == "relu":
            factors[:, 0] = h > 0
        else:
            torch.sub(1, h * h, out=factors[:, 0])

    def arrive(self, gradient: Gradient, factors: Tensor) -> None:
        """It is complete: nothing but h is carried."""

    def leave(self, gradient: Gradient, factors: Tensor) -> Tensor | None:
        totals = gradient.h * factors[:, 0]
        gradient.h = linear(totals, self._recurrent)
        return self._below(totals)


class GRUAdjoint(LayerAdjoint):
    gates = 3
    signals = ("h", "r", "z", "n")
    carried = "h"

    def __init__(self, weights: LayerWeights, below: bool) -> None:
        super().__init__(weights, below)
        self.factors = 5 if below else 4

    def fill(self, factors: Tensor, signals: Mapping[str, Tensor], before: Sequence[Tensor]) -> None:
        h, r, z, n = (signals[name] for name in self.signals)
        earlier, rows = torch.cat((before[0], h[:-1])), slice(2 * self.units, None)
        bias = self.weights.bias_hh
        read = linear(earlier, self.weights.hh[rows], None if bias is None else bias[rows])
        candidate = (1 - z) * (1 - n * n)
        factors[:, 0] = z
        factors[:, 1] = candidate * read * r * (1 - r)
        factors[:, 2] = (earlier - n) * z * (1 - z)
        factors[:, 3] = candidate * r
        if self.factors == 5:
            factors[:, 4] = candidate

    def arrive(self, gradient: Gradient, factors: Tensor) -> None:
        if gradient.along is None:
            gradient.along = gradient.h.clone()

    def leave(self, gradient: Gradient, factors: Tensor) -> Tensor | None:
        totals = (gradient.h[:, None] * factors[:, 1:4]).flatten(1)
        kept = gradient.h * factors[:, 0]
        below = None
        if self._input is not None:
            totals_x = torch.cat((totals[:, : 2 * self.units], gradient.h * factors[:, 4]), dim=1)
            below = self._below(totals_x)
        gradient.h = linear(totals, self._recurrent).add_(kept)
        if gradient.along is not None:
            gradient.along.mul_(factors[:, 0])
        return below


class LSTMAdjoint(LayerAdjoint):
    gates, factors = 4, 6
    signals = ("c", "i", "f", "g", "o")
    carried = "c"

    def fill(self, factors: Tensor, signals: Mapping[str, Tensor], before: Sequence[Tensor]) -> None:
        c, i, f, g, o = (signals[name] for name in self.signals)
        seen = c.tanh()
        earlier = torch.cat((before[1], c[:-1]))
        factors[:, 0] = f
        torch.mul(o, 1 - seen * seen, out=factors[:, 1])
        torch.mul(g * i, 1 - i, out=factors[:, 2])
        torch.mul(earlier * f, 1 - f, out=factors[:, 3])
        torch.mul(i, 1 - g * g, out=factors[:, 4])
        torch.mul(seen * o, 1 - o, out=factors[:, 5])

    def begin(self, targets: int) -> Gradient:
        gradient = super().begin(targets)
        gradient.c = gradient.h.new_zeros(targets, self.units)
        return gradient

    def arrive(self, gradient: Gradient, factors: Tensor) -> None:
        assert gradient.c is not None
        gradient.c.addcmul_(self._unprojected(gradient.h), factors[:, 1])
        if gradient.along is None:
            gradient.along = gradient.c.clone()

    def leave(self, gradient: Gradient, factors: Tensor) -> Tensor | None:
        assert gradient.c is not None
        assert gradient.along is not None
        totals = gradient.c.new_empty(len(factors), self.gates, self.units)
        torch.mul(gradient.c[:, None], factors[:, 2:5], out=totals[:, :3])
        torch.mul(self._unprojected(gradient.h), factors[:, 5], out=totals[:, 3])
        gradient.c.mul_(factors[:, 0])
        gradient.along.mul_(factors[:, 0])
        gradient.h = linear(totals.flatten(1), self._recurrent)
        return self._below(totals.flatten(1))

    def _unprojected(self, h: Tensor) -> Tensor:
        return h if self.weights.hr is None else h @ self.weights.hr


ADJOINTS: dict[str, type[LayerAdjoint]] = {"rnn": RNNAdjoint, "gru": GRUAdjoint, "lstm": LSTMAdjoint}
"""By the names of `rnnscope.cells.CELLS`."""

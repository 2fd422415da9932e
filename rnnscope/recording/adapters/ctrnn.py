"""The continuous-time RNN of computational neuroscience, in steps of Euler's method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from rnnscope.arguments import check_one_of
from rnnscope.errors import ArgumentError
from rnnscope.recording.adapter import Adapter, Keep, States, register

from .layer import SequenceLayer

_NONLINEARITIES = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
}


class CTRNN(SequenceLayer):
    """A layer of leaky units with time constants tau, in steps of dt; alpha = dt / tau.

        potential    h_t = (1 - alpha) h_{t-1} + alpha (W rate_{t-1} + V x_t + b)
                     rate_t = f(h_t)
        rate         h_t = (1 - alpha) h_{t-1} + alpha f(W h_{t-1} + V x_t + b)

    The first is the form of Song, Yang and Wang 2016 (PLoS Comput. Biol. 12, e1004792): h is the
    current or potential, and the layer puts out its rates; its state is (h, rate). The second is the
    form of Yang, Joglekar, Song, Newsome and Wang 2019 (Nat. Neurosci. 22, methods): h is the rate,
    and is output and state. Miller and Fumarola 2012 (Neural Comput. 24) say when the two are one.

    There is no noise inside, so that a run can be repeated and checked. Noise can be given as input:
    one more input for each unit, with the identity in their columns of V.

    Parameters
    ----------
    input_size, hidden_size : int
    tau : float, or floats of shape (unit,)
        Time constants.
    dt : float
        The length of a step, in the unit of tau and not longer than it.
    nonlinearity : {"relu", "tanh", "sigmoid", "softplus"}
        f.
    form : {"potential", "rate"}
    bias, batch_first : bool
        As of nn.RNN.

    Attributes
    ----------
    input, recurrent : nn.Linear
        V with b, and W.
    alpha : tensor of shape () or (unit,)

    Raises
    ------
    ArgumentError
        If an option has no meaning.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> layer = rnnscope.CTRNN(input_size=3, hidden_size=5, tau=100.0, dt=20.0)
    >>> with rnnscope.record(layer) as recording:
    ...     rates, (h, rate) = layer(torch.zeros(7, 1, 3))
    >>> recording
    Recording(l0.h, l0.rate)
    >>> layer.alpha, torch.equal(recording["l0.rate"], rates)
    (tensor(0.2000), True)
    """

    alpha: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        tau: float | Sequence[float] | Tensor = 100.0,
        dt: float = 20.0,
        nonlinearity: str = "relu",
        form: Literal["potential", "rate"] = "potential",
        bias: bool = True,
        batch_first: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, batch_first)
        check_one_of(nonlinearity, "nonlinearity", tuple(_NONLINEARITIES))
        check_one_of(form, "form", ("potential", "rate"))
        self.nonlinearity = nonlinearity
        self.form = form
        self.register_buffer("alpha", _alpha(dt, tau, hidden_size))
        self.input = nn.Linear(input_size, hidden_size, bias)
        self.recurrent = nn.Linear(hidden_size, hidden_size, bias=False)

    def extra_repr(self) -> str:
        return f"nonlinearity={self.nonlinearity}, form={self.form}, batch_first={self.batch_first}"

    def rate(self, total: Tensor) -> Tensor:
        """The nonlinearity f."""
        return _NONLINEARITIES[self.nonlinearity](total)

    def leak(self, h: Tensor, goal: Tensor) -> Tensor:
        """A step of Euler's method on tau dh/dt = goal - h.

        Parameters
        ----------
        h, goal : tensors of shape (batch, unit)
        """
        return (1 - self.alpha) * h + self.alpha * goal

    def begin(self, x: Tensor) -> States:
        (h,) = super().begin(x)
        return (h, self.rate(h)) if self.form == "potential" else (h,)

    def run(self, x: Tensor, states: States) -> tuple[Tensor, States]:
        adapter, outputs = adapter_for(self), []
        for drive in adapter.prepare(x).unbind():
            output, states = adapter.step(drive, states, lambda name, value: value)
            outputs.append(output)
        return torch.stack(outputs), states


def _alpha(dt: float, tau: float | Sequence[float] | Tensor, units: int) -> Tensor:
    alpha = dt / torch.as_tensor(tau)
    if alpha.shape not in ((), (units,)) or not ((alpha > 0) & (alpha <= 1)).all():
        raise ArgumentError(f"tau is one number or {units}, dt is positive and not longer; got tau={tau}, dt={dt}.")
    return alpha


class _CTRNNAdapter(Adapter):
    whole = True
    memory = "h"

    def initial(self, x: Tensor) -> States:
        return self.module.begin(x)

    def prepare(self, x: Tensor) -> Tensor:
        return self.module.input(x)


class Potential(_CTRNNAdapter):
    """The rate is a state, too: a change to it acts on the next step, and leaves h of this step as it is."""

    states = ("h", "rate")
    puts_out = "rate"

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h, rate = states
        h = keep("h", self.module.leak(h, self.module.recurrent(rate) + x))
        rate = keep("rate", self.module.rate(h))
        return rate, (h, rate)


class Rate(_CTRNNAdapter):
    states = ("h",)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        (h,) = states
        h = keep("h", self.module.leak(h, self.module.rate(self.module.recurrent(h) + x)))
        return h, (h,)


def adapter_for(module: CTRNN) -> Adapter:
    """The adapter of a layer by its form."""
    return Potential(module) if module.form == "potential" else Rate(module)


register(CTRNN, adapter_for)

"""A forecaster: a series of numbers in, the distribution of the next change out at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import ModelError

from .network import NumberNetwork
from .stack import StackConfig, State, demand, recurrent_stack

_WINDOW = 4096
"""Steps that are read at once, the state carried on."""


@dataclass(frozen=True)
class ForecasterConfig(StackConfig):
    """The shape of a `Forecaster`.

    Attributes
    ----------
    logarithmic : bool
        Whether a change is a log return, ln(v_t / v_{t-1}), or else a difference, v_t - v_{t-1}. Log returns
        need values above zero.
    """

    logarithmic: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(not self.bidirectional, "bidirectional to be false: the future of a series is not there yet", True)


class Forecaster(NumberNetwork):
    """A recurrent stack over standardised changes, with a normal distribution of the next one.

    Parameters
    ----------
    config : ForecasterConfig

    Attributes
    ----------
    change_mean, change_deviation : tensors of shape ()
        What changes are standardised by; set by `standardise`.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("brent-forecaster"))
    >>> model.forecast([70.0, 71.0, 69.5]).round(1)
    array([70. , 71.1, 69.5])
    """

    task = "forecaster"
    config_type = ForecasterConfig
    config: ForecasterConfig
    change_mean: Tensor
    change_deviation: Tensor

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("change_mean", torch.zeros(()))
        self.register_buffer("change_deviation", torch.ones(()))
        self.rnn = recurrent_stack(config, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, 2)
        nn.init.zeros_(self.head.weight)  # before training: the mean and deviation of the training part
        nn.init.zeros_(self.head.bias)

    @property
    def architecture(self) -> str:
        changes = "log returns" if self.config.logarithmic else "differences"
        return f"{self.config.words}, {changes} in, mean and variance of the next one out"

    def standardise(self, mean: float, deviation: float) -> None:
        """Fix what changes are standardised by.

        Parameters
        ----------
        mean, deviation : float
            Of the changes of the training part.
        """
        self.change_mean.fill_(mean)
        self.change_deviation.fill_(deviation)

    def forward(self, changes: Tensor, state: State = None) -> tuple[Tensor, Tensor, State]:
        """The distribution of the change that follows each change, and the state after the last.

        Parameters
        ----------
        changes : float tensor of shape (time, batch)
            Standardised.
        state : as returned by an earlier call, or None for zeros

        Returns
        -------
        mean, log_variance : tensors of shape (time, batch)
            Of a normal distribution over the standardised change.
        state
        """
        hidden, state = self.rnn(changes[..., None], state)
        mean, log_variance = self.head(self.dropout(hidden)).unbind(dim=-1)
        return mean, log_variance, state

    def forecast(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """The value expected after each value, from that one and all before it.

        Of log returns it is the median of the distribution, of differences also its mean.

        Parameters
        ----------
        values : sequence of float or array of shape (time,)
            A series from its beginning, in the unit of the training data.

        Returns
        -------
        array of shape (time,)
            In the unit of the values; the last is the forecast of what has not come yet.

        Raises
        ------
        ModelError
            If the values are no series of finite numbers, or not above zero where log returns are read.
        """
        values = _checked(values)
        mean, _ = self.predict_changes(values)
        return values * np.exp(mean) if self.config.logarithmic else values + mean

    @torch.no_grad()
    def predict_changes(self, values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the change after each value, see `forecast`.

        Before the first value no change is known: a mean one is read.

        Returns
        -------
        mean, deviation : arrays of shape (time,)
            Log returns, or differences in the unit of the values.
        """
        means, deviations, state = [], [], None
        for window in self.inputs(values).split(_WINDOW):
            mean, log_variance, state = self(window, state)
            means.append(mean[:, 0])
            deviations.append((0.5 * log_variance[:, 0]).exp())
        mean, deviation = (torch.cat(parts).double().cpu().numpy() for parts in (means, deviations))
        center, spread = float(self.change_mean), float(self.change_deviation)
        return center + spread * mean, spread * deviation

    def inputs(self, values: Sequence[float] | np.ndarray) -> Tensor:
        """What is read of a series, of shape (time, batch): standardised changes into each value, 0 into the first."""
        changes = changes_of(values, self.config.logarithmic)
        read = np.append(0.0, (changes - float(self.change_mean)) / float(self.change_deviation))
        return torch.from_numpy(read).to(self.device, self.head.weight.dtype).unsqueeze(1)


def changes_of(values: Sequence[float] | np.ndarray, logarithmic: bool) -> np.ndarray:
    """The change from each value to the next, log return or difference: one fewer than there are values.

    Parameters
    ----------
    values : sequence of float or array of shape (time,)
    logarithmic : bool

    Raises
    ------
    ModelError
        If the values are no series of finite numbers, or not above zero where log returns are wanted.
    """
    values = _checked(values)
    if logarithmic and values.min() <= 0:
        raise ModelError(
            f"Log returns need values above zero; the smallest is {values.min():g}. Train a network on differences, "
            "with model.logarithmic = false."
        )
    return np.diff(np.log(values) if logarithmic else values)


def _checked(values: Sequence[float] | np.ndarray) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ModelError(
            f"A series of at least one finite number, of shape (time,), is expected; got shape {found.shape} "
            f"with {int((~np.isfinite(found)).sum())} numbers that are not finite."
        )
    return found


def normal_nats(changes: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The negative log density of changes under normal distributions, in nats; all of one shape."""
    return 0.5 * (math.log(2 * math.pi) + log_variance + (changes - mean) ** 2 * (-log_variance).exp())

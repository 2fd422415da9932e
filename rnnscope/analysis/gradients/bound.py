"""How much of a gradient one step of a vanilla RNN can let through, whatever it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from rnnscope.errors import ModelError
from rnnscope.recording.adapters import CTRNN
from rnnscope.recording.address import Address
from rnnscope.recording.layers import recurrent_layers

GAMMA = {"tanh": 1.0, "relu": 1.0, "sigmoid": 0.25}
"""The steepest slope of each nonlinearity."""


def recurrent_bound(model: nn.Module) -> pd.DataFrame:
    """The bound on the norm of one step's Jacobian of each layer of a vanilla RNN.

    With h_t = f(W x_t + U h_{t-1} + b) and the steepest slope gamma of f, the spectral norm of d h_t / d h_{t-1} is at
    most sigma gamma, where sigma is the largest singular value of U. Over k steps it is at most (sigma gamma)^k: where
    sigma is below 1 / gamma, gradients must vanish (Pascanu, Mikolov, Bengio 2013). Where it is above, they may
    explode, and need not.

    Parameters
    ----------
    model : nn.Module
        With layers of nn.RNN, nn.RNNCell, or `rnnscope.CTRNN` in the form "rate" with steps as long as tau, which is a
        vanilla RNN with any nonlinearity, the sigmoid among them.

    Returns
    -------
    DataFrame
        One row a layer and direction, indexed by its address, such as ``l0``: ``sigma``, ``gamma``, and ``log_bound``,
        ln(sigma gamma) in nats per step; below 0 gradients must vanish.

    Raises
    ------
    ModelError
        If a recurrent layer is no vanilla RNN, or has weights that are not finite.
    RecordingError
        If there is no recurrent layer.
    """
    rows = {}
    for path, layer in recurrent_layers(model).items():
        for address, weight, gamma in _recurrent_weights(path, layer):
            if not weight.isfinite().all():
                raise ModelError(f"The recurrent weights of {address} are not finite: it has no bound.")
            sigma = torch.linalg.matrix_norm(weight.detach().double().cpu(), 2).item()
            rows[address] = {"sigma": sigma, "gamma": gamma, "log_bound": np.log(sigma * gamma) if sigma else -np.inf}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")


def is_vanilla(layer: nn.Module) -> bool:
    """Whether the bound is of a layer."""
    if isinstance(layer, CTRNN):
        return layer.form == "rate" and layer.nonlinearity in GAMMA and bool((layer.alpha == 1).all())
    return isinstance(layer, nn.RNN | nn.RNNCell)


def _recurrent_weights(path: str, layer: nn.Module) -> Iterator[tuple[str, Tensor, float]]:
    """Address, U and gamma of each layer and direction of a module."""
    if not is_vanilla(layer):
        raise ModelError(
            f"The bound is of the vanilla RNN (Pascanu, Mikolov, Bengio 2013); got {type(layer).__name__}, whose gates "
            "are factors of their own. state_jacobians measures what it lets through."
        )
    gamma = GAMMA[str(layer.nonlinearity)]
    if isinstance(layer, nn.RNN):
        for number in range(layer.num_layers):
            for reverse in (False, True) if layer.bidirectional else (False,):
                weight = getattr(layer, f"weight_hh_l{number}{'_reverse' if reverse else ''}")
                yield Address(path, number, reverse, "h").node, weight, gamma
    else:
        weight: Any = layer.recurrent.weight if isinstance(layer, CTRNN) else layer.weight_hh
        yield Address(path, 0, False, "h").node, weight, gamma

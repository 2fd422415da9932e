"""The equations of the cells as plain loops in float64, to be checked by eye against `rnnscope.cells`."""

from __future__ import annotations

import numpy as np
from torch import nn

Signals = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def weights(module: nn.RNNBase, layer: int, suffix: str = "") -> list[np.ndarray]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    found = (getattr(module, f"{name}_l{layer}{suffix}", None) for name in names)
    zeros = np.zeros(1)
    return [zeros if w is None else w.detach().double().numpy() for w in found]


def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray, w: list[np.ndarray]) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        i, f, g, o = np.split(x_t @ W.T + b + h @ U.T + d, 4, axis=-1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        rows.append((h, c, i, f, g, o))
    return dict(zip("hcifgo", np.stack(rows, axis=1), strict=True))


def gru(x: np.ndarray, h: np.ndarray, w: list[np.ndarray]) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        x_r, x_z, x_n = np.split(x_t @ W.T + b, 3, axis=-1)
        h_r, h_z, h_n = np.split(h @ U.T + d, 3, axis=-1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        rows.append((h, r, z, n))
    return dict(zip("hrzn", np.stack(rows, axis=1), strict=True))


def rnn(x: np.ndarray, h: np.ndarray, w: list[np.ndarray], nonlinearity: str) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        total = x_t @ W.T + b + h @ U.T + d
        h = np.tanh(total) if nonlinearity == "tanh" else np.maximum(total, 0)
        rows.append(h)
    return {"h": np.stack(rows)}


def layer(module: nn.RNNBase, number: int, x: np.ndarray, initial: list[np.ndarray], suffix: str = "") -> Signals:
    """All signals of one layer and direction, each of shape (time, batch, unit)."""
    w = weights(module, number, suffix)
    if isinstance(module, nn.LSTM):
        return lstm(x, initial[0], initial[1], w)
    if isinstance(module, nn.GRU):
        return gru(x, initial[0], w)
    return rnn(x, initial[0], w, str(module.nonlinearity))

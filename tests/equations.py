"""The equations of the cells as plain loops in float64, to be checked by eye against `rnnscope.cells`.

Sequences are read one at a time, so nothing here knows of batches, padding or packing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

Signals = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def weights(module: nn.Module, suffix: str) -> list[np.ndarray]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    found = (getattr(module, f"{name}{suffix}", None) for name in names)
    zeros = np.zeros(1)
    return [zeros if w is None else w.detach().double().numpy() for w in found]


def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray, w: list[np.ndarray], projection: np.ndarray | None) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        i, f, g, o = np.split(W @ x_t + b + U @ h + d, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        h = h if projection is None else projection @ h
        rows.append((h, c, i, f, g, o))
    return {name: np.stack(values) for name, values in zip("hcifgo", zip(*rows, strict=True), strict=True)}


def gru(x: np.ndarray, h: np.ndarray, w: list[np.ndarray]) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        x_r, x_z, x_n = np.split(W @ x_t + b, 3)
        h_r, h_z, h_n = np.split(U @ h + d, 3)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        rows.append((h, r, z, n))
    return {name: np.stack(values) for name, values in zip("hrzn", zip(*rows, strict=True), strict=True)}


def rnn(x: np.ndarray, h: np.ndarray, w: list[np.ndarray], nonlinearity: str) -> Signals:
    W, U, b, d = w
    rows = []
    for x_t in x:
        total = W @ x_t + b + U @ h + d
        h = np.tanh(total) if nonlinearity == "tanh" else np.maximum(total, 0)
        rows.append(h)
    return {"h": np.stack(rows)}


def sequence(module: Any, x: np.ndarray, initial: Sequence[np.ndarray], suffix: str = "") -> Signals:
    """All signals of one layer and direction (or of a cell) for one sequence, each of shape (time, unit)."""
    w = weights(module, suffix)
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        projection = getattr(module, f"weight_hr{suffix}", None)
        return lstm(x, initial[0], initial[1], w, None if projection is None else projection.detach().double().numpy())
    if isinstance(module, nn.GRU | nn.GRUCell):
        return gru(x, initial[0], w)
    return rnn(x, initial[0], w, str(module.nonlinearity))


def many(
    module: Any, x: np.ndarray, initial: Sequence[np.ndarray], lengths: Sequence[int] | None, suffix: str, step: int
) -> Signals:
    """The same for sequences of shape (time, batch, input), zero beyond each one's end; step -1 reads from there."""
    signals: Signals = {}
    for b, n in enumerate(lengths or [len(x)] * x.shape[1]):
        found = sequence(module, x[:n, b][::step], [state[b] for state in initial], suffix)
        for name, values in found.items():
            signals.setdefault(name, np.zeros((*x.shape[:2], values.shape[-1])))[:n, b] = values[::step]
    return signals


def cell(module: nn.RNNCellBase, x: np.ndarray, initial: Sequence[np.ndarray]) -> Signals:
    """All signals of a cell in a loop, each of shape (time, batch, unit)."""
    return many(module, x, initial, None, "", 1)


def layer(
    module: nn.RNNBase,
    number: int,
    x: np.ndarray,
    initial: Sequence[np.ndarray],
    reverse: bool = False,
    lengths: Sequence[int] | None = None,
) -> Signals:
    """All signals of one layer and direction, each of shape (time, batch, unit)."""
    suffix = f"_l{number}{'_reverse' if reverse else ''}"
    return many(module, x, initial, lengths, suffix, -1 if reverse else 1)


def network(
    module: nn.RNNBase,
    x: np.ndarray,
    states: Sequence[np.ndarray],
    lengths: Sequence[int] | None = None,
    between: Callable[[np.ndarray], np.ndarray] = lambda outputs: outputs,
) -> Signals:
    """All signals of all layers by address; ``between`` is what dropout makes of a layer's outputs."""
    signals = {}
    for number in range(module.num_layers):
        outputs = []
        for reverse in (False, True)[: 1 + module.bidirectional]:
            initial = [state[number * (1 + module.bidirectional) + reverse] for state in states]
            found = layer(module, number, x, initial, reverse, lengths)
            signals |= {f"l{number}{'r' if reverse else ''}.{name}": values for name, values in found.items()}
            outputs.append(found["h"])
        x = between(np.concatenate(outputs, axis=-1))
    return signals

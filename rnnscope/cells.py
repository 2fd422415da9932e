"""The table of recurrent cells: what each computes, in PyTorch's names and order.

Every other module reads this table instead of knowing a cell by heart. With ``W x`` for the input's
and ``U h`` for the recurrent product, each with its own bias, the equations are those of PyTorch:

    rnn     h_t = tanh(W x_t + U h_{t-1})                      or relu
    gru     r, z = sigmoid(W x_t + U h_{t-1})
            n = tanh(W x_t + r * (U h_{t-1}))
            h_t = (1 - z) * n + z * h_{t-1}
    lstm    i, f, o = sigmoid(W x_t + U h_{t-1});  g = tanh(W x_t + U h_{t-1})
            c_t = f * c_{t-1} + i * g
            h_t = o * tanh(c_t)
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Signal:
    """A named quantity that a recurrent layer has at every step.

    Attributes
    ----------
    name : str
        PyTorch's letter for it.
    meaning : str
        The same in words.
    low, high : float
        The range of its values; infinite where nothing bounds it. (With relu, h of the vanilla RNN
        goes beyond 1.)
    """

    name: str
    meaning: str
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """One type of recurrent cell.

    Attributes
    ----------
    name : str
        What recipes and files call it.
    module : type
        PyTorch's fused module.
    states : tuple of Signal
        What is carried from step to step, in the order of PyTorch's state tuple.
    gates : tuple of Signal
        The gates, in the order of their rows in ``weight_ih`` and ``weight_hh``.
    memory : str
        The state that best shows what the cell keeps.
    """

    name: str
    module: type[nn.RNNBase]
    states: tuple[Signal, ...]
    gates: tuple[Signal, ...]
    memory: str

    @property
    def signals(self) -> tuple[Signal, ...]:
        """States first, then gates."""
        return self.states + self.gates

    @property
    def signal_names(self) -> tuple[str, ...]:
        return tuple(signal.name for signal in self.signals)

    def gate_rows(self, name: str, hidden_size: int) -> slice:
        """The rows of a gate in the stacked weights and biases."""
        place = [gate.name for gate in self.gates].index(name)
        return slice(place * hidden_size, (place + 1) * hidden_size)


_INFINITE = float("inf")
_HIDDEN = Signal("h", "hidden state", -1.0, 1.0)

CELLS = {
    cell.name: cell
    for cell in (
        Cell("rnn", nn.RNN, (_HIDDEN,), (), "h"),
        Cell(
            "gru",
            nn.GRU,
            (_HIDDEN,),
            (
                Signal("r", "reset gate", 0.0, 1.0),
                Signal("z", "update gate", 0.0, 1.0),
                Signal("n", "candidate", -1.0, 1.0),
            ),
            "h",
        ),
        Cell(
            "lstm",
            nn.LSTM,
            (_HIDDEN, Signal("c", "cell state", -_INFINITE, _INFINITE)),
            (
                Signal("i", "input gate", 0.0, 1.0),
                Signal("f", "forget gate", 0.0, 1.0),
                Signal("g", "candidate", -1.0, 1.0),
                Signal("o", "output gate", 0.0, 1.0),
            ),
            "c",
        ),
    )
}


def cell_of(module: nn.RNNBase) -> Cell:
    """The table's entry for a fused PyTorch module."""
    return next(cell for cell in CELLS.values() if isinstance(module, cell.module))

"""Modules as users write them, for attributions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Tagged(nn.Module):
    """Embedding, dropout, a recurrent layer, a head on its last step; batch first."""

    def __init__(self, cell: type[nn.GRU | nn.LSTM] = nn.GRU, bidirectional: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(7, 5)
        self.dropout = nn.Dropout(0.5)
        self.rnn = cell(5, 6, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(6 * (1 + bidirectional), 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.rnn(self.dropout(self.embedding(tokens)))[0][:, -1])


class Loop(nn.Module):
    """The embedding and a cell called at each step of (time, batch): modules that are used many times."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(7, 5)
        self.cell = nn.LSTMCell(5, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        state = None
        for step in tokens:
            state = self.cell(self.embedding(step), state)
        return self.head(state[0])  # pyright: ignore[reportOptionalSubscript]


class Transposing(nn.Module):
    """It takes (batch, time), and turns the tokens, or their vectors, about for a layer that has no batch_first."""

    def __init__(self, early: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.early = early
        self.embedding = nn.Embedding(7, 5)
        self.rnn = nn.LSTM(5, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens.T) if self.early else self.embedding(tokens).transpose(0, 1)
        x *= 2  # in place
        return self.head(self.rnn(x)[0][-1])


class StepByStep(nn.Module):
    """A cell in a loop over (batch, time), with one output, of shape (batch,)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(7, 5)
        self.cell = nn.GRUCell(5, 6)
        self.head = nn.Linear(6, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        h = torch.zeros(len(tokens), 6)
        for step in range(tokens.shape[1]):
            h = self.cell(self.embedding(tokens[:, step]), h)
        return self.head(h).squeeze(-1)


class Linear(nn.Module):
    """A recurrent network that is linear where its inputs are positive; it reads vectors of shape (time, batch, 3)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.RNN(3, 4, nonlinearity="relu", bias=False)
        self.head = nn.Linear(4, 2, bias=False)
        for parameter in self.rnn.parameters():
            parameter.data.abs_()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][-1])

    def owed(self, x: Tensor, output: int) -> Tensor:
        """What an output owes to each step of x, of shape (time, 3): by hand."""
        row, owed = self.head.weight[output], []
        rnn: Any = self.rnn
        for step in x.flip(0):
            owed.append((row @ rnn.weight_ih_l0) * step)
            row = row @ rnn.weight_hh_l0
        return torch.stack(owed).flip(0).sum(dim=-1)

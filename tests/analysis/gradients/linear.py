"""A linear recurrent layer, of which everything is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnnscope import Adapter, register
from rnnscope.recording.adapter import Keep, States


class LinearRNN(nn.Module):
    """h_t = A h_{t-1} + x_t."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.hidden_size = len(matrix)
        self.matrix = nn.Parameter(matrix)

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(x.shape[1], self.hidden_size) if h is None else h
        outputs = []
        for x_t in x:
            h = x_t + h @ self.matrix.T
            outputs.append(h)
        return torch.stack(outputs), h


class LinearAdapter(Adapter):
    states = ("h",)
    whole = True

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", x + states[0] @ self.module.matrix.T)
        return h, (h,)


register(LinearRNN, LinearAdapter)


class LinearModel(nn.Module):
    """Token ids of shape (time, batch) in, states out."""

    def __init__(self, matrix: Tensor, tokens: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(tokens, len(matrix))
        self.rnn = LinearRNN(matrix)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.rnn(self.embedding(tokens))[0]


def normal_matrix(moduli: list[float]) -> Tensor:
    """A matrix with orthogonal eigenvectors and eigenvalues of these moduli, the first two of them complex."""
    torch.manual_seed(1)
    diagonal = torch.diag(torch.tensor(moduli))
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    diagonal[:2, :2] = moduli[0] * turn
    basis = torch.linalg.qr(torch.randn(len(moduli), len(moduli)))[0]
    return basis @ diagonal @ basis.T

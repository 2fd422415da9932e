"""Networks as other programs write them, in plain PyTorch."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope import CharLanguageModel

CHARACTERS = list("abcdefg\n .")
KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CELLS: dict[str, Any] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


class CharNetwork(nn.Module):
    """What a char-rnn program defines: tokens of shape (batch, time) in, logits (batch, time, token) out."""

    def __init__(
        self,
        kind: str = "lstm",
        hidden: int = 6,
        embedding: int = 4,
        head_bias: bool = True,
        tied: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.tokens = len(CHARACTERS)
        self.encoder = nn.Embedding(self.tokens, embedding) if embedding else nn.Identity()
        self.rnn = KINDS[kind](embedding or self.tokens, hidden, batch_first=True, **options)
        output = (options.get("proj_size") or hidden) * (1 + options.get("bidirectional", False))
        self.decoder = nn.Linear(output, self.tokens, bias=head_bias)
        if tied:
            self.decoder.weight = self.encoder.weight  # pyright: ignore[reportAttributeAccessIssue]

    def forward(self, tokens: Tensor) -> Tensor:
        one_hot = isinstance(self.encoder, nn.Identity)
        inputs = functional.one_hot(tokens, self.tokens).to(self.decoder.weight) if one_hot else self.encoder(tokens)
        return self.decoder(self.rnn(inputs)[0])


class ScriptableNetwork(nn.Module):
    """A network that TorchScript understands, with a vocabulary among its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.stoi = {character: i for i, character in enumerate(CHARACTERS)}
        self.embed = nn.Embedding(len(CHARACTERS), 4)
        self.lstm = nn.LSTM(4, 6, 2, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(6, len(CHARACTERS))

    def forward(self, tokens: Tensor) -> Tensor:
        output, _ = self.lstm(self.embed(tokens))
        return self.fc(self.drop(output))


class CellNetwork(nn.Module):
    """A loop of one's own over cells."""

    def __init__(self, kind: str, hidden: int = 6, layers: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.encoder = nn.Embedding(len(CHARACTERS), 4)
        self.cells = nn.ModuleList(CELLS[kind](hidden if k else 4, hidden, bias=bias) for k in range(layers))
        self.decoder = nn.Linear(hidden, len(CHARACTERS))

    def forward(self, tokens: Tensor) -> Tensor:
        states: list[Any] = [None] * len(self.cells)
        logits = []
        for x in self.encoder(tokens).unbind(1):
            for k, cell in enumerate(self.cells):
                states[k] = cell(x, states[k])
                x = states[k][0] if isinstance(states[k], tuple) else states[k]
            logits.append(self.decoder(x))
        return torch.stack(logits, dim=1)


def make(*arguments: Any, of: type[nn.Module] = CharNetwork, **options: Any) -> Any:
    """A network with weights that are the same at each call, large enough to matter."""
    torch.manual_seed(0)
    network = of(*arguments, **options).eval()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.8, 0.8)
    return network


@torch.no_grad()
def assert_same(model: CharLanguageModel, network: nn.Module, tolerance: float = 1e-10) -> None:
    """Logits of all tokens that the network knows, over a text of them, are the network's own (both in float64)."""
    model, network = copy.deepcopy(model).double(), copy.deepcopy(network).double()
    tokens = torch.randint(0, len(CHARACTERS), (3, 17), generator=torch.Generator().manual_seed(1))
    mine = torch.tensor([model.vocabulary.characters.index(character) for character in CHARACTERS])
    logits, _ = model(mine[tokens].T)
    torch.testing.assert_close(logits[..., mine].transpose(0, 1), network(tokens), atol=tolerance, rtol=tolerance)


def write(path: Path, content: object, **options: Any) -> Path:
    """Save as PyTorch does."""
    torch.save(content, path, **options)
    return path


def scripted(network: nn.Module, how: str) -> Any:
    """A network as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if how == "trace":
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # pyright: ignore[reportPrivateImportUsage]
            return torch.jit.trace(network, torch.zeros(1, 5, dtype=torch.long))
        return torch.jit.script(network)

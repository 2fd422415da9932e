"""A language model over characters: tokens in, a distribution over the next token out at each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.card import Card
from rnnscope.cells import CELLS
from rnnscope.errors import ModelError, RecipeError, TextError
from rnnscope.text import Vocabulary

State = Tensor | tuple[Tensor, ...] | None
"""What the fused modules carry: h for rnn and gru, (h, c) for lstm, each of shape (layer, batch, unit)."""


@dataclass(frozen=True)
class LanguageModelConfig:
    """The shape of a `CharLanguageModel`.

    Attributes
    ----------
    cell : {"rnn", "gru", "lstm"}
    nonlinearity : {"tanh", "relu"}
        Of the vanilla RNN; the other cells have their own.
    hidden_size : int
        Units a layer.
    layers : int
    embedding_size : int
        Size of a token's vector; 0 for one-hot input.
    dropout : float
        Share of h set to zero between layers and before the head, in training.
    tied : bool
        Whether the head's weights are the embedding's (needs equal sizes).
    bias : bool
        Whether the recurrent layers have biases.
    proj_size : int
        Units that h is projected to (LSTM only); 0 for no projection.
    bidirectional : bool
        Whether each layer also reads the text backward. Such a network reads texts but cannot write them.
    """

    cell: str = "lstm"
    nonlinearity: str = "tanh"
    hidden_size: int = 256
    layers: int = 1
    embedding_size: int = 64
    dropout: float = 0.0
    tied: bool = False
    bias: bool = True
    proj_size: int = 0
    bidirectional: bool = False

    @property
    def output_size(self) -> int:
        """What the top layer gives at a step: h of each direction, projected if it is."""
        return (self.proj_size or self.hidden_size) * (1 + self.bidirectional)

    def __post_init__(self) -> None:
        def demand(holds: bool, expected: str, got: object) -> None:
            if not holds:
                raise RecipeError(f"A model needs {expected}; got {got!r}.")

        demand(self.cell in CELLS, f"a cell out of {', '.join(CELLS)}", self.cell)
        demand(self.nonlinearity in ("tanh", "relu"), "the nonlinearity tanh or relu", self.nonlinearity)
        demand(self.hidden_size > 0, "a hidden_size of at least 1", self.hidden_size)
        demand(self.layers > 0, "layers of at least 1", self.layers)
        demand(self.embedding_size >= 0, "an embedding_size of at least 0 (0 is one-hot)", self.embedding_size)
        demand(0 <= self.dropout < 1, "a dropout from 0 up to, but not including, 1", self.dropout)
        demand(self.proj_size >= 0, "a proj_size of at least 0 (0 is no projection)", self.proj_size)
        demand(self.proj_size < self.hidden_size, "a proj_size smaller than hidden_size", self.proj_size)
        if self.proj_size:
            demand(self.cell == "lstm", "the cell lstm to have a proj_size", self.cell)
        if self.tied:
            sizes = "equal embedding_size and hidden_size (as projected, and of both directions) to be tied"
            demand(self.embedding_size == self.output_size, sizes, self)


class CharLanguageModel(nn.Module):
    """Embedding or one-hot input, a stack of recurrent layers, a linear head.

    Parameters
    ----------
    config : LanguageModelConfig
    vocabulary : Vocabulary
    """

    task: ClassVar[str] = "language-model"
    config_type: ClassVar[type[LanguageModelConfig]] = LanguageModelConfig
    card: Card | None = None

    def __init__(self, config: LanguageModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        size = len(vocabulary)
        self.embedding = nn.Embedding(size, config.embedding_size) if config.embedding_size else None
        self.rnn = _recurrent_stack(config, input_size=config.embedding_size or size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, size)
        if config.tied and self.embedding is not None:
            self.head.weight = self.embedding.weight
        self._initialise()

    def forward(self, tokens: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Logits for the token that follows each token, and the state after the last.

        Parameters
        ----------
        tokens : int64 tensor of shape (time, batch) or (time,)
        state : as returned by an earlier call, or None for zeros

        Returns
        -------
        logits : tensor of shape (time, batch, token) or (time, token)
        state
        """
        if self.embedding is None:
            inputs = functional.one_hot(tokens, len(self.vocabulary)).to(self.head.weight.dtype)
        else:
            inputs = self.embedding(tokens)
        hidden, state = self.rnn(inputs, state)
        return self.head(self.dropout(hidden)), state

    @torch.no_grad()
    def generate(
        self, prompt: str, length: int, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Iterator[str]:
        """Sample a text, character by character; the prompt is read first and not repeated.

        Parameters
        ----------
        prompt : str of at least one character
        length : int
            Characters to sample.
        temperature : float
            Divides the logits: below 1 likely characters gain, above 1 the text is more varied, 0 always
            takes the most probable character.
        generator : torch.Generator, optional
            Fixes the sample.

        Raises
        ------
        ModelError
            If the network is bidirectional.
        TextError
        """
        if self.config.bidirectional:
            raise ModelError(
                "A bidirectional network cannot write: it also reads from the end of the text, which is not there "
                "yet. It can be traced."
            )
        device = self.head.weight.device
        if not prompt:
            raise TextError("The prompt is empty; at least one character is needed, such as a newline.")
        tokens, state = torch.from_numpy(self.vocabulary.encode(prompt)).to(device), None
        for _ in range(length):
            logits, state = self(tokens, state)
            last = logits[-1].float()
            last[0] = -torch.inf  # the unknown symbol stands for no character
            if temperature == 0:
                tokens = last.argmax(keepdim=True)
            else:
                odds = functional.softmax((last - last.max()) / temperature, dim=-1).cpu()
                tokens = torch.multinomial(odds, 1, generator=generator).to(device)
            yield self.vocabulary.decode(tokens.tolist())

    def _initialise(self) -> None:
        """Orthogonal recurrent weights gate by gate, zero biases, forget gates open by one."""
        cell, size = CELLS[self.config.cell], self.config.hidden_size
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight_hh"):
                for block in parameter.detach().split(size):
                    nn.init.orthogonal_(block)
            elif name.startswith("bias"):
                nn.init.zeros_(parameter)
                if name.startswith("bias_hh") and "f" in cell.signal_names:
                    nn.init.ones_(parameter.detach()[cell.gate_rows("f", size)])


def _recurrent_stack(config: LanguageModelConfig, input_size: int) -> nn.RNNBase:
    options: dict[str, Any] = {"bias": config.bias, "bidirectional": config.bidirectional}
    if config.cell == "rnn":
        options["nonlinearity"] = config.nonlinearity
    if config.proj_size:
        options["proj_size"] = config.proj_size
    cell: Any = CELLS[config.cell].module  # each takes its own options beside the common ones
    between_layers = config.dropout if config.layers > 1 else 0.0
    return cell(input_size, config.hidden_size, num_layers=config.layers, dropout=between_layers, **options)


def detach(state: State) -> State:
    """The state as a value, cut from the graph that made it."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return None if state is None else state.detach()

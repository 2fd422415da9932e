"""A language model over characters: tokens in, a distribution over the next token out at each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.arguments import whole
from rnnscope.errors import ArgumentError, ModelError, TextError
from rnnscope.text import Vocabulary

from .network import CharacterNetwork
from .stack import StackConfig, State, demand, recurrent_stack


@dataclass(frozen=True)
class LanguageModelConfig(StackConfig):
    """The shape of a `CharLanguageModel`.

    A bidirectional one reads texts but cannot write them.

    Attributes
    ----------
    embedding_size : int
        Size of a token's vector; 0 for one-hot input.
    tied : bool
        Whether the head's weights are the embedding's (needs equal sizes).
    proj_size : int
        Units that h is projected to (LSTM only); 0 for no projection.

    Raises
    ------
    RecipeError
        If a value has no meaning, or two do not go together.

    Examples
    --------
    >>> import rnnscope
    >>> from rnnscope.models import LanguageModelConfig
    >>> config = LanguageModelConfig(cell="gru", hidden_size=32, layers=2, embedding_size=0)
    >>> model = rnnscope.CharLanguageModel(config, rnnscope.Vocabulary("ab"))
    >>> model.architecture
    'gru, 2 layers of 32 units, one-hot input'
    """

    embedding_size: int = 64
    tied: bool = False
    proj_size: int = 0

    @property
    def output_size(self) -> int:
        """What the top layer gives at a step: h of each direction, projected if it is."""
        return (self.proj_size or self.hidden_size) * (1 + self.bidirectional)

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.embedding_size >= 0, "an embedding_size of at least 0 (0 is one-hot)", self.embedding_size)
        demand(self.proj_size >= 0, "a proj_size of at least 0 (0 is no projection)", self.proj_size)
        demand(self.proj_size < self.hidden_size, "a proj_size smaller than hidden_size", self.proj_size)
        if self.proj_size:
            demand(self.cell == "lstm", "the cell lstm to have a proj_size", self.cell)
        if self.tied:
            sizes = "equal embedding_size and hidden_size (as projected, and of both directions) to be tied"
            demand(self.embedding_size == self.output_size, sizes, self)


class CharLanguageModel(CharacterNetwork):
    """Embedding or one-hot input, a stack of recurrent layers, a linear head.

    Parameters
    ----------
    config : LanguageModelConfig
    vocabulary : Vocabulary

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> "".join(model.generate("He could not und", 7, temperature=0))
    'erstand'
    """

    task = "language-model"
    config_type = LanguageModelConfig
    config: LanguageModelConfig

    def __init__(self, config: LanguageModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        size = len(vocabulary)
        self.embedding = nn.Embedding(size, config.embedding_size) if config.embedding_size else None
        projection = {"proj_size": config.proj_size} if config.proj_size else {}
        self.rnn = recurrent_stack(config, config.embedding_size or size, **projection)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, size)
        if config.tied and self.embedding is not None:
            self.head.weight = self.embedding.weight

    @property
    def architecture(self) -> str:
        config = self.config
        projected = f", projected to {config.proj_size}" if config.proj_size else ""
        inputs = f"embedding of {config.embedding_size}" if config.embedding_size else "one-hot input"
        return f"{config.words}{projected}, {inputs}{', tied head' if config.tied else ''}"

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
        ArgumentError
            If the length is no whole number, or the temperature below 0.
        TextError
            If the prompt is empty or no text.
        """
        whole(length, "length")
        if not isinstance(temperature, Real) or not temperature >= 0:
            raise ArgumentError(f"temperature is a number of at least 0; got {temperature!r}.")
        if self.config.bidirectional:
            raise ModelError(
                "A bidirectional network cannot write: it also reads from the end of the text, which is not there "
                "yet. It can be traced."
            )
        device = self.device
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

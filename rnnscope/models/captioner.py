"""A captioner: an image in, a text out character by character (one-to-many)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.cells import CELLS
from rnnscope.errors import ModelError
from rnnscope.text import Vocabulary

from .decoding import END, START, RecurrentState, decode
from .network import CharacterNetwork
from .stack import StackConfig, demand, recurrent_stack


@dataclass(frozen=True)
class CaptionerConfig(StackConfig):
    """The shape of a `Captioner`.

    Attributes
    ----------
    embedding_size : int
        Size of a character's vector.
    image_size : int
        Pixels an image.
    """

    embedding_size: int = 32
    image_size: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.embedding_size > 0, "an embedding_size of at least 1", self.embedding_size)
        demand(self.image_size > 0, "an image_size of at least 1", self.image_size)
        demand(not self.bidirectional, "bidirectional to be false: a caption is written from its start", True)


class Captioner(CharacterNetwork):
    """Two linear layers from the pixels to the first states of a recurrent stack, which writes the text.

    Parameters
    ----------
    config : CaptionerConfig
    vocabulary : Vocabulary
        With the characters U+0002, that a text begins with, and U+0003, that ends it.

    Attributes
    ----------
    pixel_mean, pixel_deviation : tensors of shape ()
        What pixels are standardised by; set by `standardise`.

    Examples
    --------
    >>> import numpy as np
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("digit-captioner"))
    >>> image = np.zeros((8, 8))
    >>> image[:, 3:5] = 16
    >>> model.caption(image.reshape(1, 64))
    ['a thin one, upright']
    """

    task = "captioner"
    config_type = CaptionerConfig
    config: CaptionerConfig
    pixel_mean: Tensor
    pixel_deviation: Tensor

    def __init__(self, config: CaptionerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        if START not in vocabulary or END not in vocabulary:
            raise ModelError("A captioner's vocabulary needs the characters U+0002 (start) and U+0003 (end of text).")
        self.config = config
        self.vocabulary = vocabulary
        self._states = len(CELLS[config.cell].states)
        self.register_buffer("pixel_mean", torch.zeros(()))
        self.register_buffer("pixel_deviation", torch.ones(()))
        self.encoder = nn.Sequential(
            nn.Linear(config.image_size, config.hidden_size),
            nn.Tanh(),
            nn.Linear(config.hidden_size, self._states * config.layers * config.hidden_size),
        )
        self.embedding = nn.Embedding(len(vocabulary), config.embedding_size)
        self.rnn = recurrent_stack(config, config.embedding_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, len(vocabulary))

    @property
    def architecture(self) -> str:
        config = self.config
        return f"{config.words}, embedding of {config.embedding_size}, first states from {config.image_size} pixels"

    def standardise(self, mean: float, deviation: float) -> None:
        """Fix what pixels are standardised by.

        Parameters
        ----------
        mean, deviation : float
            Of the pixels of the training part.
        """
        self.pixel_mean.fill_(mean)
        self.pixel_deviation.fill_(deviation)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Logits for the token that follows each token of a caption.

        Parameters
        ----------
        images : float tensor of shape (batch, pixel)
            In the unit of the training data.
        tokens : int64 tensor of shape (time, batch)
            The first is the start of text.

        Returns
        -------
        logits : tensor of shape (time, batch, token)
        """
        hidden, _ = self.rnn(self.embedding(tokens), self.first_state(images))
        return self.head(self.dropout(hidden))

    def first_state(self, images: Tensor) -> RecurrentState:
        """What the recurrent stack starts from: h, or (h, c), each of shape (layer, batch, unit)."""
        layers, units = self.config.layers, self.config.hidden_size
        encoded = self.encoder((images - self.pixel_mean) / self.pixel_deviation)
        states = encoded.view(len(images), self._states, layers, units).permute(1, 2, 0, 3).contiguous()
        return states[0] if self._states == 1 else tuple(states)

    @torch.no_grad()
    def caption(self, images: Tensor | np.ndarray, beam: int = 1, longest: int = 200) -> list[str]:
        """The text of each image.

        Parameters
        ----------
        images : array or tensor of shape (batch, pixel)
            In the unit of the training data.
        beam : int
            Texts kept at each step; 1 is greedy.
        longest : int
            Characters at most, the end of text included.

        Raises
        ------
        ModelError
            If the images have another shape, or ``beam`` or ``longest`` is less than one.
        """
        try:
            images = torch.as_tensor(images, dtype=torch.float32, device=self.device)
        except (TypeError, ValueError):
            images = torch.empty(0)
        if images.dim() != 2 or images.shape[1] != self.config.image_size or not images.isfinite().all():
            raise ModelError(
                f"Images of shape (batch, {self.config.image_size}) are expected, one row of pixels each, all of them "
                f"finite numbers; got {tuple(images.shape)}."
            )
        start, end = self.vocabulary.encode(START + END).tolist()
        texts = decode(self._step, self.first_state(images), start=start, end=end, longest=longest, beam=beam)
        return [self.vocabulary.decode(tokens) for tokens in texts]

    def _step(self, tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        hidden, state = self.rnn(self.embedding(tokens[None]), state)
        logits = self.head(hidden[0]).float()
        logits[:, self.vocabulary.encode(Vocabulary.UNKNOWN + START).tolist()] = -torch.inf  # no characters of a text
        return functional.log_softmax(logits, dim=-1), state

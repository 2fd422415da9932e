"""A classifier of texts: characters in, one label out at the end (many-to-one)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnnscope.errors import ModelError, TextError
from rnnscope.text import Vocabulary

from .network import Network
from .stack import StackConfig, demand, recurrent_stack

POOLINGS = ("last", "mean", "max")


@dataclass(frozen=True)
class ClassifierConfig(StackConfig):
    """The shape of a `SequenceClassifier`.

    Attributes
    ----------
    embedding_size : int
        Size of a character's vector.
    pooling : {"last", "mean", "max"}
        How the top layer's h of all steps becomes one vector. ``last`` takes, of each direction, h of the
        last step that it reads: for the backward direction that is the text's first character.
    """

    embedding_size: int = 32
    pooling: str = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.embedding_size > 0, "an embedding_size of at least 1", self.embedding_size)
        demand(self.pooling in POOLINGS, f"a pooling out of {', '.join(POOLINGS)}", self.pooling)


class SequenceClassifier(Network):
    """Embedding, a stack of recurrent layers, pooling over time, a linear head.

    Parameters
    ----------
    config : ClassifierConfig
    vocabulary : Vocabulary
        The characters.
    labels : sequence of str
        Two or more, each once.

    Raises
    ------
    ModelError
        If the labels are no two different ones.
    """

    task = "classifier"
    config_type = ClassifierConfig
    config: ClassifierConfig

    def __init__(self, config: ClassifierConfig, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        super().__init__()
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise ModelError(f"A classifier needs two labels or more, each given once; got {list(labels)}.")
        self.config = config
        self.vocabulary = vocabulary
        self.labels = tuple(labels)
        self.embedding = nn.Embedding(len(vocabulary), config.embedding_size)
        self.rnn = recurrent_stack(config, config.embedding_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, len(labels))

    @classmethod
    def build(cls, config: ClassifierConfig, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        return cls(config, Vocabulary(vocabularies["characters"]), vocabularies["labels"])

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        return {"characters": self.vocabulary.characters[1:], "labels": self.labels}

    @property
    def architecture(self) -> str:
        config = self.config
        return f"{config.words}, embedding of {config.embedding_size}, {config.pooling} pooling"

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits of the labels of each text.

        Parameters
        ----------
        tokens : int64 tensor of shape (time, batch)
            Texts side by side; what stands beyond a text's length is not read.
        lengths : int64 tensor of shape (batch,)
            Steps of each text, at least 1; the longest has all of them.

        Returns
        -------
        tensor of shape (batch, label)
        """
        packed = pack_padded_sequence(self.embedding(tokens), lengths.cpu(), enforce_sorted=False)
        hidden, state = self.rnn(packed)
        if self.config.pooling == "last":
            h = state[0] if isinstance(state, tuple) else state
            pooled = torch.cat(tuple(h[-2:] if self.config.bidirectional else h[-1:]), dim=-1)
        elif self.config.pooling == "mean":
            pooled = pad_packed_sequence(hidden)[0].sum(dim=0) / lengths.to(tokens.device).unsqueeze(-1)
        else:
            pooled = pad_packed_sequence(hidden, padding_value=-torch.inf)[0].amax(dim=0)
        return self.head(self.dropout(pooled))

    def running(self, tokens: Tensor) -> Tensor:
        """Logits after each step, as if the text ended there: how the belief changes while it is read.

        Parameters
        ----------
        tokens : int64 tensor of shape (time,) or (time, batch)

        Returns
        -------
        tensor of shape (time, label) or (time, batch, label)

        Raises
        ------
        ModelError
            If the network is bidirectional.
        """
        if self.config.bidirectional:
            raise ModelError(
                "A bidirectional classifier has no belief at a step: it also reads from the end of the text. "
                "Give it each beginning of the text as a text of its own, or take a network of one direction."
            )
        hidden, _ = self.rnn(self.embedding(tokens))
        if self.config.pooling == "mean":
            steps = torch.arange(1, len(hidden) + 1, device=hidden.device)
            hidden = hidden.cumsum(dim=0) / steps.view(-1, *(1,) * (hidden.dim() - 1))
        elif self.config.pooling == "max":
            hidden = hidden.cummax(dim=0).values
        return self.head(self.dropout(hidden))

    @torch.no_grad()
    def classify(self, text: str) -> dict[str, float]:
        """The probability of each label; the network is in eval mode.

        Parameters
        ----------
        text : str of at least one character

        Raises
        ------
        TextError
        """
        if not text:
            raise TextError("The text is empty; at least one character is needed to classify it.")
        tokens = torch.from_numpy(self.vocabulary.encode(text)).to(self.device)
        logits = self(tokens.unsqueeze(-1), torch.tensor([len(tokens)]))[0]
        return dict(zip(self.labels, logits.softmax(dim=-1).tolist(), strict=True))

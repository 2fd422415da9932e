"""A classifier of texts: characters in, one label out at the end (many-to-one)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from rnnscope.errors import ModelError, TextError
from rnnscope.text import Vocabulary

from .network import Network, check_labels
from .stack import StackConfig, demand, recurrent_stack

POOLINGS = ("last", "mean", "max")

_TOGETHER = 256
"""Texts that are read side by side."""


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

    Examples
    --------
    >>> import rnnscope.trained
    >>> odds = rnnscope.load(rnnscope.trained.path("names-classifier")).classify("Kowalski")
    >>> max(odds, key=odds.get)
    'Polish'
    """

    task = "classifier"
    config_type = ClassifierConfig
    config: ClassifierConfig

    def __init__(self, config: ClassifierConfig, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.labels = check_labels(labels)
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
        return self.head(self.dropout(self._pool(self._read(tokens, lengths), lengths.to(tokens.device))))

    def _read(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The top layer's h, shape (time, batch, unit); beyond a text's end it means nothing.

        The backward pass through a packed sequence takes time that grows with the square of its length. What
        is trained in one direction is spared it: there no padding comes before a text's end.
        """
        inputs = self.embedding(tokens)
        if self.training and not self.config.bidirectional:
            return self.rnn(inputs)[0]
        packed = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
        return pad_packed_sequence(self.rnn(packed)[0])[0]

    def _pool(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """One vector a text, shape (batch, unit), from the steps that it has."""
        if self.config.pooling == "last":
            last = hidden[lengths - 1, torch.arange(len(lengths), device=hidden.device)]
            if not self.config.bidirectional:
                return last
            size = self.config.hidden_size
            return torch.cat((last[:, :size], hidden[0, :, size:]), dim=-1)
        steps = torch.arange(len(hidden), device=hidden.device).unsqueeze(-1)
        beyond = (steps >= lengths).unsqueeze(-1)
        if self.config.pooling == "mean":
            return hidden.masked_fill(beyond, 0.0).sum(dim=0) / lengths.unsqueeze(-1)
        return hidden.masked_fill(beyond, -torch.inf).amax(dim=0)

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
        return dict(zip(self.labels, self.logits_of([text])[0].softmax(dim=-1).tolist(), strict=True))

    @torch.no_grad()
    def logits_of(self, texts: Sequence[str]) -> Tensor:
        """Logits of many texts, those of similar length read side by side; the network is in eval mode.

        Parameters
        ----------
        texts : sequence of str
            Of at least one character each.

        Returns
        -------
        float32 tensor of shape (text, label), on the CPU
        """
        tokens = [torch.from_numpy(self.vocabulary.encode(text)) for text in texts]
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        logits = torch.empty(len(tokens), len(self.labels))
        for start in range(0, len(order), _TOGETHER):
            chosen = order[start : start + _TOGETHER]
            rows = [tokens[place] for place in chosen]
            lengths = torch.tensor([len(row) for row in rows])
            logits[chosen] = self(pad_sequence(rows).to(self.device), lengths).float().cpu()
        return logits

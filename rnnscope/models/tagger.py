"""A tagger: words in, one label out for each word (many-to-many, aligned)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from rnnscope.errors import ModelError, TextError
from rnnscope.text import Vocabulary, counted

from .network import Network, check_labels
from .stack import StackConfig, demand, recurrent_stack

LONGEST_SPELLING = 40
"""Characters of a word that are read; a longer one is known by its first."""

_BATCH = 64
_PADDING = -1


@dataclass(frozen=True)
class TaggerConfig(StackConfig):
    """The shape of a `SequenceTagger`; dropout also falls on the words' vectors.

    Attributes
    ----------
    word_embedding_size : int
        Size of a word's own vector.
    embedding_size : int
        Size of a character's vector.
    character_hidden_size : int
        Units of each direction of the layer that reads a word's characters.
    word_dropout : float
        Share of words read as the unknown word in training, so that spelling and context must do.
    """

    hidden_size: int = 128
    bidirectional: bool = True
    word_embedding_size: int = 64
    embedding_size: int = 32
    character_hidden_size: int = 64
    word_dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("word_embedding_size", "embedding_size", "character_hidden_size"):
            demand(getattr(self, name) > 0, f"a {name} of at least 1", getattr(self, name))
        demand(0 <= self.word_dropout < 1, "a word_dropout from 0 up to, but not including, 1", self.word_dropout)


class Lexicon:
    """The words and characters that a tagger knows, and how sentences become tensors.

    Id 0 is the unknown word, as it is the unknown character.

    Parameters
    ----------
    words : sequence of str
        Distinct, in the order of their ids from 1 on.
    characters : Vocabulary
    """

    def __init__(self, words: Sequence[str], characters: Vocabulary) -> None:
        self.words = tuple(words)
        self.characters = characters
        self._ids = {word: number for number, word in enumerate(self.words, start=1)}
        if len(self._ids) != len(self.words):
            raise ModelError("A tagger knows each word once, but one was given twice.")

    def __len__(self) -> int:
        """Ids of words, that of the unknown word among them."""
        return len(self.words) + 1

    def encode(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """What `SequenceTagger` reads: each distinct word is spelt once, however often it occurs.

        Parameters
        ----------
        sentences : sequence of sequences of str
            Words; of a word longer than `LONGEST_SPELLING` only the first characters are read.

        Returns
        -------
        tokens, words, characters : int64 tensors
            See `SequenceTagger.forward`.

        Raises
        ------
        TextError
            If a sentence or a word is empty.
        """
        distinct = dict.fromkeys(chain.from_iterable(sentences))
        if not sentences or not all(map(len, sentences)) or not all(map(len, distinct)):
            raise TextError("A sentence needs at least one word, and a word at least one character; got an empty one.")
        places = {word: place for place, word in enumerate(distinct)}
        tokens = [torch.tensor([places[word] for word in sentence]) for sentence in sentences]
        words = torch.tensor([self._ids.get(word, 0) for word in distinct])
        spellings = [torch.from_numpy(self.characters.encode(word[:LONGEST_SPELLING])) for word in distinct]
        return _side_by_side(tokens), words, _side_by_side(spellings)


class SequenceTagger(Network):
    """Each word's own vector and its spelling, a stack of recurrent layers over the words, a linear head.

    The layer ``spelling`` reads the characters of a word in both directions, and its two last h stand for
    the word's form (Ling et al. 2015, section 2); ``rnn`` reads the words.

    Parameters
    ----------
    config : TaggerConfig
    lexicon : Lexicon
    labels
        As for `SequenceClassifier`.

    Raises
    ------
    ModelError
        If they are no two different ones.

    Examples
    --------
    >>> import rnnscope.trained
    >>> rnnscope.load(rnnscope.trained.path("pos-tagger")).tag(["The", "old", "man", "walks", "home", "."])
    ['DET', 'ADJ', 'NOUN', 'VERB', 'ADV', 'PUNCT']
    """

    task = "tagger"
    config_type = TaggerConfig
    config: TaggerConfig

    def __init__(self, config: TaggerConfig, lexicon: Lexicon, labels: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.lexicon = lexicon
        self.labels = check_labels(labels)
        speller = replace(config, hidden_size=config.character_hidden_size, layers=1, bidirectional=True)
        self.embedding = nn.Embedding(len(lexicon.characters), config.embedding_size)
        self.spelling = recurrent_stack(speller, config.embedding_size)
        self.word_embedding = nn.Embedding(len(lexicon), config.word_embedding_size)
        self.rnn = recurrent_stack(config, config.word_embedding_size + speller.output_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.output_size, len(labels))
        nn.init.normal_(self.embedding.weight, std=0.3)
        nn.init.normal_(self.word_embedding.weight, std=0.1)  # small: of most words training has few examples

    @classmethod
    def build(cls, config: TaggerConfig, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        lexicon = Lexicon(vocabularies["words"], Vocabulary(vocabularies["characters"]))
        return cls(config, lexicon, vocabularies["labels"])

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        lexicon = self.lexicon
        return {"characters": lexicon.characters.characters[1:], "words": lexicon.words, "labels": self.labels}

    @property
    def architecture(self) -> str:
        config = self.config
        spelling = f"spelling by {counted(config.character_hidden_size, 'unit')} in both directions"
        return f"{config.words}, word embedding of {config.word_embedding_size}, {spelling}"

    def forward(self, tokens: Tensor, words: Tensor, characters: Tensor) -> Tensor:
        """Logits of the labels of each word.

        Parameters
        ----------
        tokens : int64 tensor of shape (time, batch)
            Sentences side by side: which of ``words`` stands there; -1 beyond a sentence's end.
        words : int64 tensor of shape (word,)
            The ids of the distinct words of all sentences; 0 for unknown ones.
        characters : int64 tensor of shape (time, word)
            The spelling of each; -1 beyond its end.

        Returns
        -------
        tensor of shape (time, batch, label)
            Zeros beyond a sentence's end.
        """
        packed = _pack(tokens)
        ids = words[packed.data]
        if self.training:
            ids = ids.masked_fill(torch.rand(ids.shape, device=ids.device) < self.config.word_dropout, 0)
        vectors = torch.cat((self.word_embedding(ids), self._spell(characters)[packed.data]), dim=-1)
        hidden, _ = self.rnn(packed._replace(data=self.dropout(vectors)))
        logits, _ = pad_packed_sequence(hidden._replace(data=self.head(self.dropout(hidden.data))))
        return logits

    def _spell(self, characters: Tensor) -> Tensor:
        """A vector of each word's form, of shape (word, 2 * unit): the last h of both directions."""
        packed = _pack(characters)
        _, state = self.spelling(packed._replace(data=self.embedding(packed.data)))
        h = state[0] if isinstance(state, tuple) else state
        return torch.cat(tuple(h), dim=-1)

    def tag(self, words: Sequence[str]) -> list[str]:
        """The label of each word of a sentence; the network is in eval mode.

        Raises
        ------
        TextError
            If a text is given in place of its words, or a word is empty.
        """
        return self.tag_many([words])[0]

    @torch.no_grad()
    def tag_many(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The labels of many sentences; the network is in eval mode.

        Raises
        ------
        TextError
            If a text is given in place of its words, or a word is empty.
        """
        if isinstance(sentences, str) or not all(_are_words(sentence) for sentence in sentences):
            raise TextError("A tagger reads words, not a text. Give them as a list, such as text.split().")
        tags: list[list[str]] = [[] for _ in sentences]
        by_length = sorted((i for i, sentence in enumerate(sentences) if sentence), key=lambda i: len(sentences[i]))
        for start in range(0, len(by_length), _BATCH):
            chosen = by_length[start : start + _BATCH]
            batch = self.lexicon.encode([sentences[i] for i in chosen])
            best = self(*(part.to(self.device) for part in batch)).argmax(dim=-1).T.tolist()
            for i, numbers in zip(chosen, best, strict=True):
                tags[i] = [self.labels[number] for number in numbers[: len(sentences[i])]]
        return tags


def _are_words(sentence: object) -> bool:
    return isinstance(sentence, list | tuple) and all(isinstance(word, str) for word in sentence)


def _side_by_side(sequences: Sequence[Tensor]) -> Tensor:
    return pad_sequence(list(sequences), padding_value=_PADDING)


def _pack(padded: Tensor) -> nn.utils.rnn.PackedSequence:
    """The columns of a tensor without their padding."""
    return pack_padded_sequence(padded, (padded != _PADDING).sum(dim=0).cpu(), enforce_sorted=False)

"""The sentences of minimal pairs as a character model reads them, and what each of their characters is worth to it."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rnnscope.analysis.language_models import run, zeros
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.errors import ArgumentError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.ngram import KneserNey
from rnnscope.text import Vocabulary, counted, in_a_line
from rnnscope.tracing.readers.reader import side_by_side

BEFORE, AFTER = "\n", "."

_LAST = frozenset(".?!")
_VALUES = 2**24
_TOGETHER = 256


@dataclass(frozen=True)
class Sentences:
    """The good sentences of all pairs, then the bad ones, each with what is read before it and after it.

    Attributes
    ----------
    texts : tuple of str
    firsts : int array of shape (pair,)
        The place of the first character that differs.
    words : str
        How they are read.
    """

    texts: tuple[str, ...]
    firsts: np.ndarray
    words: str

    @classmethod
    def of(cls, pairs: Sequence[MinimalPair], vocabulary: Vocabulary, before: str, after: str) -> Sentences:
        """
        Raises
        ------
        TextError
            If there is no pair, or the network does not know most characters.
        ArgumentError
            If there is nothing to read before the sentences.
        """
        if not isinstance(before, str) or not before:
            raise ArgumentError(f"before is one character or more, such as a newline; got {before!r}.")
        if not isinstance(after, str):
            raise ArgumentError(f"after is a text such as a full stop; got {after!r}.")
        known = isinstance(pairs, Sequence) and all(isinstance(pair, MinimalPair) for pair in pairs)
        if not known or not pairs:
            raise TextError("One minimal pair or more is needed; rnnscope.corpora.minimal_pairs reads a table of them.")
        good, bad = ([_framed(sentence, before, after) for sentence in side] for side in _sides(pairs))
        firsts = np.array([len(os.path.commonprefix(both)) for both in zip(good, bad, strict=True)])
        count = counted(len(pairs), "pair")
        words = f"{count}, each sentence from a zero state, after {in_a_line(before)}"
        if after:
            words += f" and up to a {in_a_line(after)} where it has no full stop of its own"
        return cls((*good, *bad), firsts, f"{words}.{_unknown(vocabulary, [*good, *bad])}")

    def margins(self, log_p: Sequence[np.ndarray]) -> np.ndarray:
        """By how many nats each good sentence is the more probable, from the log-probabilities of all characters.

        Parameters
        ----------
        log_p : one array of shape (time - 1,) a sentence
            Of all characters but the first.
        """
        count = len(self.firsts)
        tails = [
            values[first - 1 :].sum(dtype=np.float64)
            for values, first in zip(log_p, np.tile(self.firsts, 2), strict=True)
        ]
        return np.array(tails[:count]) - np.array(tails[count:])


def _sides(pairs: Sequence[MinimalPair]) -> tuple[list[str], list[str]]:
    return [pair.good for pair in pairs], [pair.bad for pair in pairs]


def _framed(sentence: str, before: str, after: str) -> str:
    return before + sentence + ("" if sentence[-1] in _LAST else after)


def _unknown(vocabulary: Vocabulary, texts: Sequence[str]) -> str:
    """A remark on characters that the network does not know."""
    counts = Counter(vocabulary.unknown("".join(texts)))
    share = counts.total() / sum(map(len, texts))
    if share > 0.5:
        raise TextError(f"The network does not know {share:.0%} of the characters of these sentences.")
    if not counts:
        return ""
    strange = ", ".join(in_a_line(character) for character, _ in counts.most_common(5))
    return f" The network does not know {share:.1%} of their characters ({strange})."


@torch.no_grad()
def network_log_probabilities(
    model: CharLanguageModel, texts: Sequence[str], advance: Callable[[int], None] = lambda count: None
) -> list[np.ndarray]:
    """Of each text the log-probability of each character but the first, in nats, of shape (time - 1,)."""
    tokens = [model.vocabulary.encode(text) for text in texts]
    found = [np.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda number: -len(tokens[number]))
    while order:
        steps = len(tokens[order[0]])
        most = max(1, min(_TOGETHER, _VALUES // (steps * len(model.vocabulary))))
        group, order = order[:most], order[most:]
        read = side_by_side([tokens[number] for number in group]).to(model.device)
        states = tuple(part.expand(-1, len(group), -1).contiguous() for part in zeros(model))
        logits, _ = run(model, read[:-1], states)
        log_p = logits.float().log_softmax(dim=-1).gather(2, read[1:, :, None])[..., 0].cpu().numpy()
        for column, number in enumerate(group):
            found[number] = log_p[: len(tokens[number]) - 1, column]
        advance(len(group))
    return found


def ngram_log_probabilities(ngram: KneserNey, vocabulary: Vocabulary, texts: Sequence[str]) -> list[np.ndarray]:
    """The same by an n-gram model that was fitted to token ids of the vocabulary.

    Raises
    ------
    TextError
        If it was not fitted, or to other tokens.
    """
    if not isinstance(ngram, KneserNey) or ngram.vocabulary_size != len(vocabulary):
        raise TextError(
            f"An n-gram model is a KneserNey of the network's {len(vocabulary)} tokens, fitted to "
            "model.vocabulary.encode(text)."
        )
    between = np.zeros(ngram.order, dtype=np.int64)  # no text holds it, so that nothing is told across it
    tokens = [part for text in texts for part in (between, vocabulary.encode(text))]
    ends = np.cumsum([len(part) for part in tokens])
    log_p = ngram.log_probabilities(np.concatenate(tokens))
    return [log_p[end - len(part) + 1 : end] for end, part in zip(ends[1::2].tolist(), tokens[1::2], strict=True)]

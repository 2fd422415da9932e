"""The baseline beside every character network: an n-gram model with modified Kneser-Ney smoothing.

The n-grams of a text are the prefixes of its suffixes. The text's positions are therefore sorted once by the tokens
that follow them, and every order is read off that one sorting: equal n-grams are neighbours. Within an order an n-gram
is known by its rank, and everything that the formulas ask for is an array over ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .arguments import whole
from .errors import TextError

_FALLBACK = (0.5, 1.0, 1.5)


class KneserNey:
    """An interpolated n-gram model with modified Kneser-Ney smoothing.

    The highest order counts how often an n-gram occurs, each lower order how many different tokens precede it. An order
    takes one of three discounts from the counts 1, 2 and 3 or more, and gives what it took to the order below; the
    lowest gives it to all tokens alike, so that no probability is zero.

    The discounts follow from how many n-grams of the order occur once, twice, three and four times. A small text, or
    few different tokens, may lack one of these or give a discount that is not positive; the discounts of that order
    are then 0.5, 1 and 1.5.

    Parameters
    ----------
    order : int
        Tokens of the longest n-gram, at least 1: a token is predicted from up to ``order - 1`` tokens before it.
    vocabulary_size : int
        Number of token ids. Those that the text lacks have a probability too.

    Raises
    ------
    TextError
        If the order or the vocabulary size is below 1.

    References
    ----------
    Chen and Goodman (1999), An empirical study of smoothing techniques for language modeling.

    Examples
    --------
    >>> import rnnscope
    >>> text = "the cat sat on the mat, and the cat sat on the cat. " * 4
    >>> vocabulary = rnnscope.Vocabulary.of(text)
    >>> model = rnnscope.KneserNey(3, len(vocabulary)).fit(vocabulary.encode(text))
    >>> round(model.nats(vocabulary.encode("the mat sat on the cat")), 1)
    0.4
    """

    def __init__(self, order: int, vocabulary_size: int) -> None:
        _check_sizes(order, vocabulary_size)
        self.order = order
        self.vocabulary_size = vocabulary_size
        self._tables: list[_Table] = []

    def __repr__(self) -> str:
        return f"KneserNey(order={self.order}, vocabulary_size={self.vocabulary_size})"

    def fit(self, tokens: np.ndarray) -> KneserNey:
        """Count the n-grams of a text; returns the model itself.

        Parameters
        ----------
        tokens : int array (time,)
            Token ids of the text, at least ``order`` of them.

        Raises
        ------
        TextError
            If the text is shorter than the order, or an id is outside of the vocabulary.
        """
        tokens = _checked(tokens, self.vocabulary_size, self.order)
        self._tables = []
        lower = _uniform(1, self.vocabulary_size)
        for grams, counts in _smoothed_counts(tokens, self.order, self.vocabulary_size):
            table = _Table.of(grams, counts, lower, self.vocabulary_size)
            lower = table.probabilities
            self._tables.append(table)
        return self

    def log_probabilities(self, tokens: np.ndarray) -> np.ndarray:
        """How probable each token of a text is, given the tokens before it.

        Parameters
        ----------
        tokens : int array (time,)
            Token ids of the text.

        Returns
        -------
        float64 array (time,)
            Natural logarithms, all finite. The first ``order - 1`` tokens have fewer tokens before them and take their
            probability from the lower order that fits.

        Raises
        ------
        TextError
            If the text is empty, an id is outside of the vocabulary, or the model was not fitted.
        """
        if not self._tables:
            raise TextError("The n-gram model has seen no text yet; call fit(tokens) first.")
        reading = _Reading.start(_checked(tokens, self.vocabulary_size, 1), self.vocabulary_size)
        for table in self._tables:
            reading = reading.extended(table)
        return np.log(reading.probabilities)

    def nats(self, tokens: np.ndarray) -> float:
        """Cross-entropy on a text in nats per token, lower is better: the mean over all tokens but the first.

        Raises
        ------
        TextError
            As `log_probabilities`, and if the text has fewer than 2 tokens.
        """
        _checked(tokens, self.vocabulary_size, 2)
        return _mean_nats(self.log_probabilities(tokens))


def nats_by_order(
    tokens: np.ndarray, held_out: np.ndarray, vocabulary_size: int, highest: int = 12
) -> dict[int, float]:
    """What the order of a `KneserNey` should be: nats per token on a held-out text, for every order up to the highest.

    The orders share one pass over the text, which takes about twice the time of fitting the highest alone. The best
    order is ``min(nats, key=nats.get)``.

    Parameters
    ----------
    tokens : int array (time,)
        Token ids of the text to fit, at least ``highest`` of them.
    held_out : int array (time,)
        Token ids of the text to predict, at least 2 of them.
    vocabulary_size : int
        Number of token ids.
    highest : int
        The highest order, at least 1.

    Returns
    -------
    dict of int to float
        From each order to the ``nats`` of `KneserNey`.

    Raises
    ------
    TextError
        As `KneserNey` and its methods.
    """
    _check_sizes(highest, vocabulary_size)
    tokens = _checked(tokens, vocabulary_size, highest)
    reading = _Reading.start(_checked(held_out, vocabulary_size, 2), vocabulary_size)
    lower = _uniform(1, vocabulary_size)
    nats = {}
    for grams, counts in _smoothed_counts(tokens, highest, vocabulary_size):
        top = _Table.of(grams, grams.counts, lower, vocabulary_size)
        nats[len(nats) + 1] = _mean_nats(np.log(reading.extended(top).probabilities))
        table = _Table.of(grams, counts, lower, vocabulary_size)
        reading = reading.extended(table)
        lower = table.probabilities
    return nats


@dataclass(frozen=True)
class _Grams:
    """The distinct n-grams of one order, sorted; all arrays are over their ranks."""

    keys: np.ndarray
    """Rank of the first n - 1 tokens times the vocabulary size, plus the last token: ascending."""
    suffixes: np.ndarray
    """Rank of the last n - 1 tokens."""
    counts: np.ndarray
    """How often the n-gram occurs."""


def _smoothed_counts(tokens: np.ndarray, order: int, vocabulary_size: int) -> Iterator[tuple[_Grams, np.ndarray]]:
    """The n-grams of each order, and how many tokens precede each; how often it occurs, in the highest order."""
    orders = _grams(tokens, order, vocabulary_size)
    grams = next(orders)
    for above in orders:
        yield grams, np.bincount(above.suffixes, minlength=len(grams.keys))
        grams = above
    yield grams, grams.counts


def _grams(tokens: np.ndarray, order: int, vocabulary_size: int) -> Iterator[_Grams]:
    """The n-grams of a text, order by order from 1 on."""
    symbols = np.zeros(len(tokens) + order, dtype=np.min_scalar_type(vocabulary_size))
    symbols[: len(tokens)] = tokens + 1  # what follows the text is 0
    starts = _sorted_starts(symbols, len(tokens), order)
    fresh = np.zeros(len(starts), dtype=bool)
    fresh[0] = True
    shorter = np.zeros(len(tokens) + 1, dtype=np.int32)  # ranks of the n-grams one shorter, by start
    for n in range(1, order + 1):
        last = symbols[starts + (n - 1)]
        fresh[1:] |= last[1:] != last[:-1]
        whole = last > 0
        starts, fresh, last = starts[whole], fresh[whole], last[whole]
        firsts = starts[fresh]
        yield _Grams(
            keys=shorter[firsts] * np.int64(vocabulary_size) + (last[fresh] - 1),
            suffixes=shorter[firsts + 1],
            counts=np.diff(np.flatnonzero(fresh), append=len(fresh)),
        )
        shorter = np.empty(len(starts), dtype=np.int32)
        shorter[starts] = np.cumsum(fresh, dtype=np.int32) - 1


def _sorted_starts(symbols: np.ndarray, count: int, order: int) -> np.ndarray:
    """The first positions, sorted by the symbols from there on, as many as the order."""
    bits = int(symbols.max()).bit_length()
    packed = 63 // bits
    words = []
    for begin in range(0, order, packed):
        word = np.zeros(count, dtype=np.int64)
        for offset in range(begin, min(begin + packed, order)):
            word = (word << bits) | symbols[offset : offset + count]
        words.append(word)
    return np.lexsort(words[::-1])


@dataclass(frozen=True)
class _Table:
    """The probabilities of one order, given those of the order below."""

    vocabulary_size: int
    keys: np.ndarray
    """See `_Grams`; a sorted array to search."""
    probabilities: np.ndarray
    """Of the last token of each n-gram, given those before it."""
    remainders: np.ndarray
    """Of each context, what its n-grams leave to the order below: a share from 0 to 1."""

    @classmethod
    def of(cls, grams: _Grams, counts: np.ndarray, lower: np.ndarray, vocabulary_size: int) -> _Table:
        contexts = grams.keys // vocabulary_size
        totals = np.bincount(contexts, counts, minlength=len(lower))
        taken = _discounts(counts)[np.minimum(counts, 3)]
        left = np.bincount(contexts, taken, minlength=len(lower))
        # A context that nothing was counted after, such as the end of the text, leaves all to the order below.
        remainders = np.divide(left, totals, out=np.ones(len(lower)), where=totals > 0)
        probabilities = (counts - taken) / np.maximum(totals, 1)[contexts]
        probabilities += remainders[contexts] * lower[grams.suffixes]
        return cls(vocabulary_size, grams.keys, probabilities, remainders)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken from the counts 0, 1, 2, and 3 or more: Chen and Goodman (1999), modified Kneser-Ney smoothing."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[:5].astype(float)
    if (n[1:] > 0).all():
        y = n[1] / (n[1] + 2 * n[2])
        estimated = [j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3)]
        if min(estimated) > 0:
            return np.array([0.0, *estimated])
    return np.array([0.0, *_FALLBACK])


@dataclass(frozen=True)
class _Reading:
    """A text as the orders up to some n see it."""

    tokens: np.ndarray
    probabilities: np.ndarray
    """Of each token, given up to n - 1 tokens before it."""
    contexts: np.ndarray
    """Rank of the n tokens before each token: -1 where they were never seen or reach beyond the text's start."""

    @classmethod
    def start(cls, tokens: np.ndarray, vocabulary_size: int) -> _Reading:
        return cls(tokens, _uniform(len(tokens), vocabulary_size), np.zeros(len(tokens), dtype=np.int64))

    def extended(self, table: _Table) -> _Reading:
        """The same text with one order more."""
        known = np.flatnonzero(self.contexts >= 0)
        contexts = self.contexts[known]
        keys = contexts * table.vocabulary_size + self.tokens[known]
        ranks = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
        seen = table.keys[ranks] == keys
        probabilities = self.probabilities.copy()
        probabilities[known] *= table.remainders[contexts]
        probabilities[known[seen]] = table.probabilities[ranks[seen]]
        following = np.full(len(self.tokens) + 1, -1)
        following[known[seen] + 1] = ranks[seen]
        return _Reading(self.tokens, probabilities, following[:-1])


def _uniform(count: int, vocabulary_size: int) -> np.ndarray:
    return np.full(count, 1 / vocabulary_size)


def _mean_nats(log_probabilities: np.ndarray) -> float:
    return -float(log_probabilities[1:].mean())


def _check_sizes(order: int, vocabulary_size: int) -> None:
    whole(order, "order", 1)
    whole(vocabulary_size, "vocabulary_size", 1)


def _checked(tokens: np.ndarray, vocabulary_size: int, shortest: int) -> np.ndarray:
    """Token ids as int64, or a TextError that says what is wrong with them."""
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
        raise TextError(f"Token ids are integers of shape (time,), but these are {tokens.dtype} of {tokens.shape}.")
    if len(tokens) < shortest:
        raise TextError(f"A text of at least {shortest:,} tokens is needed, but this one has {len(tokens):,}.")
    if tokens.min() < 0 or tokens.max() >= vocabulary_size:
        raise TextError(
            f"Token ids go from 0 to {vocabulary_size - 1:,}, but these go from {tokens.min():,} to {tokens.max():,}. "
            "Encode the text with the vocabulary that the model was made for."
        )
    return tokens.astype(np.int64)

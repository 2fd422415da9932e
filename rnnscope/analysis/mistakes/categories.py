"""Why a character may have been missed: one category for each error, by a stated order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .characters import CLASSES, words

RIGHT = 0.5
"""A character is right when it had at least this probability, else it is an error."""

NEAR = 0.4
"""An error that had at least this probability was nearly right."""

RECENT = 1_000
"""Characters within which a word counts as recent."""

RARE = 5
"""A word that the training text has fewer times is rare."""

CATEGORIES = {
    "n-gram": f"one of the n-grams gave the character a probability of at least {RIGHT:g}",
    "recent word": f"in a word, not its first letter, that also stood in the {RECENT:,} characters before it began",
    "rare word": f"in a word that the training text has fewer than {RARE} times",
    **{name: CLASSES[name] for name in ("newline", "space", "opening", "closing", "digit", "punctuation", "capital")},
    "first letter": "the first letter of a word",
    "near miss": f"inside a word; the character had a probability of at least {NEAR:g}",
    "inside word": "inside a word, and all that is left",
}
"""What the categories mean. An error belongs to the first one that holds."""

NAMES = tuple(CATEGORIES)


def categories(text: str, kinds: np.ndarray, counts: Mapping[str, int] | None) -> np.ndarray:
    """The category that each character would have as an error, an int array of shape (time,): a place in `NAMES`.

    Those that depend on models are not told: n-gram and near miss.

    Parameters
    ----------
    text : str
        One document.
    kinds : int array of shape (time,)
        The class of each character.
    counts : mapping of str to int, or None
        How often the training text has each word; None if there is none, and then no word is rare.
    """
    by_class = [NAMES.index(name if name in NAMES else "inside word") for name in CLASSES]
    found = np.array(by_class, dtype=np.int8)[kinds]
    small = kinds == list(CLASSES).index("small letter")
    recent, rare, first = (NAMES.index(name) for name in ("recent word", "rare word", "first letter"))
    last_seen: dict[str, int] = {}
    for word in words(text):
        if small[word.start]:
            found[word.start] = first
        if counts is not None and counts.get(word.key, 0) < RARE:
            found[word.start : word.stop] = rare
        if word.start - last_seen.get(word.key, -RECENT - 1) <= RECENT:
            found[word.start + 1 : word.stop] = recent
        last_seen[word.key] = word.start
    return found


def of_errors(base: np.ndarray, by_ngram: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The category of each character as an error of one model, an int array of shape (time,).

    Parameters
    ----------
    base : int array of shape (time,)
        As `categories` tells.
    by_ngram : bool array of shape (time,)
        Whether one of the n-grams gets the character right.
    probabilities : float array of shape (time,)
        Of the character that came, by the model.
    """
    near = (base == NAMES.index("inside word")) & (probabilities >= NEAR)
    found = np.where(near, NAMES.index("near miss"), base)
    return np.where(by_ngram, NAMES.index("n-gram"), found)

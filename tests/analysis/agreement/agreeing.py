"""A network that agrees, by hand: the latch writes a quote where one is open, and none after one was closed."""

from __future__ import annotations

import math
from itertools import product

from rnnscope import CharLanguageModel
from rnnscope.corpora.minimal_pairs import MinimalPair
from tests.handmade import latch

NOUNS = ("ab", "ba", "cd", "dc", "ad", "da")


def agreeing() -> CharLanguageModel:
    """Unit l0.c.3 is +1 after an odd number of quotes, and -1 after an even one: a quote is then likely, or not."""
    model = latch()
    quote = model.vocabulary.characters.index('"')
    model.head.weight.data[quote] = 0.0
    model.head.weight.data[quote, 3] = 8.0 / math.tanh(1.0)
    model.head.bias.data[quote] = 0.0
    return model


def agreeing_pairs() -> list[MinimalPair]:
    """A noun with one quote before it wants a quote after two more words, one with two quotes does not."""
    pairs = []
    for noun, word, number in product(NOUNS, ("bb", "cc"), ("singular", "plural")):
        beginning = '"' * (1 + (number == "plural")) + f"{noun} dd {word} "
        good, bad = ('"', "c") if number == "singular" else ("c", '"')
        conditions = {"kind": word, "number": number, "attractor": "same" if word == "bb" else "other"}
        pairs.append(MinimalPair(beginning + good, beginning + bad, conditions))
    return pairs

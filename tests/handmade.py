"""Networks whose weights are set by hand, so that what they do is known, and texts for them to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rnnscope import CharLanguageModel, Concept, Vocabulary
from rnnscope.cells import CELLS
from rnnscope.models import LanguageModelConfig

ALPHABET = 'abcd .:"\n'

_SURE = 20.0
"""A gate's input from which on it is open, or shut to within 1e-8."""


@dataclass(frozen=True)
class Quotes(Concept):
    """1 from an opening double quote up to the character before the closing one; a blank line closes what is open."""

    name: str = "quotes"
    about: str = "inside double quotes"
    kind: Any = "flag"

    def label(self, text: str, start: int) -> np.ndarray:
        inside, labels = False, np.zeros(len(text), dtype=bool)
        for place, character in enumerate(text):
            inside = inside != (character == '"') and text[max(place - 1, 0) : place + 1] != "\n\n"
            labels[place] = inside
        return labels


def dialogue(rng: np.random.Generator, length: int) -> str:
    """Paragraphs of invented words and quotations, of at least so many characters in all.

    A quotation begins right after a colon and is closed before its paragraph ends. A line may break between two
    sentences; a blank line ends a paragraph.
    """
    text = ""
    while len(text) < length:
        sentences = [_quotation(rng) if rng.random() < 0.5 else _sentence(rng) for _ in range(rng.integers(2, 6))]
        text += "".join(sentence + (" " if rng.random() < 0.8 else "\n") for sentence in sentences).strip() + "\n\n"
    return text


def _quotation(rng: np.random.Generator) -> str:
    inside = " ".join(_sentence(rng) for _ in range(rng.integers(1, 4)))
    return f'{_sentence(rng)[:-1]}:"{inside}" {_sentence(rng)}'


def _sentence(rng: np.random.Generator) -> str:
    return " ".join("".join(rng.choice(list("abcd"), rng.integers(1, 6))) for _ in range(rng.integers(1, 5))) + "."


def latch(unit: int = 3, units: int = 8, seed: int = 0) -> CharLanguageModel:
    """An LSTM one of whose units is +1 in its cell state inside double quotes, and outside 0 at first, then -1.

    It toggles at each quote and holds its value at all other characters. The unit after it knows that a colon was the
    last character, after which a quote is sure to come. While the latch is on, a quote is as likely as any other
    character; while it is off or taken to zero, none comes but after a colon. So to take the latch away costs about 10
    nats at closing quotes, and nothing outside. The other units are distractors: they have random weights, small ones
    in the head, and neither read these two nor are read by them.
    """
    model, colon = random_network(seed, units=units), (unit + 1) % units
    lstm: Any = model.rnn
    lstm.weight_hh_l0.data[:, [unit, colon]] = 0.0
    toggle = {unit: -_SURE / math.tanh(1.0)}
    _set_unit(
        model, unit, i=(-_SURE, {'"': 2 * _SURE}), f=(_SURE, {'"': -2 * _SURE}), g=(0.0, {'"': _SURE / 2}, toggle)
    )
    _set_unit(model, colon, f=(-_SURE, {}), g=(-_SURE, {":": 2 * _SURE}))
    quote, on = model.vocabulary.characters.index('"'), math.tanh(1.0)
    head = model.head
    head.weight.data *= 0.02
    head.bias.data[:] = 0.0
    head.bias.data[0] = -30.0  # the unknown symbol
    head.weight.data[:, [unit, colon]] = 0.0
    head.weight.data[quote, unit] = 10.0 / on
    head.weight.data[quote, colon] = 20.0 / on
    head.bias.data[quote] = 10.0
    return model


def counter(unit: int = 3, units: int = 8, seed: int = 0, step: float = 0.01) -> CharLanguageModel:
    """An LSTM one of whose units counts the characters since the newline in its cell state, each as ``step``."""
    model = random_network(seed, units=units)
    _set_unit(model, unit, i=(_SURE, {"\n": -2 * _SURE}), f=(_SURE, {"\n": -2 * _SURE}), g=(math.atanh(step), {}))
    return model


def random_network(seed: int, cell: str = "lstm", units: int = 8, layers: int = 1) -> CharLanguageModel:
    """A network with random weights that knows the characters of `dialogue`."""
    torch.manual_seed(seed)
    config = LanguageModelConfig(cell=cell, hidden_size=units, layers=layers, embedding_size=0)
    return CharLanguageModel(config, Vocabulary(ALPHABET)).eval()


Inputs = tuple[float, Mapping[str, float]] | tuple[float, Mapping[str, float], Mapping[int, float]]
"""What a gate is given: a bias, weights by character, and weights by unit of h."""


def _set_unit(model: CharLanguageModel, unit: int, **gates: Inputs) -> None:
    """Set the gates of one unit of an LSTM; those that are not named are open."""
    lstm: Any = model.rnn
    size = model.config.hidden_size
    for number, gate in enumerate(CELLS["lstm"].gates):
        bias, characters, *others = gates.get(gate.name, (_SURE, {}))
        row = number * size + unit
        for parameter in lstm.parameters():
            parameter.data[row] = 0.0
        lstm.bias_ih_l0.data[row] = bias
        for character, weight in characters.items():
            lstm.weight_ih_l0.data[row, model.vocabulary.characters.index(character)] = weight
        for other, weight in (others[0] if others else {}).items():
            lstm.weight_hh_l0.data[row, other] = weight

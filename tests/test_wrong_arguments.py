"""What is given of a wrong kind in Python is refused in words: networks, texts, numbers, addresses, interventions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from torch import nn

import rnnscope
from rnnscope.errors import (
    AddressError,
    ArgumentError,
    InterventionError,
    ModelError,
    RecipeError,
    RecordingError,
    RnnscopeError,
    TextError,
    TraceError,
)
from rnnscope.models import (
    CaptionerConfig,
    ClassifierConfig,
    ForecasterConfig,
    LanguageModelConfig,
    TaggerConfig,
    TranslatorConfig,
)
from rnnscope.models.decoding import END, START
from rnnscope.models.tagger import Lexicon

AB = rnnscope.Vocabulary("ab")


def language_model() -> Any:
    config = LanguageModelConfig(hidden_size=2, embedding_size=2)
    return rnnscope.CharLanguageModel(config, AB).eval()


def classifier() -> Any:
    return rnnscope.SequenceClassifier(ClassifierConfig(hidden_size=2), AB, ["x", "y"]).eval()


def tagger() -> Any:
    return rnnscope.SequenceTagger(TaggerConfig(hidden_size=2), Lexicon(["a"], AB), ["x", "y"]).eval()


def translator() -> Any:
    return rnnscope.Translator(TranslatorConfig(hidden_size=2), AB, AB).eval()


def captioner() -> Any:
    return rnnscope.Captioner(CaptionerConfig(hidden_size=2, image_size=4), rnnscope.Vocabulary(START + END)).eval()


def forecaster() -> Any:
    return rnnscope.Forecaster(ForecasterConfig(hidden_size=2)).eval()


@cache
def trace() -> rnnscope.Trace:
    return rnnscope.trace(language_model(), "ab")


def recorded(*given: Any) -> None:
    with rnnscope.record(*given):
        raise AssertionError


def intervened(changes: Any) -> None:
    with rnnscope.intervene(nn.GRU(3, 4), changes):
        raise AssertionError


CASES: dict[str, tuple[Callable[[], Any], type[RnnscopeError], str]] = {
    "a path to record": (lambda: recorded("model.pt"), RecordingError, "A network was expected.* got str"),
    "a path to trace": (lambda: rnnscope.trace("model.pt", "ab"), RecordingError, "network was expected"),  # pyright: ignore[reportArgumentType]
    "a number as signal": (lambda: recorded(nn.GRU(3, 4), 5), AddressError, "5 is not an address"),
    "a number as address": (lambda: trace()[5], AddressError, "5 is not an address"),  # pyright: ignore[reportArgumentType]
    "no signals": (lambda: recorded(nn.GRU(3, 4), []), AddressError, "No signal is asked for. There are: l0.h"),
    "units by name": (
        lambda: rnnscope.trace(language_model(), "ab", units="ab"),  # pyright: ignore[reportArgumentType]
        AddressError,
        "from 0 to 1; got 'ab'",
    ),
    "half a unit": (lambda: rnnscope.trace(language_model(), "ab", units=[0.5]), AddressError, "whole numbers"),  # pyright: ignore[reportArgumentType]
    "another type": (lambda: rnnscope.trace(language_model(), "ab", dtype="int8"), ArgumentError, "got 'int8'"),  # pyright: ignore[reportArgumentType]
    "rows of unequal length": (lambda: rnnscope.trace(language_model(), [[1, 2], [1]]), TextError, "equal length"),  # pyright: ignore[reportArgumentType]
    "words as a series": (lambda: rnnscope.trace(forecaster(), np.array(["a"])), TextError, "Numbers"),
    "words as pixels": (lambda: rnnscope.trace(captioner(), np.array(["a"])), TextError, "Numbers"),
    "a document of numbers": (
        lambda: rnnscope.trace(language_model(), rnnscope.Document("a", 5)),  # pyright: ignore[reportArgumentType]
        TextError,
        "a has to be a text, a str; got int",
    ),
    "a file of a number": (lambda: rnnscope.File(5).text, TextError, "opened as binary was expected; got int"),  # pyright: ignore[reportArgumentType]
    "a file cut into pages": (lambda: rnnscope.File("a.txt", documents="page"), ArgumentError, "file or line"),  # pyright: ignore[reportArgumentType]
    "half a document": (lambda: trace().steps_of(0.5), TraceError, "from 0 to 0; got 0.5"),  # pyright: ignore[reportArgumentType]
    "a list of changes": (lambda: intervened(["l0.h"]), InterventionError, "got list"),
    "a seed in words": (lambda: rnnscope.resample(recording(), seed="a"), ArgumentError, "seed is a whole"),  # pyright: ignore[reportArgumentType]
    **{
        f"3 to {name}": (partial(take, 3), ArgumentError, "A path was expected, a str or a Path; got int")
        for name, take in {
            "train": rnnscope.train,
            "load": rnnscope.load,
            "open": rnnscope.open_trace,
            "import": rnnscope.import_model,
            "pair": rnnscope.read_minimal_pairs,
            "compare": rnnscope.run_comparison,
        }.items()
    },
    "a list to encode": (lambda: AB.encode(["a"]), TextError, "a str; got list"),  # pyright: ignore[reportArgumentType]
    "characters of numbers": (lambda: rnnscope.Vocabulary([5]), TextError, "single characters"),  # pyright: ignore[reportArgumentType]
    "a token beyond": (lambda: AB.decode([3]), TextError, "from 0 to 2; got 3 to 3"),
    "a token below": (lambda: AB.decode([-1]), TextError, "from 0 to 2; got -1 to -1"),
    "texts to classify": (lambda: classifier().classify(["a"]), TextError, "a str; got list"),
    "a sentence of numbers": (lambda: tagger().tag([5]), TextError, "reads words, not a text"),
    "a text to translate": (lambda: translator().translate("ab"), TextError, "a list of texts"),
    "half a beam": (lambda: translator().translate(["a"], beam=1.5), ArgumentError, "got 1.5"),
    "an image of NaN": (lambda: captioner().caption(np.full((1, 4), np.nan)), ModelError, "finite"),
    "an image in words": (lambda: captioner().caption("ab"), ModelError, "Images of shape"),
    "a series in words": (lambda: forecaster().forecast("ab"), ModelError, "A series of at least one finite number"),
    "half a character": (
        lambda: list(language_model().generate("a", 1.5)),
        ArgumentError,
        "length is a whole number.* got 1.5",
    ),
    "a cold network": (
        lambda: list(language_model().generate("a", 1, -1.0)),
        ArgumentError,
        "temperature .* at least 0; got -1.0",
    ),
    "no temperature": (
        lambda: list(language_model().generate("a", 1, float("nan"))),
        ArgumentError,
        "temperature .*got nan",
    ),
    "half a unit of a layer": (lambda: ClassifierConfig(hidden_size=1.5), RecipeError, "hidden_size to be of type int"),  # pyright: ignore[reportArgumentType]
    "yes many layers": (lambda: ClassifierConfig(layers=True), RecipeError, "layers to be of type int; got True"),
    "half an order": (lambda: rnnscope.KneserNey(2.5, 5), ArgumentError, "order.* whole number"),  # pyright: ignore[reportArgumentType]
}


def recording() -> rnnscope.Recording:
    with rnnscope.record(nn.GRU(3, 4)) as found:
        return found


@pytest.mark.parametrize("name", CASES)
def test_what_is_of_a_wrong_kind_is_refused_in_words(name: str) -> None:
    call, error, words = CASES[name]
    with pytest.raises(error, match=words):
        call()

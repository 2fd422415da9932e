"""What units hold at the end of texts, against traces of them one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import CharLanguageModel, SequenceClassifier, Vocabulary
from rnnscope.corpora.labelled import LabelledText
from rnnscope.errors import AddressError, ArgumentError, ModelError, ProbeError
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.probes.examples.texts import text_examples

TEXTS = [
    LabelledText("abc def", "x"),
    LabelledText("a", "y"),
    LabelledText("hij.", "y"),
    LabelledText("ABC  def", "x"),
    LabelledText("gab " * 9, "x"),
    LabelledText("cab def", "z"),
]


def classifier(**config: Any) -> SequenceClassifier:
    torch.manual_seed(0)
    options = {"cell": "gru", "hidden_size": 5, "embedding_size": 3, **config}
    return SequenceClassifier(ClassifierConfig(**options), Vocabulary("abcdefghij ."), ["x", "y", "z"]).eval()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_state_after_the_last_character(cell: str, make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model(cell=cell, layers=2)
    examples = text_examples(model, TEXTS)
    signal = "c" if cell == "lstm" else "h"
    assert examples.units == tuple(f"l{layer}.{signal}.{unit}" for layer in range(2) for unit in range(12))
    for row, text in enumerate(TEXTS):
        trace = rnnscope.trace(model, text.text)
        expected = np.concatenate([trace[f"l{layer}.{signal}"].values[-1] for layer in range(2)])
        assert np.allclose(np.asarray(examples.values)[row], expected, atol=1e-5)
    assert examples.classes == ("x", "y", "z")
    assert list(examples.labels) == [0, 1, 1, 0, 0, 2]


def test_texts_that_are_the_same_are_one_group() -> None:
    examples = text_examples(classifier(), TEXTS)
    assert examples.groups[0] == examples.groups[3]
    assert len(np.unique(examples.groups)) == 5
    assert examples.types[0] == examples.types[3] == examples.types[5] != examples.types[1]


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_both_directions_and_poolings(pooling: Any) -> None:
    model = classifier(bidirectional=True)
    examples = text_examples(model, TEXTS, units="h", pooling=pooling)
    assert examples.units[0] == "l0.h.0" and examples.units[-1] == "l0r.h.4"
    for row, text in enumerate(TEXTS):
        trace = rnnscope.trace(model, text.text)
        steps = {address: trace[address].values for address in ("l0.h", "l0r.h")}
        expected = {
            "last": [steps["l0.h"][-1], steps["l0r.h"][0]],
            "mean": [values.mean(axis=0) for values in steps.values()],
            "max": [values.max(axis=0) for values in steps.values()],
        }[pooling]
        assert np.allclose(np.asarray(examples.values)[row], np.concatenate(expected), atol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_a_classifier_answers_from_these_values(pooling: Any) -> None:
    model = classifier(pooling=pooling)
    examples = text_examples(model, TEXTS, pooling=pooling)
    logits = model.head(torch.from_numpy(np.asarray(examples.values)))
    for text, row in zip(TEXTS, logits.softmax(dim=-1).tolist(), strict=True):
        assert list(model.classify(text.text).values()) == pytest.approx(row, abs=1e-5)


def test_a_long_text_is_read_in_stretches(
    make_model: Callable[..., CharLanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnscope.tracing.readers.reader.FEWEST", 8)
    monkeypatch.setattr("rnnscope.tracing.readers.reader.CHUNK", 8)
    model = make_model()
    poolings = ("last", "mean", "max")
    found = {pooling: np.asarray(text_examples(model, TEXTS, pooling=pooling).values) for pooling in poolings}
    values = rnnscope.trace(model, TEXTS[4].text)["l0.c"].values
    for pooling, expected in (("last", values[-1]), ("mean", values.mean(axis=0)), ("max", values.max(axis=0))):
        assert np.allclose(found[pooling][4], expected, atol=1e-5)


def test_some_units_and_a_module_of_another() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(4, 3), nn.GRU(3, 6)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.rnn(self.embedding(tokens))[0]

    torch.manual_seed(0)
    model = Own().eval()
    texts = [LabelledText("abc", "x"), LabelledText("cab", "y")]
    every = text_examples(model, texts, characters="abcd")
    some = text_examples(model, texts, characters="abcd", units=["l0.h.4", "l0.h.1"])
    assert some.units == ("l0.h.4", "l0.h.1")
    assert np.array_equal(np.asarray(some.values), np.asarray(every.values)[:, [4, 1]])


@pytest.mark.parametrize(
    ("texts", "options", "error", "words"),
    [
        ([], {}, ProbeError, "Labelled texts"),
        (["abc"], {}, ProbeError, "Labelled texts"),
        ([LabelledText("", "x"), TEXTS[1]], {}, ProbeError, "1 of 2 are empty"),
        (TEXTS[1:3], {}, ProbeError, "two classes"),
        (TEXTS, {"pooling": "sum"}, ArgumentError, "last, mean or max"),
        (TEXTS, {"units": "l0.c"}, AddressError, "no signal .c."),
        (TEXTS, {"units": "l0.h.9"}, AddressError, "no unit 9"),
        (TEXTS, {"units": []}, AddressError, "No unit"),
    ],
)
def test_bad_input_is_refused(texts: Any, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        text_examples(classifier(), texts, **options)


def test_what_is_no_network_or_in_training_is_refused() -> None:
    with pytest.raises(ProbeError, match="network"):
        text_examples("model.pt", TEXTS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="training mode"):
        text_examples(classifier().train(), TEXTS)

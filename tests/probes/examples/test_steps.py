"""Examples from the steps of a text: the right values beside the right labels, in groups that share nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import Concept, SequenceClassifier, SequenceTagger, Vocabulary
from rnnscope.errors import AddressError, ArgumentError, ConceptError, ModelError, ProbeError, RecordingError, TextError
from rnnscope.models import ClassifierConfig
from rnnscope.models.tagger import Lexicon, TaggerConfig
from rnnscope.probes import step_examples
from rnnscope.probes.concepts import from_function, from_labels, named
from rnnscope.probes.examples import reading
from rnnscope.text import Document
from tests.handmade import ALPHABET, Quotes, dialogue, latch, random_network

DOCUMENTS = [Document(f"text {place}", dialogue(np.random.default_rng(place), 200)) for place in range(12)]
TEXT = "".join(document.text for document in DOCUMENTS)


@dataclass(frozen=True)
class Place(Concept):
    """The place in the document: a number, or which third of it."""

    name: str = "place"
    about: str = "how far in"
    kind: Any = "number"

    def label(self, text: str, start: int) -> np.ndarray:
        return np.arange(len(text), dtype=np.float32)


@pytest.fixture(scope="module")
def trace() -> rnnscope.Trace:
    return rnnscope.trace(latch(), DOCUMENTS)


def test_values_are_those_of_the_trace_and_labels_those_of_the_concept(trace: rnnscope.Trace) -> None:
    expected = np.concatenate([Quotes()(document.text) for document in DOCUMENTS])
    for examples in (step_examples(latch(), DOCUMENTS, Quotes()), step_examples(trace, None, Quotes())):
        assert (examples.labels == expected).all()
        np.testing.assert_allclose(examples.values[:], trace["l0.c"].values, atol=1e-6)
        assert examples.units == tuple(f"l0.c.{unit}" for unit in range(8))
        assert examples.classes == ("no", "yes")
        assert (examples.groups == trace.tree.dataset["document"].values).all()
        assert examples.what == f"quotes at {len(expected):,} steps of 12 documents"


def test_a_trace_on_a_disk_gives_what_one_in_memory_gives(trace: rnnscope.Trace, tmp_path: Path) -> None:
    written = rnnscope.trace(latch(), DOCUMENTS, tmp_path / "t.zarr", dtype="float16", units=[3, 5])
    examples = step_examples(written, None, Quotes(), units=["l0.h", "l0.c.5"])
    assert examples.units == ("l0.h.3", "l0.h.5", "l0.c.5")
    expected = np.column_stack([trace["l0.h"].values[:, [3, 5]], trace["l0.c"].values[:, 5]])
    np.testing.assert_allclose(examples.values[:], expected, atol=2e-3)


@pytest.mark.parametrize("of", ["network", "trace"])
def test_units_and_signals_are_asked_for_together(of: str, trace: rnnscope.Trace) -> None:
    given = (trace, None) if of == "trace" else (latch(), DOCUMENTS)
    examples = step_examples(*given, Quotes(), units=["l0.i.2", "l0.c", "l0.i.7", "l0.c.3"])
    assert examples.units == ("l0.i.2", "l0.i.7", *(f"l0.c.{unit}" for unit in range(8)))
    expected = np.hstack((trace["l0.i"].values[:, [2, 7]], trace["l0.c"].values))
    np.testing.assert_allclose(examples.values[:], expected, atol=1e-5)
    assert step_examples(*given, Quotes(), units="c").units == examples.units[2:]


def test_by_default_each_layer_gives_what_it_keeps() -> None:
    assert {
        unit.rpartition(".")[0] for unit in step_examples(random_network(0, "gru", layers=2), TEXT, Quotes()).units
    } == {
        "l0.h",
        "l1.h",
    }
    assert {unit.rpartition(".")[0] for unit in step_examples(random_network(0, layers=2), TEXT, Quotes()).units} == {
        "l0.c",
        "l1.c",
    }


def test_steps_where_the_concept_does_not_apply_are_left_out() -> None:
    concept = named("word-length")[0]
    labels = concept(TEXT)
    examples = step_examples(latch(), DOCUMENTS, concept)
    assert len(examples) == sum(int((~np.isnan(concept(document.text))).sum()) for document in DOCUMENTS)
    assert len(examples) < len(labels)


def test_a_number_is_cut_into_quarters_and_a_category_keeps_its_names() -> None:
    examples = step_examples(latch(), DOCUMENTS, Place())
    assert len(examples.classes) == 4
    assert np.bincount(examples.labels).min() > len(examples) / 5
    assert examples.classes[0].startswith("0 to ")
    few = step_examples(latch(), TEXT, from_function("few", lambda text: np.arange(len(text)) % 2 + 0.0, kind="number"))
    assert few.classes == ("0", "1")
    kind = from_labels("kind", ["abc"[place % 3] for place in range(len(TEXT))])
    assert step_examples(latch(), TEXT, kind).classes == ("a", "b", "c")


def test_a_long_text_has_twenty_groups_with_gaps_between_them() -> None:
    text = dialogue(np.random.default_rng(0), 10_000)
    examples = step_examples(latch(), text, Place(), limit=10_000)
    taken = examples.values.steps  # pyright: ignore[reportAttributeAccessIssue]
    assert len(np.unique(examples.groups)) == 20
    assert len(examples) == 10_000 - 19 * 50
    ends = np.flatnonzero(np.diff(examples.groups))
    assert len(ends) == 19
    assert len(taken) == len(examples)
    values = step_examples(latch(), text, Place(), limit=10_000, units="l0.c.3")
    assert (values.groups == examples.groups).all()


def test_a_longer_text_has_more_groups_and_gaps_are_truly_left_out() -> None:
    text = dialogue(np.random.default_rng(0), 61_000)[:61_000]
    examples = step_examples(
        latch(), text, from_labels("place", np.arange(61_000) // 20_000), limit=60_000, units="l0.c.3"
    )
    steps = np.flatnonzero(np.arange(60_000) % 2_000 < 1_800)
    steps = np.union1d(steps, np.arange(58_000, 60_000))
    assert (examples.groups == steps // 2_000).all()
    expected = rnnscope.trace(latch(), text)["l0.c.3"].values[steps]
    np.testing.assert_allclose(examples.values[:][:, 0], expected, atol=1e-6)


def test_the_limit_takes_the_beginning_of_a_text_and_some_of_many_documents() -> None:
    one = step_examples(latch(), TEXT, Place(), limit=1_000)
    assert one.classes[-1].endswith(" to 999")
    some, others = (step_examples(latch(), DOCUMENTS, Quotes(), limit=1_000, seed=seed) for seed in (0, 1))
    assert len(some) <= 1_000
    assert some.what != others.what or (some.labels[:50] != others.labels[:50]).any()
    many = [Document(str(place), "ab." * 5 + '"a"') for place in range(100)]
    drawn = step_examples(latch(), many, Quotes(), limit=500)
    assert 25 < len(np.unique(drawn.groups)) <= 28
    assert np.diff(np.unique(drawn.groups)).max() > 1


def test_the_shortest_text_is_cut_into_stretches_and_short_documents_are_not() -> None:
    groups = step_examples(latch(), TEXT[:1_000], from_labels("half", np.arange(1_000) // 500)).groups
    assert len(np.unique(groups)) == 20 and np.bincount(groups).min() >= 45
    short = [Document(str(place), 'ab "cd" ba') for place in range(10)]
    assert (step_examples(latch(), short, Quotes()).groups == np.repeat(np.arange(10), 10)).all()


def test_a_trace_is_limited_as_its_text_is(trace: rnnscope.Trace) -> None:
    read, again = (
        step_examples(trace, None, Quotes(), limit=1_100),
        step_examples(latch(), DOCUMENTS, Quotes(), limit=1_100),
    )
    assert (read.labels == again.labels).all()
    assert (read.groups == again.groups).all()
    np.testing.assert_allclose(read.values[:], again.values[:], atol=1e-6)


def test_types_are_words_as_far_as_they_are_read() -> None:
    text = "the then.. the ten. \n\n" * 60
    examples = step_examples(random_network(0), text, from_labels("own", np.arange(len(text)) % 2))
    own = examples.types[:22]
    words = ["t", "th", "the", " ", "t", "th", "the", "then", ".", "..", ".. ", "t", "th", "the", " "]
    for first in range(len(words)):
        for second in range(first):
            assert (own[first] == own[second]) == (words[first] == words[second])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_classifier_reads_documents(bidirectional: bool) -> None:
    torch.manual_seed(0)
    config = ClassifierConfig(cell="gru", hidden_size=6, embedding_size=4, bidirectional=bidirectional)
    model = SequenceClassifier(config, Vocabulary(ALPHABET), ("a", "b")).eval()
    examples = step_examples(model, [document.text for document in DOCUMENTS], Quotes())
    expected = rnnscope.trace(model, [document.text for document in DOCUMENTS])
    signals = ["l0.h", "l0r.h"][: 1 + bidirectional]
    assert examples.units == tuple(f"{signal}.{unit}" for signal in signals for unit in range(6))
    np.testing.assert_allclose(examples.values[:], np.hstack([expected[s].values for s in signals]), atol=1e-6)


def test_steps_that_a_layer_does_not_take_are_left_out() -> None:
    torch.manual_seed(0)
    config = TaggerConfig(hidden_size=6, word_embedding_size=4, embedding_size=3, character_hidden_size=5)
    tagger = SequenceTagger(config, Lexicon(("ab", "cd"), Vocabulary("abcd.:")), ("X", "Y")).eval()
    sentences = ["ab cd. dcba: a", "cd", "ab ab ab"] * 4
    concept = from_function("a", lambda text: np.array([character in "ab" for character in text]), kind="flag")
    trace = rnnscope.trace(tagger, sentences)
    units = ["spelling.l0.h", "rnn.l0.h"]
    expected = np.hstack([trace[unit].values for unit in units])
    taken = ~np.isnan(expected).any(axis=1)
    assert 0 < taken.sum() < np.size(taken)
    for given in ((tagger, sentences), (trace, None)):
        examples = step_examples(*given, concept, units=units)
        np.testing.assert_allclose(examples.values[:], expected[taken], atol=1e-6)
        assert (examples.labels == concept("".join(sentences))[taken]).all()


def test_values_beyond_the_memory_are_refused_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_memory", lambda: 10_000)
    with pytest.raises(ProbeError, match=r"8 units at [\d,]+ steps take 97.3 kB .* 10.0 kB of memory .* a trace"):
        step_examples(latch(), TEXT, Quotes())


def test_what_cannot_be_read_is_refused_in_words(trace: rnnscope.Trace) -> None:
    for model, text, concept, options, error, words in (
        (latch(), "", Quotes(), {}, TextError, "empty"),
        (latch(), None, Quotes(), {}, RecordingError, "needs a text"),
        (latch(), TEXT, None, {}, ProbeError, "A Concept was expected.*got NoneType"),
        (latch(), TEXT, "quotes", {}, ProbeError, "got str"),
        (latch(), "abcd abcd " * 100, Quotes(), {}, ProbeError, r"says no wherever it applies \(steps: 9.."),
        (latch(), TEXT[:999], Quotes(), {}, TextError, "at least 1,000 steps, or 10 documents.* has 999"),
        (latch(), TEXT, Quotes(), {"limit": 999}, TextError, "at least 1,000 steps"),
        (latch(), DOCUMENTS[:9], Quotes(), {"limit": 500}, TextError, "at least 1,000 steps"),
        (latch(), TEXT, from_labels("none", np.full(len(TEXT), np.nan)), {}, ProbeError, "applies nowhere"),
        (latch(), TEXT, from_labels("short", np.ones(5)), {}, ConceptError, "5 labels"),
        (latch(), TEXT, Quotes(), {"units": ["l0.c.8"]}, AddressError, "no unit 8 in l0.c"),
        (latch(), TEXT, Quotes(), {"units": ["l0.z"]}, AddressError, "no signal 'z' in l0"),
        (latch(), TEXT, Quotes(), {"units": ["l1.c"]}, AddressError, "no layer 'l1'"),
        (latch(), TEXT, Quotes(), {"units": []}, AddressError, "No unit is asked for"),
        (latch(), TEXT, Quotes(), {"units": [3]}, AddressError, "3 is not an address"),
        (latch(), TEXT, Quotes(), {"seed": "x"}, ArgumentError, "seed is a whole number"),
        (latch(), TEXT, Quotes(), {"limit": 0}, ArgumentError, "at least 2; got 0"),
        (latch(), TEXT, Quotes(), {"limit": "all"}, ArgumentError, "at least 2; got 'all'"),
        (latch().train(), TEXT, Quotes(), {}, ModelError, "training mode"),
        ("model.pt", TEXT, Quotes(), {}, ProbeError, "A network or a trace was expected; got str"),
        (trace, TEXT, Quotes(), {}, RecordingError, "text of its own"),
        (trace, None, Quotes(), {"units": ["l0.c.8"]}, AddressError, "no unit 8 in l0.c"),
        (trace, None, Quotes(), {"units": ["l0.z"]}, AddressError, "no signal 'z' in l0"),
    ):
        with pytest.raises(error, match=words):
            step_examples(model, text, concept, **options)  # pyright: ignore[reportArgumentType]

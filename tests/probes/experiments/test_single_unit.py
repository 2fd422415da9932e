"""One unit, some, or all: on a network whose one unit knows the class, and one that knows nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rnnscope import CharLanguageModel, SequenceClassifier, Vocabulary, intervene
from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
from rnnscope.errors import AddressError, ArgumentError, ModelError, ProbeError
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.probes.experiments.holding import read_while_held, written_while_held
from rnnscope.probes.experiments.single_unit import single_unit_study
from rnnscope.probes.experiments.single_unit_result import SingleUnitStudy
from rnnscope.recording.intervention import clamp
from tests.handmade import latch
from tests.printing import printed


def quotations(count: int) -> LabelledCorpus:
    """Texts that end inside double quotes, or after them."""
    rng = np.random.default_rng(0)
    examples = []
    for number in range(count):
        words = " ".join("".join(rng.choice(list("abcd"), 4)) for _ in range(3))
        text = f'{words[:5]}:"{words[5:]}' + ('"' + words[3:7]) * (number % 2)
        examples.append(LabelledText(text, ("inside", "outside")[number % 2]))
    return LabelledCorpus(tuple(examples), name="quotations")


def classifier(pooling: str = "last", seed: int = 0) -> SequenceClassifier:
    torch.manual_seed(seed)
    config = ClassifierConfig(cell="gru", hidden_size=6, embedding_size=4, pooling=pooling)
    return SequenceClassifier(config, Vocabulary('abcd .:"\n'), ["inside", "outside"]).eval()


@pytest.fixture(scope="module")
def study() -> SingleUnitStudy:
    return single_unit_study(latch(), quotations(240))


def test_the_latch_is_the_best_unit(study: SingleUnitStudy) -> None:
    assert study.unit == "l0.c.3"
    accuracy = study.table["accuracy"].to_dict()
    assert accuracy["one unit"] == accuracy["probe"] == 1
    assert accuracy["majority"] < 0.7
    assert "the network itself" not in study.table.index
    values = study.values
    assert np.array_equal(values["value"] > study.threshold, values["class"] == "inside")


def test_the_path_goes_from_few_units_to_many(study: SingleUnitStudy) -> None:
    curve = study.curve
    assert list(curve["C"]) == [2.0**power for power in range(-8, 1)]
    units = curve["units"].tolist()
    assert units[0] <= units[-1] <= 8
    (chosen,) = [row for row in curve.to_dict("records") if row["chosen"]]
    assert chosen["validation"] == max(curve["validation"])
    assert study.table.loc["probe", ["units", "accuracy"]].tolist() == [chosen["units"], chosen["test"]]


def test_the_card_and_the_picture(study: SingleUnitStudy) -> None:
    card = printed(study)
    assert "l0.c.3 alone tells 100.0% of the texts" in card and "1/256" in card
    assert max(map(len, card.splitlines())) <= 80
    assert len(study.plot()) == 3


def test_what_is_chosen_does_not_depend_on_the_test_part() -> None:
    corpus = quotations(160)
    tests = set(corpus.distinct().split((0.8, 0.1, 0.1))["test"])
    turned = {"inside": "outside", "outside": "inside"}
    other = [LabelledText(one.text, turned[one.label]) if one in tests else one for one in corpus.examples]
    one = single_unit_study(latch(), corpus)
    two = single_unit_study(latch(), LabelledCorpus(tuple(other), name="turned"))
    assert (one.unit, one.threshold) == (two.unit, two.threshold)
    assert not one.curve["test"].equals(two.curve["test"])
    assert one.curve["chosen"].equals(two.curve["chosen"])
    assert two.table.at["one unit", "accuracy"] == 0


@pytest.mark.parametrize("pooling", ["last", "max"])
def test_a_classifier_stands_beside_its_units(pooling: str) -> None:
    model, corpus = classifier(pooling), quotations(120)
    study = single_unit_study(model, corpus)
    tests = corpus.distinct().split((0.8, 0.1, 0.1))["test"]
    said = [max(odds, key=odds.__getitem__) for odds in (model.classify(text.text) for text in tests)]
    right = np.mean([label == text.label for label, text in zip(said, tests, strict=True)])
    assert study.table["accuracy"].to_dict()["the network itself"] == right
    assert ("largest" in study.read) == (pooling == "max")


def test_a_classifier_reads_while_its_unit_is_held() -> None:
    model, texts = classifier(), quotations(20).examples
    held = read_while_held(model, "l0.h.2", texts, "inside", [-0.5, 0.9]).table.to_dict("list")
    assert np.isnan(held["value"][0]) and held["value"][1:] == [-0.5, 0.9]
    assert held["probability"][0] == pytest.approx(np.mean([model.classify(text.text)["inside"] for text in texts]))
    with intervene(model, {"l0.h.2": clamp(0.9)}):
        odds = [model.classify(text.text) for text in texts]
    assert held["share"][2] == np.mean([one["inside"] > one["outside"] for one in odds])
    assert held["probability"][2] == pytest.approx(np.mean([one["inside"] for one in odds]), abs=1e-6)
    assert held["probability"][0] != held["probability"][2]
    assert len(read_while_held(model, "l0.h.2", texts, "inside").table) == 8


def always(label: str) -> SequenceClassifier:
    """A judge that has made up its mind."""
    judge = classifier()
    judge.head.bias.data = torch.tensor([9.0, 0.0] if label == "inside" else [0.0, 9.0])
    return judge


@pytest.mark.parametrize("label", ["inside", "outside"])
def test_what_is_written_while_a_unit_is_held_goes_to_the_judge(label: str) -> None:
    held = written_while_held(latch(), "l0.c.3", always(label), "inside", [0.0, 1.0], length=12, samples=3)
    assert list(held.table["share"]) == [float(label == "inside")] * 3
    assert list(held.table["value"][1:]) == [0.0, 1.0] and len(held.table["example"][0]) == 12
    card = printed(held)
    assert "said to be inside while l0.c.3 is held" in card and "free" in card
    assert held.plot().get_xlabel() == "l0.c.3 held at"


def test_a_judge_hears_the_text_without_the_prompt() -> None:
    heard: list[str] = []
    judge = classifier()
    judge.classify = lambda text: heard.append(text) or {"inside": 1.0, "outside": 0.0}  # pyright: ignore
    written_while_held(latch(), "l0.c.3", judge, "inside", [1.0], prompt='a"', length=7, samples=2)
    assert len(heard) == 4 and {len(text) for text in heard} == {7}


TINY = LabelledCorpus((LabelledText("ab", "x"), LabelledText("cd", "y")), name="tiny")
THREE = LabelledCorpus((*TINY.examples, LabelledText("dd", "z")), name="three")


@pytest.mark.parametrize(
    ("model", "corpus", "options", "error", "words"),
    [
        (latch(), TINY, {}, ProbeError, "has no texts"),
        (latch(), "sentiment", {}, ProbeError, "labelled corpus"),
        (torch.nn.LSTM(2, 2), TINY, {}, ModelError, "of rnnscope was expected; got LSTM"),
        (latch(), THREE, {}, ProbeError, "three has 3. For more train a LinearProbe on text_examples"),
        (latch(), quotations(40), {"split": (0.5, 0.5, 0.5)}, ArgumentError, "split"),
        (latch(), quotations(40), {"seed": "x"}, ArgumentError, "seed"),
    ],
)
def test_bad_input_is_refused(
    model: CharLanguageModel, corpus: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        single_unit_study(model, corpus, **options)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: read_while_held(classifier(), "l0.h", TINY.examples, "inside"), AddressError, "name a unit of it"),
        (lambda: read_while_held(classifier(), "l0.h.2", [], "inside"), ProbeError, "Labelled texts"),
        (lambda: read_while_held(classifier(), "l0.h.2", TINY.examples, "red"), ModelError, "no label 'red'"),
        (lambda: read_while_held(classifier().train(), "l0.h.2", TINY.examples, "inside"), ModelError, "training"),
        (lambda: written_while_held(latch(), "l0.c.3", latch(), "inside"), ModelError, "classifier of texts"),  # pyright: ignore
        (lambda: written_while_held(classifier(), "l0.h.3", classifier(), "inside"), ModelError, "language model"),  # pyright: ignore
    ],
)
def test_a_unit_that_cannot_be_held_is_refused(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()

"""Which unit carries the number: on a network where it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnscope import CharLanguageModel, trace
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.errors import AddressError, ArgumentError, ModelError, ProbeError
from rnnscope.probes.experiments.number import _Sentences, _states, number_probes
from rnnscope.probes.experiments.number_result import NumberProbes
from tests.analysis.agreement.agreeing import agreeing, agreeing_pairs
from tests.printing import printed


@pytest.fixture(scope="module", autouse=True)
def _two_folds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnnscope.probes.experiments.number._FOLDS", 2)
        yield


@pytest.fixture(scope="module")
def found(_two_folds: None) -> NumberProbes:
    return number_probes(agreeing(), agreeing_pairs(), units=["l0.c.2", "l0.c.3", "l0.c.5"], count=2)


def test_the_latch_is_the_unit(found: NumberProbes) -> None:
    assert found.unit == "l0.c.3"
    assert found.units[0] == "l0.c.3" and len(found.units) == 2
    assert list(found.table["word"].iloc[1:2]) == ["dd"]
    last = found.table.iloc[-1]
    assert last["unit"] == "l0.c.3" and last["unit_accuracy"] == 1 and last["accuracy"] == 1
    assert last["majority"] <= 0.5
    assert found.table.index.name == "place" and len(found.table) == 3


def test_the_probe_of_the_first_word_reads_all_others() -> None:
    latch = number_probes(agreeing(), agreeing_pairs(), units="l0.c.3")
    assert set(latch.matrices) == {"all", "attractor same", "attractor other"}
    for matrix in latch.matrices.values():
        assert (matrix.accuracy == 1).all()
    assert latch.units == ("l0.c.3",)


def test_states_are_those_before_the_next_word() -> None:
    model = agreeing()
    sentences = _Sentences.of(agreeing_pairs(), "number")
    values, names = _states(model, sentences, "c", "\n")
    assert names == [f"l0.c.{unit}" for unit in range(8)]
    text = "\n" + " ".join(sentences.beginnings[5]) + " "
    spaces = [place for place, character in enumerate(text) if character == " "]
    assert np.allclose(values[5], trace(model, text)["l0.c"].values[spaces], atol=1e-5)


def test_pairs_of_another_length_are_left_out(found: NumberProbes) -> None:
    more = [*agreeing_pairs(), MinimalPair('"ab b "', '"ab b c', {"number": "singular"})]
    assert number_probes(agreeing(), more, units="l0.c.3").text == found.text.replace("24 pairs", "25 pairs")


def test_the_card_and_the_picture(found: NumberProbes) -> None:
    card = printed(found)
    assert "plural or singular" in card and "l0.c.3 tells most by itself" in card
    assert max(map(len, card.splitlines())) <= 80
    assert [axes.get_title() for axes in found.plot()] == ["all", "attractor same", "attractor other"]


def without(condition: str) -> list[MinimalPair]:
    return [replace(pair, conditions={}) for pair in agreeing_pairs() if pair.conditions[condition]]


@pytest.mark.parametrize(
    ("pairs", "options", "error", "words"),
    [
        ([], {}, ProbeError, "No pair has a condition 'number'"),
        (without("number"), {}, ProbeError, "No pair has a condition 'number'"),
        (agreeing_pairs(), {"condition": "tense"}, ProbeError, "'tense'"),
        (agreeing_pairs()[:1], {}, ProbeError, "nothing to tell apart"),
        (agreeing_pairs(), {"units": "l0.c.9"}, AddressError, "no unit 9"),
        (agreeing_pairs(), {"units": []}, AddressError, "No unit"),
        (agreeing_pairs(), {"count": 0}, ArgumentError, "count"),
    ],
)
def test_bad_input_is_refused(pairs: Any, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        number_probes(agreeing(), pairs, **options)


def test_one_noun_is_not_enough_and_a_word_has_to_tell(make_model: Callable[..., CharLanguageModel]) -> None:
    one = [MinimalPair(f"{noun} a", f"{noun} b", {"number": noun}) for noun in ("ab", "abs")]
    with pytest.raises(
        ProbeError, match="at least 4 nouns in sentences of one form.* the 2 beginnings of 1 words have 1"
    ):
        number_probes(agreeing(), one)
    two = [pair for pair in agreeing_pairs() if "ab" in pair.good]
    with pytest.raises(ProbeError, match="beginnings of 3 words have 2"):
        number_probes(agreeing(), two)
    both = [MinimalPair(f"{noun} a", f"{noun} b", {"number": kind}) for noun, kind in (("ab", "x"), ("ba", "x"))]
    with pytest.raises(ProbeError, match="nothing to tell"):
        number_probes(agreeing(), both)
    with pytest.raises(ModelError):
        number_probes(make_model(bidirectional=True), agreeing_pairs())

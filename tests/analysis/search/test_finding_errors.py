"""What a search leaves out and says so, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rnnscope
from rnnscope.errors import AddressError, ArgumentError, ConceptError, ModelError, RecordingError, TextError
from tests.analysis.search.concepts import TEXT, Aligned
from tests.handmade import Quotes, random_network


def test_concepts_that_say_the_same_everywhere_are_left_out() -> None:
    concepts = [Quotes(), Aligned("never", values=np.zeros(len(TEXT))), Aligned("always", values=np.ones(len(TEXT)))]
    nowhere = Aligned("nowhere", values=np.full(len(TEXT), np.nan))
    late = Aligned("late", values=np.arange(len(TEXT)) == len(TEXT) - 5)
    early = Aligned("early", values=np.arange(len(TEXT)) == 5)
    found = rnnscope.find_units(random_network(0), TEXT, [*concepts, nowhere, late, early])
    assert list(found.table.index) == ["quotes"]
    assert found.left_out == {
        "never": "never holds in the first half",
        "always": "always holds in the first half",
        "nowhere": "never applies in the first half",
        "late": "never holds in the first half",
        "early": "never holds in the second half",
    }


@pytest.mark.parametrize(
    ("concepts", "message"),
    [
        ([Aligned(values=np.zeros(len(TEXT)))], "mine never holds in the first half"),
        ([Aligned(values=np.ones(10))], r"one label a character, .* shape \(10,\)"),
        ([Aligned(values=np.full(len(TEXT), 3))], "0 or 1; got 3"),
        ([Aligned(values=["x"] * len(TEXT))], "no numbers"),
        ([Quotes(), Quotes()], "Two concepts are called quotes"),
        ([], "got none"),
        (["quotes"], "got 'quotes'"),
        ("quotes", "got 'quotes'"),
        (None, "got None"),
    ],
)
def test_concepts_that_cannot_be_searched_for(concepts: list[Any], message: str) -> None:
    with pytest.raises(ConceptError, match=message):
        rnnscope.find_units(random_network(0), TEXT, concepts)


def test_a_text_that_is_too_short() -> None:
    with pytest.raises(TextError, match="at least 1,000 steps.*has 10"):
        rnnscope.find_units(random_network(0), TEXT[:10], [Quotes()])


def test_other_bad_input() -> None:
    with pytest.raises(AddressError, match="There is no signal 'q' in l0"):
        rnnscope.find_units(random_network(0), TEXT, [Quotes()], signals=["l0.q"])
    with pytest.raises(RecordingError, match="needs a text"):
        rnnscope.find_units(random_network(0), concepts=[Quotes()])
    with pytest.raises(ModelError, match="training mode"):
        rnnscope.find_units(random_network(0).train(), TEXT, [Quotes()])
    with pytest.raises(RecordingError, match="got str"):
        rnnscope.find_units("model.pt", TEXT, [Quotes()])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="shifts is a whole number of at least 1; got 0"):
        rnnscope.find_units(random_network(0), TEXT, [Quotes()], shifts=0)
    trace = rnnscope.trace(random_network(0), TEXT)
    with pytest.raises(RecordingError, match="a text of its own"):
        rnnscope.find_units(trace, TEXT, [Quotes()])
    with pytest.raises(AddressError, match="l0.c.3 is one unit"):
        rnnscope.find_units(trace, concepts=[Quotes()], signals=["l0.c.3"])
    with pytest.raises(AddressError, match="No signal is asked for"):
        rnnscope.find_units(trace, concepts=[Quotes()], signals=[])

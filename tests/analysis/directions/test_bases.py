"""The basis of units against random ones, on networks where the answer is known."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import rnnscope
from rnnscope.analysis.directions import bases
from rnnscope.analysis.directions.bases import compare_bases
from rnnscope.analysis.directions.bases_result import BasisComparison
from rnnscope.analysis.directions.moments import signal_moments
from rnnscope.analysis.directions.rotations import random_rotation
from rnnscope.analysis.search.parts import halves
from rnnscope.errors import AddressError, ArgumentError, ConceptError, RecordingError, TextError
from rnnscope.probes.concepts import named
from rnnscope.recording import directions
from rnnscope.recording.along import along
from tests.handmade import Quotes, dialogue, latch, random_network
from tests.printing import printed

TEXT = dialogue(np.random.default_rng(0), 3_000)
LATCH = latch(units=24)


@pytest.fixture(scope="module")
def result() -> BasisComparison:
    return compare_bases(LATCH, TEXT, [Quotes(), *named("vowel", "line-position")], rotations=19)


def test_the_latch_is_a_unit_and_no_random_direction(result: BasisComparison) -> None:
    row: Any = result.table.loc["quotes"]
    assert row["unit"] == "l0.c.3"
    assert row["unit_score"] > 0.99
    assert row["as_well"] == 0
    assert row["p"] == pytest.approx(1 / 20)
    assert row["low"] <= row["rotations"] <= row["high"] < row["unit_score"]
    assert not directions.directions_of(LATCH.rnn)


def test_the_scores_of_a_basis_are_those_of_a_search_in_it_alone(result: BasisComparison) -> None:
    seeds = np.random.default_rng(0).integers(2**32, size=19).tolist()
    moments = signal_moments(LATCH, TEXT, limit=halves(np.array([0, len(TEXT)]))[0].stop)
    rotation = random_rotation(moments, seed=seeds[4])
    with along(LATCH, rotation):
        found = rnnscope.find_units(LATCH, TEXT, [Quotes(), *named("line-position")], signals=["rotation"], shifts=1)
    for concept, neutral in (("quotes", 0.5), ("line-position", 0)):
        row: Any = found.table.loc[concept]
        score: Any = found.scores.loc[row["unit"], concept]
        shown: Any = result.rotations.loc[4, concept]
        assert shown == pytest.approx(neutral + (score - neutral) * row["sign"], abs=2e-3)
    alone = rnnscope.find_units(LATCH, TEXT, [Quotes(), *named("vowel")], signals=["c"], shifts=1)
    for concept in ("quotes", "vowel"):
        together: Any = result.table.loc[concept]
        by_itself: Any = alone.table.loc[concept]
        assert together["unit"] == by_itself["unit"]
        assert together["unit_score"] == pytest.approx(by_itself["score"], abs=2e-3)


def test_the_basis_of_a_network_whose_units_are_mixed_is_not_special() -> None:
    """Units with small random weights are themselves random mixtures of what they carry."""
    model: Any = random_network(1, "rnn", units=24)
    for parameter in model.rnn.parameters():
        parameter.data.mul_(0.1)
    row: Any = compare_bases(model, TEXT, named("line-position"), rotations=9).table.loc["line-position"]
    assert row["p"] > 0.1


def test_bases_in_several_passes_are_those_of_one(result: BasisComparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "_TOGETHER", 24 * 7)
    found = compare_bases(LATCH, rnnscope.File(io.BytesIO(TEXT.encode())), Quotes(), rotations=19)
    np.testing.assert_allclose(found.rotations["quotes"], result.rotations["quotes"], atol=2e-3)
    np.testing.assert_array_equal(found.table["p"], result.table["p"][:1])


def test_bases_are_made_from_the_fit_half_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    made = bases.moments_of
    monkeypatch.setattr(bases, "moments_of", lambda source, limit: limits.append(limit) or made(source, limit))
    compare_bases(LATCH, TEXT, Quotes(), rotations=1)
    assert limits == [halves(np.array([0, len(TEXT)]))[0].stop]


def test_raw_rotations_and_other_seeds_are_others(result: BasisComparison) -> None:
    raw = compare_bases(LATCH, TEXT, Quotes(), rotations=19, standardised=False)
    assert not raw.standardised
    assert not np.allclose(raw.rotations["quotes"], result.rotations["quotes"])
    one, again, other = (compare_bases(LATCH, TEXT, Quotes(), rotations=4, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.rotations["quotes"], again.rotations["quotes"])
    assert not np.allclose(one.rotations["quotes"], other.rotations["quotes"])


def test_it_is_shown_and_drawn(result: BasisComparison) -> None:
    shown = printed(result)
    assert "quotes        AUROC       3 " in shown
    assert "0.050" in shown
    assert max(map(len, shown.splitlines())) <= 80
    own = Figure().subplots()
    assert result.plot(own) is own
    axes = result.plot()
    (diamonds,) = [line for line in axes.lines if line.get_label() == "best unit"]
    expected = [2 * result.table["unit_score"]["quotes"] - 1, 2 * result.table["unit_score"]["vowel"] - 1]
    np.testing.assert_allclose(np.asarray(diamonds.get_xdata())[:2], expected)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(result.table.index)


def test_networks_that_are_no_language_models_are_compared(make_model: Any) -> None:
    gru = random_network(0, "gru", layers=2)
    assert compare_bases(gru, TEXT, Quotes(), rotations=2).signal == "l1.h"
    both = compare_bases(make_model(bidirectional=True), TEXT[:2_000], Quotes(), rotations=2, signal="l0r.c")
    assert (both.signal, both.units) == ("l0r.c", 12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"text": "too short"}, TextError, "1,000"),
        ({"text": ""}, TextError, "empty"),
        ({"text": Path("nowhere.txt")}, TextError, "nowhere"),
        ({"concepts": []}, ConceptError, "At least one Concept"),
        ({"concepts": "quotes"}, ConceptError, "At least one Concept"),
        ({"text": "abc abc " * 200}, ConceptError, "nothing to tell apart"),
        ({"signal": "l0.x"}, AddressError, "no signal"),
        ({"rotations": 0}, ArgumentError, "rotations"),
        ({"seed": 0.5}, ArgumentError, "seed"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compare_bases(LATCH, **{"text": TEXT, "concepts": Quotes(), "rotations": 2, **change})
    assert not directions.directions_of(LATCH.rnn)


def test_a_trace_has_the_bases_of_its_network(result: BasisComparison) -> None:
    found = compare_bases(rnnscope.trace(LATCH, TEXT, signals=["c"]), None, Quotes(), rotations=19)
    np.testing.assert_allclose(found.rotations["quotes"], result.rotations["quotes"], atol=2e-2)
    assert found.table.loc["quotes", ["unit", "p"]].tolist() == ["l0.c.3", 0.05]


def test_a_trace_with_another_text_and_a_network_that_diverges_are_refused() -> None:
    with pytest.raises(RecordingError, match="text of its own"):
        compare_bases(rnnscope.trace(LATCH, TEXT), TEXT, Quotes())
    broken: Any = random_network(0, "rnn")
    broken.rnn.weight_ih_l0.data[0] = torch.nan
    with pytest.raises(RecordingError, match="not finite"):
        compare_bases(broken, TEXT, Quotes())

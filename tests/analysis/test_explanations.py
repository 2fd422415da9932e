"""Explanations that were planted are found, noise gets none, and the figures are those of plain loops."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray as xr

import rnnscope
from rnnscope import Concept
from rnnscope.analysis.explanations import explain
from rnnscope.errors import AddressError, ArgumentError, ConceptError, TextError
from rnnscope.probes.concepts import from_labels
from rnnscope.text import codepoints
from tests import handmade
from tests.printing import printed

STEPS = 6000
TEXT = "".join(np.random.default_rng(3).choice(list("abcdefgh \n"), STEPS))
LETTERS = np.array(list(TEXT))


@dataclass(frozen=True)
class OneOf(Concept):
    """Whether a character is one of these."""

    kind: Any = "flag"
    characters: str = ""

    def label(self, text: str, start: int) -> np.ndarray:
        return np.isin(np.array(list(text)), list(self.characters))


@dataclass(frozen=True)
class Place(Concept):
    """The place in the document, or that modulo as many categories as there are; none at a space."""

    def label(self, text: str, start: int) -> np.ndarray:
        places = np.arange(len(text)) % (len(self.categories) or len(text))
        return np.where(np.array(list(text)) == " ", np.nan, places)


def one_of(characters: str) -> OneOf:
    return OneOf(characters, f"one of {characters}", characters=characters)


CONCEPTS = [one_of("abcd"), one_of("cdef"), one_of("gh")]


def of(values: np.ndarray, document: np.ndarray | None = None, name: str = "l0.h.3") -> xr.DataArray:
    coordinates = {"codepoint": ("time", codepoints(TEXT))}
    if document is not None:
        coordinates["document"] = ("time", document)
    return xr.DataArray(values.astype("float32"), dims="time", coords=coordinates, name=name)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=STEPS)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", ["l0.h.3", "l0.c.3"])
def test_a_planted_formula_is_found_whichever_side_is_on(sign: int, name: str) -> None:
    planted = np.isin(LETTERS, list("abcd")) & ~np.isin(LETTERS, list("cdef"))
    result = explain(of(sign * (planted - 0.5) + 0.05 * noise(), name=name), CONCEPTS)
    assert result.best["formula"] == "abcd AND NOT cdef"
    assert (result.best["fit_iou"], result.best["iou"]) == (1.0, 1.0)
    assert result.best["p"] < 0.001
    assert result.high == (sign == 1)
    assert len(result.table) == 2
    assert result.share == pytest.approx(0.2, abs=0.03)


def test_a_longer_formula_is_found() -> None:
    after = np.zeros(STEPS, dtype=bool)
    for back in range(6):
        after[back:] |= LETTERS[: STEPS - back] == "\n"
    planted = (after & ~np.isin(LETTERS, list("cdef"))) | np.isin(LETTERS, list("gh"))
    result = explain(of(1.0 * planted), [*CONCEPTS, OneOf("newline", "", characters="\n")])
    assert result.best["iou"] == 1.0
    assert result.best["formula"] in (
        "(within 5 steps after newline AND NOT cdef) OR gh",
        "(within 5 steps after newline OR gh) AND NOT cdef",
    )
    assert result.table["fit_iou"].is_monotonic_increasing


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("top", [None, 0.05])
def test_noise_is_not_explained(seed: int, top: float | None) -> None:
    result = explain(of(noise(seed)), CONCEPTS, top)
    assert result.best["iou"] <= result.best["chance"] + 0.03
    if top:
        assert result.best["iou"] < 0.1


def test_it_says_that_nothing_is_more_than_chance() -> None:
    slow = np.convolve(noise(1), np.ones(300), mode="same")
    result = explain(of(slow), CONCEPTS)
    assert result.best["p"] > 0.05
    assert "No formula over these concepts says more than chance." in printed(result)


def test_two_atoms_are_the_best_of_all_pairs() -> None:
    concepts = [one_of(letter) for letter in ("abc", "ceg")]
    on = (np.random.default_rng(2).random(STEPS) < 0.3) | np.isin(LETTERS, list("bcg"))
    result = explain(of(1.0 * on), concepts)
    on = on == result.high
    fit = slice(0, (STEPS - 500) // 2)
    atoms = []
    for concept in concepts:
        holds = concept(TEXT) == 1
        spread = [np.convolve(holds, np.ones(k + 1))[:STEPS] > 0.5 for k in (5, 20, 100)]
        atoms += [holds, *(after for after in spread if after[fit].mean() <= 0.5)]
    pairs = [f(a, b) for a, b in product(atoms, atoms) for f in (np.logical_and, np.logical_or, lambda a, b: a & ~b)]
    best = max(iou(pair[fit], on[fit]) for pair in pairs)
    single = max(iou(atom[fit], on[fit]) for atom in atoms)
    assert result.table["fit_iou"].tolist()[:2] == pytest.approx([single, best])


def iou(holds: np.ndarray, on: np.ndarray) -> float:
    return np.count_nonzero(holds & on) / np.count_nonzero(holds | on)


def test_held_out_figures_are_those_of_all_shifts() -> None:
    on = np.isin(LETTERS, list("ab")) | (np.random.default_rng(4).random(STEPS) < 0.1)
    result = explain(of(1.0 * on)[:900], [one_of("abc")])
    row = result.table.iloc[0]
    assert row["formula"] == "abc"
    held = slice((900 - 90) // 2 + 90, 900)
    holds, on = np.isin(LETTERS, list("abc"))[held], on[held]
    gap = len(on) // 10
    shifted = [iou(np.roll(holds, shift), on) for shift in range(gap, len(on) - gap)]
    assert row["iou"] == pytest.approx(iou(holds, on))
    assert row["chance"] == pytest.approx(np.mean(shifted))
    assert row["p"] == pytest.approx((1 + sum(s >= row["iou"] - 1e-12 for s in shifted)) / (1 + len(shifted)))
    assert result.share == pytest.approx(on.mean())


def test_what_follows_a_concept_ends_with_the_document() -> None:
    document = np.arange(STEPS) // 7
    follows = np.zeros(STEPS, dtype=bool)
    for step in range(STEPS):
        first = max(document.searchsorted(document[step]), step - 5)
        follows[step] = "g" in TEXT[first : step + 1]
    result = explain(of(1.0 * follows, document), [one_of("g")])
    assert result.table[["formula", "iou"]].values.tolist() == [["within 5 steps after g", 1.0]]
    assert explain(of(1.0 * follows), [one_of("g")]).best["iou"] < 1


def test_numbers_and_categories_are_atoms_that_documents_reset() -> None:
    document = np.arange(STEPS) // 100
    number = Place("place", "the place", "number")
    category = Place("third", "the place modulo 3", "category", ("first", "second", "last"))
    place, spoken = np.arange(STEPS) % 100, LETTERS != " "
    fit = place[: (STEPS - 500) // 2][spoken[: (STEPS - 500) // 2]]
    level = int(np.quantile(fit, 0.75, method="lower"))
    above = explain(of(1.0 * ((place > level) & spoken), document), [number, category])
    assert (above.best["formula"], above.best["iou"]) == (f"place > {level}", 1.0)
    last = explain(of(1.0 * ((place % 3 == 2) & spoken), document), [number, category])
    assert (last.best["formula"], last.best["iou"]) == ("third is last", 1.0)


def test_the_top_share_is_on() -> None:
    values = noise() + 8 * (LETTERS == "\n") * (np.arange(STEPS) % 3 == 0)
    newline = OneOf("newline", "", characters="\n")
    result = explain(of(values), [*CONCEPTS, newline], top=0.02)
    assert result.share == pytest.approx(0.02, abs=0.01)
    assert result.best["formula"] == "newline" and result.high
    assert not explain(of(-values), [*CONCEPTS, newline], top=0.02).high
    tied = np.where(LETTERS == "a", 1.0, noise().clip(-1, 0))
    assert explain(of(tied), [one_of("a")], top=0.005).best["iou"] == 1.0


def test_steps_that_the_layer_does_not_take_do_not_count() -> None:
    planted = np.isin(LETTERS, list("abcd"))
    values = np.where(np.arange(STEPS) % 3 == 1, planted, np.nan)
    result = explain(of(values), CONCEPTS)
    assert (result.best["formula"], result.best["iou"]) == ("abcd", 1.0)


def test_a_latch_is_explained_by_quotes() -> None:
    text = handmade.dialogue(np.random.default_rng(0), 5000)
    trace = rnnscope.trace(handmade.latch(), text)
    result = explain(trace["l0.c.3"], [handmade.Quotes(), one_of("abcd")])
    assert (result.best["formula"], result.best["iou"]) == ("quotes", 1.0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(TextError, match="At least 200 steps .* got 150"):
        explain(of(noise())[:150], CONCEPTS)
    with pytest.raises(TextError, match=r"l0\.h\.3 does not change in the first half"):
        explain(of(np.r_[np.zeros(STEPS // 2), noise()[STEPS // 2 :]]), CONCEPTS)
    with pytest.raises(ConceptError, match="none among these: none was given"):
        explain(of(noise()), [])
    with pytest.raises(ConceptError, match="none among these: xyz"):
        explain(of(noise()), [one_of("xyz")])
    with pytest.raises(ArgumentError, match="between 0 and 1; got 5"):
        explain(of(noise()), CONCEPTS, top=5)
    with pytest.raises(AddressError, match="One unit was expected"):
        explain(xr.DataArray(np.zeros((3, 2)), dims=("time", "unit"), name="l0.h"), CONCEPTS)


def test_a_unit_that_is_never_on_in_the_held_out_half_has_no_iou() -> None:
    values = np.where((np.arange(STEPS) < STEPS // 2) & (LETTERS == "a"), 1.0, 0.0)
    row = explain(of(values), [one_of("a")]).best
    assert (row["fit_iou"], row["iou"], row["p"]) == (1.0, 0.0, 1.0)


def test_it_prints_and_plots_a_row_for_each_length() -> None:
    planted = np.isin(LETTERS, list("ab"))
    result = explain(of(planted - 0.5), CONCEPTS)
    page = printed(result)
    assert "on is above +0.00: 2" in page and "abcd AND NOT cdef" in page and "1.00" in page
    assert "of tanh" in printed(explain(of(planted - 0.5, name="l0.c.3"), CONCEPTS))
    lines = result.plot().get_lines()
    assert np.asarray(lines[1].get_ydata()) == pytest.approx(result.table["iou"].to_numpy())


def test_a_layer_that_reads_from_the_end_has_read_what_comes_after() -> None:
    document = np.repeat([0, 1, 2], [1999, 2001, 2000])
    before = np.zeros(STEPS, dtype=bool)
    for ahead in range(6):
        here = slice(0, STEPS - ahead)
        before[here] |= (LETTERS[ahead:] == "\n") & (document[ahead:] == document[here])
    result = explain(of(1.0 * before, document, "l0r.h.3"), OneOf("newline", "", characters="\n"))
    assert result.best["formula"] == "within 5 steps before newline"
    assert (result.best["fit_iou"], result.best["iou"]) == (1.0, 1.0)


def test_labels_of_another_text_are_refused() -> None:
    with pytest.raises(ConceptError, match="mine has 7,000 labels, but what is read has 6,000"):
        explain(of(noise()), from_labels("mine", [0, 1] * 3500))
    labels = from_labels("mine", np.isin(LETTERS, list("ab")))
    result = explain(of(1.0 * np.isin(LETTERS, list("ab")), np.arange(STEPS) // 1000), labels)
    assert (result.best["formula"], result.best["iou"]) == ("mine", 1.0)


@pytest.mark.parametrize("wrong", ["quotes", ["quotes"]])
def test_what_is_no_concept_is_refused(wrong: Any) -> None:
    with pytest.raises(ConceptError, match="At least one Concept was expected"):
        explain(of(noise()), wrong)


def test_it_says_which_formula_was_chosen_where_there_are_several() -> None:
    planted = np.isin(LETTERS, list("abcd")) & ~np.isin(LETTERS, list("cdef"))
    several = explain(of(1.0 * planted), CONCEPTS)
    assert len(several.table) > 1
    assert "The fit half chooses: abcd AND NOT cdef\n" in printed(several)
    assert "chooses" not in printed(explain(of(1.0 * np.isin(LETTERS, list("gh"))), [one_of("gh")]))

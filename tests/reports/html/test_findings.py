"""What is known of units, as entries of the page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.analysis.alignment import align_units
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.reports.html.filling import ablate_best
from rnnscope.reports.html.findings import ablation_entries, alignment_entry, concept_entries
from tests import handmade

TEXT = handmade.dialogue(np.random.default_rng(0), 3000)


class Never(handmade.Quotes):
    def label(self, text: str, start: int) -> np.ndarray:
        return np.zeros(len(text), dtype=bool)


@pytest.fixture(scope="module")
def found() -> FoundUnits:
    return rnnscope.find_units(handmade.latch(), TEXT, handmade.Quotes(), signals=["h", "c"], shifts=19)


def test_concepts_have_their_best_unit_and_the_score_of_each_embedded_one(found: FoundUnits) -> None:
    entries = concept_entries(found, {"l0.c": [3, 0], "l0.h": list(range(8)), "l0.i": [1]})
    (entry,) = json.loads(json.dumps(entries, allow_nan=False))
    row = found.table.loc["quotes"]
    assert (entry["name"], entry["kind"], entry["measure"], entry["sign"]) == ("quotes", "flag", "auroc", 1)
    assert entry["unit"] == row["unit"] and entry["unit"] in ("l0.c.3", "l0.h.3")
    for name in ("score", "low", "high", "p", "threshold"):
        assert entry[name] == pytest.approx(row[name], rel=1e-3)
    assert list(entry["units"]) == ["l0.c", "l0.h"]
    assert entry["units"]["l0.c"]["scores"] == pytest.approx(
        [found.scores.loc["l0.c.3", "quotes"], found.scores.loc["l0.c.0", "quotes"]], rel=1e-3
    )
    assert len(entry["units"]["l0.h"]["scores"]) == 8


def test_a_unit_that_was_not_searched_has_no_score_and_an_endless_threshold_is_none(found: FoundUnits) -> None:
    table = found.table.assign(threshold=-np.inf)
    entry: dict[str, Any] = concept_entries(
        FoundUnits(table, found.scores, found.fit_scores, found.iou, {}, found.steps), {"l0.c": [3, 99]}
    )[0]
    assert entry["units"]["l0.c"]["scores"][1] is None
    assert entry["threshold"] is None


def test_the_best_unit_of_each_flag_is_ablated_and_what_cannot_be_is_said(found: FoundUnits) -> None:
    model, quotes = handmade.latch(), handmade.Quotes()
    done, notes = ablate_best(model, TEXT, found, [quotes, Never(name="never")], seed=0)
    assert [result.units for result in done] == [(found.table.loc["quotes", "unit"],)] and notes == []
    (entry,) = json.loads(json.dumps(ablation_entries(done), allow_nan=False))
    assert entry["unit"] == done[0].units[0] and entry["concept"] == "quotes"
    rows = {row[0]: dict(zip(entry["columns"], row, strict=True)) for row in entry["rows"]}
    assert rows["ends"]["change"] == pytest.approx(done[0].table.loc["ends", "change"], rel=1e-3)
    assert rows["ends"]["change"] > 5
    assert any("Controls: 7 matched units" in said for said in entry["said"])
    classifier = handmade.random_network(0).train()
    done, notes = ablate_best(classifier, TEXT, found, [quotes], seed=0)
    assert done == [] and "is not ablated for quotes. The model is in training mode" in notes[0]


def test_a_control_that_never_changes_has_no_deviation() -> None:
    model = handmade.latch()
    with torch.no_grad():
        for name, weights in model.rnn.named_parameters():
            weights[2 * 8 + 5] = 0.0  # the candidate g, so that c stays 0
            assert name.endswith("_l0")
    result = rnnscope.ablation(model, TEXT[:600], "l0.c.3", handmade.Quotes(), controls=7)
    assert list(result.controls.query("std == 0").index) == ["l0.c.5"]


def test_an_ablation_of_several_units_goes_to_the_first() -> None:
    result: Ablation = rnnscope.ablation(
        handmade.latch(), TEXT[:600], ["l0.c.3", "l0.c.5"], handmade.Quotes(), controls=0
    )
    (entry,) = ablation_entries([result])
    assert entry["unit"] == "l0.c.3" and entry["title"] == "quotes without l0.c.3, l0.c.5"
    assert json.dumps(entry, allow_nan=False)


def test_an_alignment_lists_the_pairs_that_there_are() -> None:
    first, second = (rnnscope.trace(handmade.random_network(seed), TEXT[:400]) for seed in (0, 1))
    first.tree["l0"].dataset["c"].values[:, 2] = 0.5
    alignment = align_units(first, second, "l0.c")
    entry = json.loads(json.dumps(alignment_entry(alignment, (0, 2)), allow_nan=False))
    assert entry["models"] == [0, 2] and entry["signals"] == ["l0.c", "l0.c"]
    assert [pair["unit"] for pair in entry["pairs"]] == [f"l0.c.{unit}" for unit in (0, 1, 3, 4, 5, 6, 7)]
    for pair in entry["pairs"]:
        row = alignment.table.loc[pair["unit"]]
        assert pair["partner"] == row["partner"]
        assert (pair["correlation"], pair["slope"]) == pytest.approx((row["correlation"], row["slope"]), rel=1e-3)
        assert pair["diverges"] is None or pair["diverges"] == row["diverges"]
    assert entry["first_guess"] == alignment.first_guess and len(entry["said"]) >= 3

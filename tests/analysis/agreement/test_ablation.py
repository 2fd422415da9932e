"""Agreement without the unit that carries the number, and without others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnscope import intervene
from rnnscope.analysis.agreement.ablation import agreement_ablation
from rnnscope.analysis.agreement.preference import agreement
from rnnscope.errors import AddressError, ArgumentError, TextError
from rnnscope.recording.intervention import clamp
from tests.analysis.agreement.agreeing import agreeing, agreeing_pairs
from tests.printing import printed


def test_without_the_latch_nothing_is_left_and_without_others_everything() -> None:
    result = agreement_ablation(agreeing(), agreeing_pairs(), "l0.c.3", by=["number"], controls=4)
    rows = {(row["condition"], row["measure"]): row for row in result.table.reset_index().to_dict("records")}
    for condition, pairs in (("all", 24), ("singular", 12), ("plural", 12)):
        right = rows[condition, "right"]
        assert (right["pairs"], right["intact"], right["controls_low"]) == (pairs, 1, 1)
    right, auc, margin = (rows["all", measure] for measure in ("right", "auc", "margin"))
    assert (right["ablated"], right["change"], right["exceeded"]) == (0.5, -0.5, 4)
    assert auc["intact"] == 1 and auc["ablated"] < 0.8 and np.isnan(auc["low"])
    assert margin["low"] < margin["change"] < margin["high"] < 0


def test_zero_is_what_a_clamped_network_prefers() -> None:
    model, pairs = agreeing(), agreeing_pairs()
    found = agreement_ablation(model, pairs, ["l0.c.3", "l0.c.5"], replaced_by="zero", controls=0).table
    with intervene(model, {("l0.c.3", "l0.c.5"): clamp(0.0)}):
        expected = agreement(model, pairs).pairs["margin"]
    assert found.loc[("all", "margin"), "ablated"] == pytest.approx(expected.mean(), abs=1e-5)
    assert np.isnan(found["controls"]).all()


def test_the_card_and_the_picture() -> None:
    result = agreement_ablation(agreeing(), agreeing_pairs(), "l0.c.3", controls=2)
    card = printed(result)
    assert "Agreement without l0.c.3" in card and "2/2" in card
    assert max(map(len, card.splitlines())) <= 80
    assert [label.get_text() for label in result.plot().get_yticklabels()] == ["all", "bb", "cc"]


@pytest.mark.parametrize(
    ("units", "options", "error", "words"),
    [
        ("l0.c.99", {}, AddressError, "99"),
        ("l0.c", {}, AddressError, "whole signal"),
        ([], {}, AddressError, "No unit"),
        ("l0.c.3", {"replaced_by": "noise"}, ArgumentError, "mean, zero or resample"),
        ("l0.c.3", {"controls": -1}, ArgumentError, "controls"),
        ("l0.c.3", {"by": "colour"}, TextError, "colour"),
    ],
)
def test_bad_input_is_refused(units: Any, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        agreement_ablation(agreeing(), agreeing_pairs(), units, **options)

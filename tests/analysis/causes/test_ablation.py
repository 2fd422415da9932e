"""Ablations against one plain intervention at a time, and on a network whose units are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import PathCollection
from torch import Tensor
from torch.nn import functional

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.causes import streams, variants
from rnnscope.analysis.causes.ablation import ablation
from rnnscope.analysis.causes.controls import matched_units
from rnnscope.analysis.causes.streams import cut_streams
from rnnscope.analysis.causes.variants import Swap, read_variants
from rnnscope.analysis.intervals import bootstrap_interval
from rnnscope.errors import (
    AddressError,
    ArgumentError,
    ConceptError,
    InterventionError,
    ModelError,
    RnnscopeError,
    TextError,
)
from rnnscope.probes.concepts import from_function, from_labels
from rnnscope.recording.address import Address
from rnnscope.text import Document
from tests.handmade import Quotes, dialogue, latch, random_network
from tests.printing import printed

TEXT = dialogue(np.random.default_rng(0), 1500)
QUOTES = Quotes()


def tokens_of(model: CharLanguageModel, text: str) -> Tensor:
    return torch.from_numpy(model.vocabulary.encode(text))


def losses_of(model: CharLanguageModel, tokens: Tensor) -> np.ndarray:
    """The loss of each character but the first, in one plain pass."""
    with torch.no_grad():
        logits, _ = model(tokens[:-1, None])
    return functional.cross_entropy(logits[:, 0], tokens[1:], reduction="none").numpy()


def read(model: CharLanguageModel, texts: Sequence[str], units: Sequence[Sequence[str]], **options: Any) -> np.ndarray:
    sets = [[Address.parse(unit) for unit in one] for one in units]
    signals = list(dict.fromkeys(address.whole for one in sets for address in one))
    found = cut_streams(model, [tokens_of(model, text) for text in texts], signals or [Address.parse("l0.h")], seed=0)
    options = {"replaced_by": "zero", "on": "both", "seed": 0, "advance": lambda count: None, **options}
    return read_variants(model, found, sets, **options)


CASES = [
    ("lstm", "c", "both"),
    ("lstm", "f", "both"),
    ("lstm", "h", "both"),
    ("lstm", "h", "above"),
    ("lstm", "h", "recurrence"),
    ("gru", "h", "both"),
    ("gru", "z", "both"),
    ("gru", "h", "recurrence"),
    ("rnn", "h", "both"),
    ("rnn", "h", "above"),
]


@pytest.mark.parametrize(("cell", "signal", "on"), CASES)
@pytest.mark.parametrize("by", ["zero", "mean"])
def test_variants_side_by_side_are_one_plain_intervention_each(cell: str, signal: str, on: Any, by: Any) -> None:
    model, texts = random_network(1, cell, layers=2), [TEXT[:400], TEXT[400:700]]
    sets = [[], [f"l0.{signal}.3"], [f"l1.{signal}.2"], [f"l0.{signal}.1", f"l0.{signal}.4", f"l1.{signal}.0"]]
    losses = read(model, texts, sets, replaced_by=by, on=on)
    with rnnscope.record(model) as recording, torch.no_grad():
        means = []
        for text in texts:
            model(tokens_of(model, text)[:-1, None])
            means.append({str(address): recording[address][:, 0] for address in recording})
    whole = {name: torch.cat([one[name] for one in means]).mean(dim=0) for name in means[0]}
    for units, found in zip(sets, losses, strict=True):
        changes = {}
        for unit in units:
            name, _, number = unit.rpartition(".")
            value = 0.0 if by == "zero" else float(whole[name][int(number)])
            changes[unit] = rnnscope.clamp(value, on=on)
        with rnnscope.intervene(model, changes):
            expected = np.concatenate([losses_of(model, tokens_of(model, text)) for text in texts])
        assert np.abs(found - expected).max() < 1e-5
    assert np.abs(losses[1:] - losses[0]).max(axis=1).min() > 1e-3


def test_variants_do_not_touch_each_other() -> None:
    model = random_network(2)
    sets = [[], ["l0.c.3"], ["l0.c.5"], ["l0.c.6", "l0.h.1"]]
    together = read(model, [TEXT[:300]], sets, replaced_by="resample")
    for number, units in enumerate(sets):
        assert np.abs(read(model, [TEXT[:300]], [units], replaced_by="resample")[0] - together[number]).max() < 1e-5


def test_streams_of_a_long_document_begin_with_its_own_states(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sets = random_network(3, "gru"), [[], ["l0.h.2"]]
    whole = read(model, [TEXT], sets)
    monkeypatch.setattr(streams, "STREAM", 130)
    monkeypatch.setattr(streams, "WARM_UP", 40)
    found = cut_streams(model, [tokens_of(model, TEXT)], [Address.parse("l0.h")], 0)
    assert len(found.parts) == -(-(len(TEXT) - 1) // 130)
    assert {stream.warm for stream in found.parts} == {0, 40}
    cut = read(model, [TEXT, TEXT[:50]], sets)[:, : len(TEXT) - 1]
    assert np.abs(cut[0] - whole[0]).max() < 1e-5
    assert np.abs(cut[1] - whole[1]).max() < 1e-3  # this network forgets within the warm-up
    monkeypatch.setattr(streams, "WARM_UP", len(TEXT))
    assert np.abs(read(model, [TEXT], sets) - whole).max() < 1e-5


def test_streams_tell_mean_spread_and_values_of_the_text() -> None:
    model, texts = random_network(4), [TEXT[:501], TEXT[501:801]]
    signals = [Address.parse("l0.h"), Address.parse("l0.c")]
    found = cut_streams(model, [tokens_of(model, text) for text in texts], signals, 0)
    traces = [rnnscope.trace(model, text) for text in texts]
    rows = {}
    for signal in signals:
        rows[signal] = np.concatenate([trace[str(signal)].values[:-1] for trace in traces])
        assert np.allclose(found.mean(signal), rows[signal].mean(axis=0), atol=1e-6)
        assert np.allclose(found.std(signal), rows[signal].std(axis=0), atol=1e-6)
    kept = np.hstack([found.values(signal) for signal in signals])
    assert np.allclose(kept, np.hstack([rows[signal] for signal in signals]), atol=1e-6)  # fewer steps than places


def test_a_swap_replaces_for_each_row_its_own_units() -> None:
    replaced = torch.tensor([[False, False], [True, False], [True, True]])
    swap = Swap([4, 7], replaced, torch.arange(10.0).view(5, 2))
    now = torch.full((6, 9), -1.0)
    change = swap.intervention(2, "both", lambda step: np.array([step, step + 1]))
    new = change.values(Address.parse("l0.c"), torch.tensor([4, 7]), now, 2)
    assert isinstance(new, Tensor)
    assert new.tolist() == [[-1, -1], [-1, -1], [4, -1], [6, -1], [4, 5], [6, 7]]


def test_resampling_depends_on_the_seed_alone() -> None:
    one, same, other = (
        read(random_network(2), [TEXT[:300]], [["l0.c.3"]], replaced_by="resample", seed=s) for s in (1, 1, 2)
    )
    assert (one == same).all()
    assert (one != other).any()


class Spread:
    """Streams of which only the standard deviations matter."""

    def __init__(self, *std: float) -> None:
        self._std = np.array(std)

    def std(self, signal: Address) -> np.ndarray:
        return self._std


def test_controls_are_other_units_that_vary_as_much() -> None:
    found: Any = Spread(*(2.0**n for n in range(20)))
    unit = Address.parse("l0.c.8")
    sets = matched_units(found, [unit], 2, seed=0)
    assert len({str(one) for (one,) in sets}) == 2
    drawn = {one.unit for seed in range(60) for (one,) in matched_units(found, [unit], 2, seed)}
    assert drawn == {5, 6, 7, 9, 10, 11}
    assert sets == matched_units(found, [unit], 2, seed=0)
    assert len(matched_units(found, [unit], 50, seed=0)) == 19


def test_controls_of_a_set_are_sets_without_its_units() -> None:
    found: Any = Spread(*(1.0 + n for n in range(9)))
    units = [Address.parse(f"l0.c.{n}") for n in (2, 3, 4)]
    for one in matched_units(found, units, 5, seed=0):
        assert len(set(one)) == 3
        assert not set(one) & set(units)
    most = [Address.parse(f"l0.c.{n}") for n in range(5)]
    with pytest.raises(AddressError, match="too few other units"):
        matched_units(found, most, 5, seed=0)


def test_the_bootstrap_agrees_with_the_normal_approximation() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(5, 20, 200)
    sums = counts * rng.normal(3, 1, 200)
    mean = sums.sum() / counts.sum()
    error = np.sqrt(((sums - mean * counts) ** 2).sum()) / counts.sum()
    low, high = bootstrap_interval(sums, counts, seed=0)
    assert low == pytest.approx(mean - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.15 * error)
    assert np.isnan(bootstrap_interval(np.array([3.0, 0.0]), np.array([2, 0]), 0)).all()


def test_without_the_latch_closing_quotes_are_lost_and_nothing_else() -> None:
    found = ablation(latch(), TEXT, "l0.c.3", QUOTES, replaced_by="zero")
    ends, outside = found.table.loc["ends"], found.table.loc["outside"]
    assert ends["change"] == pytest.approx(10 - np.log(9 / 8), abs=0.05)
    assert ends["low"] <= ends["change"] <= ends["high"]
    assert ends["probability"] == pytest.approx(1 / 9, abs=0.01)
    assert ends["probability_ablated"] < 1e-4
    assert ends["ratio"] > 100
    assert ends["exceeded"] == len(found.controls) == 7
    assert abs(outside["change"]) < 1e-3
    assert max(abs(outside["low"]), abs(outside["high"])) < 1e-3
    assert abs(found.table.loc["begins", "change"]) < 1e-3
    assert found.table.loc["inside", "low"] > 0
    assert found.endings == {'"': ends["characters"]}


def test_a_loss_is_inside_if_the_concept_held_before_its_character() -> None:
    documents = [TEXT[:700], TEXT[700:]]
    table = ablation(latch(), documents, "l0.c.3", QUOTES, controls=0).table
    pairs = [pair for text in documents for pair in zip(QUOTES(text), QUOTES(text)[1:], strict=False)]
    assert table.loc["all", "characters"] == len(pairs)
    assert table.loc["inside", "characters"] == sum(before == 1 for before, _ in pairs)
    assert table.loc["outside", "characters"] == sum(before == 0 for before, _ in pairs)
    assert table.loc["begins", "characters"] == sum((before, after) == (0, 1) for before, after in pairs)
    assert table.loc["ends", "characters"] == sum((before, after) == (1, 0) for before, after in pairs)


def test_the_change_is_the_mean_over_the_place() -> None:
    model = random_network(5)
    found = ablation(model, TEXT[:600], ["l0.c.3", "l0.h.1"], QUOTES, controls=3, replaced_by="mean")
    losses = read(
        model,
        [TEXT[:600]],
        [[], ["l0.c.3", "l0.h.1"], *(one.split() for one in found.controls.index)],
        replaced_by="mean",
    )
    labels = QUOTES(TEXT[:600])
    ends = (labels[:-1] == 1) & (labels[1:] == 0)
    assert found.table.loc["ends", "change"] == pytest.approx((losses[1] - losses[0])[ends].mean(), abs=1e-6)
    assert np.allclose(found.controls["ends"], (losses[2:] - losses[0])[:, ends].mean(axis=1), atol=1e-6)
    assert found.table.loc["all", "loss"] == pytest.approx(losses[0].mean(), abs=1e-6)
    assert found.table.loc["all", "controls"] == pytest.approx(found.controls["all"].median())
    assert found.table.loc["all", "controls_low"] == found.controls["all"].min()


def test_a_character_to_which_the_concept_does_not_apply_is_neither_inside_nor_outside() -> None:
    def outside_line_ends(text: str) -> np.ndarray:
        return np.where([c == "\n" for c in text], np.nan, QUOTES(text))

    concept = from_function("quotes", outside_line_ends)
    table = ablation(latch(), TEXT, "l0.c.3", concept, controls=0).table
    assert table.loc["all", "characters"] == len(TEXT) - 1
    missing = table.loc["all", "characters"] - table.loc["inside", "characters"] - table.loc["outside", "characters"]
    assert missing == TEXT[:-1].count("\n")


def test_what_was_done_is_named() -> None:
    def words(unit: str, **options: Any) -> str:
        return ablation(random_network(0, layers=2), TEXT[:600], unit, QUOTES, controls=0, **options).what

    assert (
        words("l0.c.3", replaced_by="zero")
        == "the cell state c itself, before h is made from it, replaced by zero at every step"
    )
    assert words("l0.h.3", on="above").startswith("the hidden state h as it is read by layer 1 alone, replaced")
    assert words("l1.h.3", on="above").startswith("the hidden state h as it is read by the head alone")
    assert "by its own layer at the next step alone" in words("l0.h.3", on="recurrence")
    assert "both by its own layer at the next step and by layer 1" in words("l0.h.3")
    assert words("l0.f.3", replaced_by="mean").endswith(
        "before it is used, replaced by its mean over this text at every step"
    )
    assert "at a random place of this text, another at every step" in words("l0.c.3", replaced_by="resample")


def test_a_direction_of_h_is_ablated_for_one_of_its_readers_alone() -> None:
    model = random_network(0)
    with rnnscope.along(model, rnnscope.Directions("l0.h", "same", np.eye(8), np.zeros(8))):
        found, plain = (
            ablation(model, TEXT[:600], unit, QUOTES, on="above", controls=2) for unit in ("l0.same.3", "l0.h.3")
        )
    assert found.what.startswith("the coordinate along same of the hidden state h as it is read by the head alone")
    np.testing.assert_allclose(found.table["change"], plain.table["change"], atol=1e-5)
    of_c = rnnscope.Directions("l0.c", "same", np.eye(8), np.zeros(8))
    with rnnscope.along(model, of_c), pytest.raises(InterventionError, match="h alone.*got l0.same.3"):
        ablation(model, TEXT[:600], "l0.same.3", QUOTES, on="above")


def test_ten_documents_are_drawn_from_instead_of_blocks_and_the_limit_is_said() -> None:
    paragraphs = [Document(f"p{n}", part) for n, part in enumerate(TEXT.strip().split("\n\n"))]
    assert len(paragraphs) >= 10
    many = ablation(latch(), paragraphs, "l0.c.3", QUOTES, controls=0)
    assert (
        f"in {len(paragraphs)} documents. Intervals of 95 % by a bootstrap over {len(paragraphs)} documents"
        in many.text
    )
    few = ablation(latch(), paragraphs, "l0.c.3", QUOTES, controls=0, limit=len(paragraphs[0].text) + 200)
    characters = sum(len(paragraph.text) for paragraph in paragraphs)
    assert f"the first {len(paragraphs[0].text) + 200:,} of {characters:,} characters in " in few.text
    assert "50 blocks of the text" in few.text


def test_a_file_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    found = ablation(latch(), tmp_path / "text.txt", "l0.c.3", QUOTES, controls=np.int64(2))  # pyright: ignore[reportArgumentType]
    pd.testing.assert_frame_equal(found.table, ablation(latch(), TEXT, "l0.c.3", QUOTES, controls=2).table)


def test_unknown_characters_are_read_and_not_counted() -> None:
    found = ablation(latch(), TEXT.replace("a", "é"), "l0.c.3", QUOTES, controls=0)
    assert f"{TEXT[1:].count('a'):,} unknown ones not counted" in found.text
    assert found.table.loc["all", "characters"] == len(TEXT) - 1 - TEXT[1:].count("a")


@pytest.mark.parametrize("width", [80, 120])
def test_the_card_says_it_all_in_the_width_of_a_terminal(width: int) -> None:
    card = printed(ablation(latch(), TEXT, "l0.c.3", QUOTES), width)
    assert all(len(line) <= width for line in card.splitlines())
    assert "…" not in card
    for words in ("quotes without l0.c.3", "the cell state c itself", "where it ends", '(" 100%)', "7 matched units"):
        assert words in " ".join(card.split())
    alone = printed(ablation(latch(), TEXT, "l0.c.3", QUOTES, controls=0), width)
    assert "matched" not in alone


def test_the_picture_has_the_unit_and_each_control() -> None:
    found = ablation(latch(), TEXT, "l0.c.3", QUOTES, replaced_by="zero")
    axes = found.plot()
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "where it ends"
    dots = [np.asarray(drawn.get_offsets()) for drawn in axes.collections if isinstance(drawn, PathCollection)]
    assert [len(one) for one in dots] == [7] * 5
    assert np.allclose(np.sort(dots[-1][:, 0]), np.sort(found.controls["ends"]))
    assert ablation(latch(), TEXT, "l0.c.3", QUOTES, controls=0).plot(axes) is axes


NUMBER = from_function("place", lambda text: np.arange(len(text)), kind="number")

BAD: list[tuple[dict[str, Any], type[RnnscopeError], str]] = [
    ({"model": torch.nn.LSTM(3, 3)}, ModelError, "reads forward"),
    ({"model": latch().train()}, ModelError, "training mode"),
    ({"units": "l0.c.8"}, AddressError, "Units: 0 to 7"),
    ({"units": "l2.c.8"}, AddressError, "There is no layer"),
    ({"units": "l0.q.8"}, AddressError, "There is no signal"),
    ({"units": "l0.c"}, AddressError, "whole signal"),
    ({"units": []}, AddressError, "No unit"),
    ({"units": "quotes"}, AddressError, "not an address"),
    ({"units": [f"l0.c.{n}" for n in range(6)]}, AddressError, "too few other units"),
    ({"concept": "quotes"}, ConceptError, "got str"),
    ({"concept": NUMBER}, ConceptError, "kind number"),
    ({"text": "ab cd. " * 30}, ConceptError, "nowhere"),
    ({"text": '"' + "ab cd. " * 30}, ConceptError, "everywhere"),
    ({"text": 'ab "ab cd. '}, TextError, "No stretch of quotes ends"),
    ({"text": ""}, TextError, "empty"),
    ({"text": "a"}, TextError, "too short"),
    ({"text": []}, TextError, "empty"),
    ({"text": 3}, TextError, "got int"),
    ({"text": "ЖЖ ЖЖ" * 30}, TextError, "does not know most"),
    ({"replaced_by": "one"}, ArgumentError, "mean, zero or resample"),
    ({"on": "left"}, ArgumentError, "above or recurrence"),
    ({"on": "above"}, InterventionError, "h alone.*got l0.c.3"),
    ({"concept": from_labels("mine", [0, 1] * 1000)}, ConceptError, "mine has 2,000 labels, but what is read has"),
    ({"controls": -1}, ArgumentError, "controls"),
    ({"controls": 2.5}, ArgumentError, "controls"),
    ({"seed": -1}, ArgumentError, "seed"),
    ({"limit": 1}, ArgumentError, "limit"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(wrong: dict[str, Any], error: type[RnnscopeError], message: str) -> None:
    options = {"model": latch(), "text": TEXT, "units": "l0.c.3", "concept": QUOTES, **wrong}
    with pytest.raises(error, match=message):
        ablation(**options)


def test_a_network_that_reads_backward_is_refused(make_model: Any) -> None:
    with pytest.raises(ModelError, match="bidirectional"):
        ablation(make_model(bidirectional=True), TEXT, "l0.c.3", QUOTES)


def test_a_network_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = latch()
    before = losses_of(model, tokens_of(model, TEXT))
    monkeypatch.setattr(variants, "_ROWS", 4)
    ablation(model, TEXT, "l0.c.3", QUOTES)
    assert "forward" not in model.rnn.__dict__
    assert (losses_of(model, tokens_of(model, TEXT)) == before).all()

"""What a network knows of a concept: on one whose latch is known, on labels that say nothing, on bad input."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import rnnscope
from rnnscope import CharLanguageModel, Concept
from rnnscope.corpora.labelled import LabelledText
from rnnscope.errors import AddressError, ConceptError, ProbeError, TextError
from rnnscope.probes.concepts import from_function, named
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.evidence.probe_result import ProbeResult
from rnnscope.probes.evidence.probing import probe, probe_examples
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.splitting import folds, split_groups
from rnnscope.probes.examples.steps import step_examples
from rnnscope.probes.examples.texts import text_examples
from rnnscope.recording.along import along
from tests.handmade import Quotes, dialogue, latch, random_network
from tests.printing import printed

TEXT = dialogue(np.random.default_rng(0), 4_000)
QUOTES = Quotes()


@pytest.fixture(scope="module")
def model() -> CharLanguageModel:
    return latch()


@pytest.fixture(scope="module")
def examples(model: CharLanguageModel) -> Examples:
    return step_examples(model, TEXT, QUOTES)


@pytest.fixture(scope="module")
def found(model: CharLanguageModel) -> ProbeResult:
    return probe(model, TEXT, QUOTES)


def test_the_latch_is_perfect_and_one_unit_is_enough(found: ProbeResult) -> None:
    assert found.score.accuracy == 1
    assert found.k == 1
    assert found.table.loc[0, "units"] == ("l0.c.3",)
    assert found.table["accuracy"].tolist() == [1, 1, 1, 1]
    assert found.table["k"].tolist() == [1, 2, 4, 8]
    assert (found.single, found.single_accuracy) == ("l0.c.3", 1)
    assert found.compression > 10 > 1.5 > found.frequency_compression
    assert found.score.selectivity > 0.2
    assert abs(found.score.untrained - found.score.majority) < 0.1


def test_the_line_has_what_a_paper_needs(found: ProbeResult) -> None:
    words = ("quotes from 8 units of l0.c: accuracy 1.000 (1.000 to 1.000), majority 0.", ", untrained 0.")
    low, high = found.compressions
    assert low < found.compression < high
    code = f", compression {found.compression:.1f} ({low:.1f} to {high:.1f}, labels alone 1."
    for part in (*words, ", selectivity 0.", code, "k 1 with 1.000 (l0.c.3)"):
        assert part in found.line
    said = " ".join(printed(found).split())
    assert said.startswith(found.line)
    assert "a threshold on l0.c.3 1.000" in said
    assert max(map(len, printed(found).splitlines())) <= 80


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_labels_are_at_the_baseline(examples: Examples, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(examples.labels)
    found = probe_examples(replace(examples, labels=labels), seed=seed)
    assert found.score.accuracy == pytest.approx(found.score.majority, abs=0.02)
    assert found.score.selectivity < 0.02
    assert found.compression == pytest.approx(found.frequency_compression, rel=0.01)


def test_what_gains_nothing_has_no_k(examples: Examples) -> None:
    noise = np.random.default_rng(0).standard_normal((len(examples), 8)).astype(np.float32)
    found = probe_examples(replace(examples, values=noise), concept="noise")
    assert found.score.accuracy <= found.score.majority
    assert found.k is None
    assert np.isnan(found.table["gain"].to_numpy()).all()
    assert "no k: in cross-validation nothing is gained over the majority" in found.line
    assert "noise from 8 units" in printed(found)


def test_k_counts_the_units_that_are_needed(examples: Examples) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((len(examples), 8)).astype(np.float32)
    shares = rng.standard_normal((len(examples), 3)).astype(np.float32)
    values[:, [1, 4, 6]] = shares
    labels = (shares.sum(axis=1) > 0).astype(np.int64)
    found = probe_examples(replace(examples, values=values, labels=labels))
    assert found.k == 4
    assert {"l0.c.1", "l0.c.4", "l0.c.6"} < set(found.table.set_index("k").loc[4, "units"])
    assert np.diff(found.table["accuracy"]).min() > -0.01


def test_k_is_chosen_without_the_examples_that_are_tested_on(examples: Examples) -> None:
    rng = np.random.default_rng(0)
    _, test = split_groups(examples)
    labels = rng.integers(0, 2, len(examples))
    values = rng.standard_normal((len(examples), 8)).astype(np.float32)
    values[:, :2] += labels[:, None]
    values[:, 7] = np.where(np.isin(np.arange(len(labels)), test), 5 * labels, 0)  # would be enough, if one looked
    clean = values.copy()
    clean[test] = rng.standard_normal((len(test), 8))
    looked, blind = (probe_examples(replace(examples, values=each, labels=labels)) for each in (values, clean))
    for column in ("k", "validated", "gain", "units"):
        assert looked.table[column].tolist() == blind.table[column].tolist()
    assert looked.k == blind.k == 2
    assert (looked.table["accuracy"].to_numpy() > blind.table["accuracy"].to_numpy() + 0.1).all()
    groups, every = examples.groups, LinearProbe(strength=1e-2)
    train = np.setdiff1d(np.arange(len(labels)), test)
    right = [
        every.fit(values[train[fit]], labels[train[fit]]).predict(values[train[held]]) == labels[train[held]]
        for fit, held in folds(groups[train], 5, 0, labels[train])
    ]
    assert looked.table["validated"].iloc[-1] == pytest.approx(np.concatenate(right).mean(), abs=0.01)


def test_a_trace_gives_what_its_network_does(model: CharLanguageModel, found: ProbeResult, tmp_path: Path) -> None:
    trace = rnnscope.trace(model, TEXT, tmp_path / "text.zarr")
    before = rnnscope.trace(rnnscope.untrained(model), TEXT)
    alone = probe(trace, concept=QUOTES)
    assert np.isnan(alone.score.untrained)
    both = probe(trace, concept=QUOTES, untrained=before)
    assert both.score.accuracy == found.score.accuracy
    assert both.score.untrained == pytest.approx(found.score.untrained, abs=0.01)
    assert both.compression == pytest.approx(found.compression, rel=0.2)


def test_an_open_file_is_read_by_both_networks(model: CharLanguageModel, found: ProbeResult) -> None:
    result = probe(model, rnnscope.File(io.BytesIO(TEXT.encode())), QUOTES)
    assert result.score.untrained == found.score.untrained


def test_the_untrained_network_may_be_given_or_left_out(model: CharLanguageModel) -> None:
    assert np.isnan(probe(model, TEXT, QUOTES, untrained=False).score.untrained)
    assert probe(model, TEXT, QUOTES, untrained=latch(seed=1)).score.untrained == 1


def test_a_module_of_ones_own_has_no_untrained_network(model: CharLanguageModel) -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.size = model.rnn, len(model.vocabulary)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.rnn(torch.nn.functional.one_hot(tokens, self.size).float())[0]

    result = probe(Own().eval(), TEXT, QUOTES, units=["c"], characters=model.vocabulary.characters)
    assert result.k == 1
    assert np.isnan(result.score.untrained)


def test_the_direction_of_two_classes_is_high_where_the_second_is(
    model: CharLanguageModel, found: ProbeResult, examples: Examples
) -> None:
    directions = found.directions()
    assert (directions.signal, directions.name, directions.vectors.shape) == ("l0.c", "probe", (8, 8))
    assert np.abs(directions.vectors[0]).argmax() == 3
    with along(model, directions):
        coordinate, *_ = np.asarray(step_examples(model, TEXT, QUOTES, units=["l0.probe"]).values).T
        card = rnnscope.ablation(model, TEXT, "l0.probe.0", QUOTES, controls=3)
    assert coordinate[examples.labels == 1].min() > coordinate[examples.labels == 0].max()
    assert len(card.controls) == 3


def test_directions_of_more_classes_come_before_the_random_ones(model: CharLanguageModel) -> None:
    kinds = from_function(
        "kind",
        lambda text: [0 if c in "ab" else 1 if c in "cd" else 2 for c in text],
        "category",
        ("ab", "cd", "other"),
    )
    found = probe(model, TEXT, kinds, units=["l0.h"])
    assert found.single is None
    assert np.isnan(found.single_accuracy)
    vectors = found.directions().vectors
    told = found.weights * found.std
    told -= told.mean(axis=0)
    np.testing.assert_allclose(told @ vectors[:2].T @ vectors[:2], told, atol=1e-5 * np.abs(told).max())
    assert "a threshold on" not in printed(found)


def test_directions_need_one_whole_signal(model: CharLanguageModel) -> None:
    for units in (["l0.c.3", "l0.c.5"], ["l0.c", "l0.h"]):
        with pytest.raises(ProbeError, match="one whole signal"):
            probe(model, TEXT[:1_000], QUOTES, units=units, untrained=False).directions()


def test_it_is_drawn(found: ProbeResult) -> None:
    axes = found.plot()
    assert isinstance(axes.figure, Figure)
    assert axes.get_xlabel() == "units"
    assert len(axes.get_lines()) == 5


def test_whole_texts_are_probed_at_their_ends() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcd"), 6)) + rng.choice(["a", "b"]) for _ in range(300)]
    labelled = [LabelledText(text, f"ends in {text[-1]}") for text in texts]
    trained, fresh = (text_examples(random_network(seed), labelled) for seed in (0, 1))
    found = probe_examples(trained, concept="endings", untrained=fresh)
    assert found.score.accuracy > 0.95
    assert found.concept == "endings"
    assert "300 texts" in found.score.what
    assert not np.isnan(found.score.untrained)


@pytest.mark.parametrize(
    ("concept", "text", "error", "message"),
    [
        (from_function("never", lambda text: [False] * len(text)), TEXT, ProbeError, "never"),
        (from_function("nowhere", lambda text: [np.nan] * len(text)), TEXT, ProbeError, "nowhere"),
        (QUOTES, "", TextError, "empty"),
        (QUOTES, 'a "b"', TextError, "at least 1,000 steps"),
        ("quotes", TEXT, ProbeError, "Concept"),
        (None, TEXT, ProbeError, "Concept"),
    ],
)
def test_bad_texts_and_concepts_are_refused(
    model: CharLanguageModel, concept: Concept, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises((error, ConceptError), match=message):
        probe(model, text, concept)


def test_other_bad_input_is_refused(model: CharLanguageModel) -> None:
    trace = rnnscope.trace(model, TEXT[:1_500])
    with pytest.raises(AddressError, match="8"):
        probe(model, TEXT, QUOTES, units=["l0.c.8"])
    with pytest.raises(ProbeError, match="a text of its own"):
        probe(trace, TEXT, QUOTES)
    with pytest.raises(ProbeError, match="True or False"):
        probe(model, TEXT, QUOTES, untrained="no")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ProbeError, match="the same as those"):
        probe(model, TEXT, QUOTES, untrained=trace)
    with pytest.raises(ProbeError, match="network"):
        probe("model.pt", TEXT, named("quotes")[0])  # pyright: ignore[reportArgumentType]

"""The search: hand-built networks, equality with exact scores, chance and halves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics
from torch import nn

import rnnscope
from rnnscope import Concept, Vocabulary
from rnnscope.analysis.search.parts import halves
from rnnscope.errors import ConceptError, RecordingError
from rnnscope.models.tagger import Lexicon, SequenceTagger, TaggerConfig
from rnnscope.tracing.passages import Span, open_source
from tests.analysis.search.concepts import CONCEPTS, TEXT, Aligned, Class, SinceNewline, telegraph
from tests.handmade import Quotes, counter, dialogue, latch, random_network


def test_a_latch_is_found_first() -> None:
    found = rnnscope.find_units(latch(unit=5), TEXT, [Quotes()])
    row = found.table.loc["quotes"]
    assert row["unit"] in ("l0.c.5", "l0.h.5")
    assert row["score"] == 1.0 and row["iou"] == 1.0 and row["p"] == pytest.approx(1 / 200)
    assert row["low"] == row["high"] == 1.0


def test_a_counter_is_found_by_a_number() -> None:
    row = rnnscope.find_units(counter(unit=2), TEXT, [SinceNewline()]).table.loc["line-position"]
    assert row["unit"] in ("l0.c.2", "l0.h.2")
    assert row["score"] == pytest.approx(1.0, abs=1e-3)
    assert row["measure"] == "spearman"


def exact(kind: str, values: np.ndarray, labels: np.ndarray) -> float:
    applies = ~np.isnan(labels)
    values, labels = values[applies], labels[applies]
    if kind == "flag":
        return float(metrics.roc_auc_score(labels, values))
    if kind == "number":
        return float(np.corrcoef(stats.rankdata(values), stats.rankdata(labels))[0, 1])
    ranks = stats.rankdata(values)
    means = np.array([ranks[labels == label].mean() for label in range(3)])[labels.astype(int)]
    return float(means.var() / ranks.var())


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_scores_of_all_units_are_exact_to_two_thousandths(concept: Concept) -> None:
    trace = rnnscope.trace(random_network(3, units=6), TEXT)
    found = rnnscope.find_units(trace, concepts=CONCEPTS)
    for half, scored in zip(halves(np.array([0, len(TEXT)])), (found.fit_scores, found.scores), strict=True):
        labels = concept(TEXT)[half.start : half.stop]
        for unit, score in scored[concept.name].to_dict().items():
            values = trace[str(unit)].values[half.start : half.stop]
            tolerance = 0.002 if concept.kind == "flag" else 0.03  # ranks are those of the first half
            assert score == pytest.approx(exact(concept.kind, values, labels), abs=tolerance), unit


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_the_score_of_the_best_unit_is_exact_to_two_thousandths(concept: Concept) -> None:
    trace = rnnscope.trace(random_network(3, units=6), TEXT)
    row = rnnscope.find_units(trace, concepts=[concept]).table.loc[concept.name]
    held = halves(np.array([0, len(TEXT)]))[1]
    values = row["sign"] * trace[row["unit"]].values[held.start : held.stop]
    labels = concept(TEXT)[held.start : held.stop]
    assert row["score"] == pytest.approx(exact(concept.kind, values, labels), abs=0.002)


def test_what_a_flags_best_unit_does_is_exact() -> None:
    trace = rnnscope.trace(random_network(4, units=6), TEXT)
    row = rnnscope.find_units(trace, concepts=[Quotes()]).table.loc["quotes"]
    fit, held = halves(np.array([0, len(TEXT)]))
    values, labels = row["sign"] * trace[row["unit"]].values, Quotes()(TEXT)
    on, inside = (values >= row["sign"] * row["threshold"])[held.start : held.stop], labels[held.start : held.stop]
    assert row["iou"] == pytest.approx(metrics.jaccard_score(inside, on), abs=0.005)
    assert row["f1"] == pytest.approx(metrics.f1_score(inside, on), abs=0.005)
    assert row["precision"] == pytest.approx(metrics.precision_score(inside, on), abs=0.005)
    assert row["recall"] == pytest.approx(metrics.recall_score(inside, on), abs=0.005)
    assert row["pearson"] == pytest.approx(np.corrcoef(values[held.start : held.stop], inside)[0, 1], abs=1e-6)
    assert row["average_precision"] == pytest.approx(
        metrics.average_precision_score(inside, values[held.start : held.stop]), abs=0.002
    )
    assert row["fit_score"] == pytest.approx(
        metrics.roc_auc_score(labels[fit.start : fit.stop], values[fit.start : fit.stop]), abs=0.002
    )
    assert row["low"] <= row["score"] <= row["high"]


def test_the_interval_is_that_of_blocks_that_are_drawn_again() -> None:
    trace = rnnscope.trace(random_network(3, units=6), TEXT)
    row = rnnscope.find_units(trace, concepts=[Quotes()]).table.loc["quotes"]
    held = halves(np.array([0, len(TEXT)]))[1]
    values = row["sign"] * trace[row["unit"]].values[held.start : held.stop]
    labels, rng = Quotes()(TEXT)[held.start : held.stop], np.random.default_rng(0)
    blocks = np.array_split(np.arange(len(values)), np.clip(len(values) // 500, 10, 50))
    drawn = (
        np.concatenate([blocks[block] for block in rng.integers(len(blocks), size=len(blocks))]) for _ in range(200)
    )
    expected = np.quantile([metrics.roc_auc_score(labels[rows], values[rows]) for rows in drawn], (0.025, 0.975))
    np.testing.assert_allclose((row["low"], row["high"]), expected, atol=0.2 * (expected[1] - expected[0]))


def test_the_unit_is_chosen_on_the_first_half_alone() -> None:
    trace = rnnscope.trace(random_network(0), TEXT)
    held = halves(np.array([0, len(TEXT)]))[1]
    labels = telegraph(np.random.default_rng(0), len(TEXT))
    others = labels.copy()
    others[held.start :] = telegraph(np.random.default_rng(1), held.stop - held.start)
    found = [rnnscope.find_units(trace, concepts=[Aligned(values=given)]) for given in (labels, others)]
    one, other = (result.table.loc["mine"] for result in found)
    for name in ("unit", "sign", "threshold", "fit_score", "p"):
        assert one[name] == other[name]
    assert one["score"] != other["score"]


def test_of_labels_that_have_nothing_to_do_with_a_random_network_p_is_rarely_small() -> None:
    text, seeds = TEXT[:2_500], range(100)
    p = []
    for seed in seeds:
        labels = telegraph(np.random.default_rng(seed), len(text))
        network = random_network(seed, units=6)
        found = rnnscope.find_units(network, text, [Aligned(values=labels)], shifts=39, seed=seed, signals=["c"])
        p.append(found.table.loc["mine", "p"])
    low, high = stats.binom.interval(0.999, len(seeds), 0.05)
    assert low <= np.count_nonzero(np.array(p) <= 0.05) <= high
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_a_model_and_its_trace_give_the_same() -> None:
    model = random_network(1)
    one = rnnscope.find_units(model, TEXT, CONCEPTS)
    other = rnnscope.find_units(rnnscope.trace(model, TEXT), concepts=CONCEPTS)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-3)  # stretches are read side by side


def test_documents_begin_anew_and_are_labelled_alone() -> None:
    documents = [dialogue(np.random.default_rng(seed), 300) + 'a:"b' for seed in range(20)]
    model = latch()
    found = rnnscope.find_units(model, documents, [Quotes()])
    assert found.table.loc["quotes", "score"] == 1.0
    lengths = [len(document) for document in documents]
    assert found.steps["fit"] in np.cumsum(lengths)
    assert found.steps["fit"] + found.steps["held_out"] == sum(lengths)


def test_a_long_text_is_read_in_pieces_and_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnscope.analysis.search.parts._PIECE", 1_500)
    monkeypatch.setattr("rnnscope.tracing.passages._SHORTEST", 64)
    monkeypatch.setattr("rnnscope.tracing.passages._VALUES", 8_000)
    row = rnnscope.find_units(latch(), TEXT, [Quotes()]).table.loc["quotes"]
    held = halves(np.array([0, len(TEXT)]))[1]
    assert row["score"] == 1.0
    assert row["steps"] == held.stop - held.start


def test_the_halves_have_a_gap_within_a_document_and_none_between_two() -> None:
    assert halves(np.array([0, 100_000])) == ((0, 49_500), (50_500, 100_000))
    assert halves(np.array([0, 45_000, 100_000])) == ((0, 45_000), (45_000, 100_000))
    assert halves(np.array([0, 10_000, 100_000])) == ((0, 49_500), (50_500, 100_000))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_all_signals_of_all_layers_take_part(cell: str) -> None:
    model = random_network(0, cell=cell, units=4, layers=2)
    found = rnnscope.find_units(model, TEXT[:1_500], [Quotes()])
    assert len(found.scores) == 2 * 4 * {"rnn": 1, "gru": 4, "lstm": 6}[cell]
    some = rnnscope.find_units(model, TEXT[:1_500], [Quotes()], signals=["l1.h"])
    assert list(some.scores.index) == [f"l1.h.{unit}" for unit in range(4)]


def test_a_layer_that_does_not_step_at_each_character_takes_part() -> None:
    torch.manual_seed(0)
    config = TaggerConfig(hidden_size=6, word_embedding_size=4, embedding_size=3, character_hidden_size=5)
    tagger = SequenceTagger(config, Lexicon(("ab", "cd"), Vocabulary("abcd.:")), ("X", "Y")).eval()
    sentences = [line for line in TEXT.replace('"', "").split("\n") if line.strip()]
    found = rnnscope.find_units(tagger, sentences, [Class()])
    assert {str(unit).rsplit(".", 3)[0] for unit in found.scores.index} >= {"rnn", "spelling"}


def test_a_number_that_only_grows_is_told_in_both_halves() -> None:
    labels = np.arange(len(TEXT)) // 100
    found = rnnscope.find_units(counter(), TEXT, [Aligned(kind="number", values=labels)])
    assert found.left_out == {} and np.isfinite(found.table.loc["mine", "score"])


def test_slow_units_of_a_trace_have_bins_from_all_of_its_first_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnscope.tracing.passages._VALUES", 4_000)
    trace = rnnscope.trace(counter(unit=2), TEXT.replace("\n", " "), signals=["c"])  # it is never reset
    labels = telegraph(np.random.default_rng(3), len(TEXT), stay=300)
    found = rnnscope.find_units(trace, concepts=[Aligned(values=labels)])
    fit = halves(np.array([0, len(TEXT)]))[0]
    theirs = metrics.roc_auc_score(labels[: fit.stop], trace["l0.c.2"].values[: fit.stop])
    assert found.fit_scores.loc["l0.c.2", "mine"] == pytest.approx(theirs, abs=0.002)


def test_units_that_never_change_are_passed_over() -> None:
    model = random_network(0, cell="rnn", units=4)
    for parameter in model.rnn.parameters():
        parameter.data.zero_()
    with pytest.raises(ConceptError, match="class is told by no unit in the first half"):
        rnnscope.find_units(model, TEXT, [Class()])
    weights = next(model.rnn.parameters())
    weights.data[2] = torch.randn(weights.shape[1])
    found = rnnscope.find_units(model, TEXT, [Class(), Quotes(), SinceNewline()])
    assert found.table.loc["class", ["unit", "sign"]].to_list() == ["l0.h.2", 1]


def test_a_network_that_diverges_is_named() -> None:
    model = random_network(0, cell="lstm", units=4)
    next(model.rnn.parameters()).data[9] = torch.nan
    with pytest.raises(RecordingError, match="not finite|self-check|differ"):
        rnnscope.find_units(model, TEXT, [Quotes()])
    trace = rnnscope.trace(random_network(0, units=4), TEXT)
    trace.tree["l0"].dataset["h"].values[len(TEXT) - 5, 2] = np.inf
    with pytest.raises(RecordingError, match="l0.h has values that are not finite"):
        rnnscope.find_units(trace, concepts=[Quotes()])


def test_many_documents_of_a_trace_are_read_together() -> None:
    documents = [dialogue(np.random.default_rng(seed), 100) for seed in range(60)]
    trace = rnnscope.trace(latch(), documents)
    source = open_source(trace, None, None)
    spans = [Span(int(a), int(b)) for a, b in zip(source.starts, source.starts[1:], strict=False)]
    assert len(list(source.passages(spans))) == 1
    assert rnnscope.find_units(trace, concepts=[Quotes()]).table.loc["quotes", "score"] == 1.0


def test_a_trace_of_some_units_names_them() -> None:
    trace = rnnscope.trace(latch(unit=5), TEXT, units=[1, 5])
    assert rnnscope.find_units(trace, concepts=[Quotes()]).table.loc["quotes", "unit"].endswith(".5")


class Foreign(nn.Module):
    """Somebody's network."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.recurrent = nn.GRU(4, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.recurrent(self.embedding(tokens))[0]


def test_a_module_of_the_users_own_is_searched() -> None:
    characters = sorted(set(TEXT))
    found = rnnscope.find_units(Foreign().eval(), TEXT[:2_000], [Quotes()], characters=characters)
    assert len(found.scores) == 4 * 5

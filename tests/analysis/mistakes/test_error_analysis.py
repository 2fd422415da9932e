"""Error sets and losses against plain Python, character by character."""

from __future__ import annotations

import io
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rnnscope import CharLanguageModel, KneserNey, Vocabulary
from rnnscope.analysis.mistakes import predictors
from rnnscope.analysis.mistakes.categories import NAMES, categories
from rnnscope.analysis.mistakes.characters import CLASSES, Openings, classes, word_counts
from rnnscope.analysis.mistakes.error_analysis import error_analysis
from rnnscope.analysis.mistakes.error_result import ErrorAnalysis
from rnnscope.errors import ArgumentError, ModelError, TextError
from rnnscope.models import LanguageModelConfig
from rnnscope.text import Document
from tests.handmade import ALPHABET, dialogue, latch, random_network
from tests.printing import printed

TEXTS = [dialogue(np.random.default_rng(0), 700), 'ab (é"d) [bé]\n\n' + dialogue(np.random.default_rng(1), 300)]
TRAIN = dialogue(np.random.default_rng(2), 3000)


def sharp(seed: int, cell: str) -> CharLanguageModel:
    """A random network that is sure of what it says, so that some of it is right."""
    torch.manual_seed(seed)
    config = LanguageModelConfig(cell=cell, hidden_size=8, embedding_size=0)
    model = CharLanguageModel(config, Vocabulary(ALPHABET + "()[")).eval()
    model.head.weight.data *= 12
    return model


MODELS = {"one": sharp(0, "lstm"), "two": sharp(1, "gru")}


@pytest.fixture(scope="module")
def found() -> ErrorAnalysis:
    return error_analysis(MODELS, TEXTS, train=TRAIN, orders=(3, 5))


@pytest.fixture(scope="module")
def probabilities() -> dict[str, np.ndarray]:
    """Of each character but the first, by model; NaN where it is unknown."""
    return {name: np.concatenate([plain(model, text) for text in TEXTS]) for name, model in MODELS.items()} | {
        f"{order}-gram": np.concatenate([ngram(order, text) for text in TEXTS]) for order in (3, 5)
    }


def plain(model: CharLanguageModel, text: str) -> np.ndarray:
    tokens = torch.from_numpy(model.vocabulary.encode(text))
    with torch.no_grad():
        odds = model(tokens[:-1])[0].double().softmax(dim=-1)
    return np.where(tokens[1:] > 0, odds[torch.arange(len(tokens) - 1), tokens[1:]], np.nan)


def ngram(order: int, text: str) -> np.ndarray:
    vocabulary = MODELS["one"].vocabulary
    model = KneserNey(order, len(vocabulary)).fit(vocabulary.encode(TRAIN))
    tokens = vocabulary.encode(text)
    return np.where(tokens[1:] > 0, np.exp(model.log_probabilities(tokens))[1:], np.nan)


def base() -> list[str]:
    found = []
    for text in TEXTS:
        kinds = classes(text, Openings.of(text))
        found += [NAMES[kind] for kind in categories(text, kinds, word_counts(TRAIN))[1:]]
    return found


def category(
    number: int, model: str, probabilities: dict[str, np.ndarray], before: list[str], by_ngram: bool = True
) -> str:
    if by_ngram and any(probabilities[name][number] >= 0.5 for name in ("3-gram", "5-gram")):
        return "n-gram"
    if before[number] == "inside word" and probabilities[model][number] >= 0.4:
        return "near miss"
    return before[number]


def test_errors_by_category(found: ErrorAnalysis, probabilities: dict[str, np.ndarray]) -> None:
    before = base()
    for model, odds in probabilities.items():
        wrong = [number for number, p in enumerate(odds) if p < 0.5]
        counts = pd.Series([category(number, model, probabilities, before) for number in wrong]).value_counts()
        rows = found.table.query(f"model == {model!r}").set_index("category")
        assert rows["errors"].to_dict() == {name: counts.get(name, 0) for name in NAMES}
        assert float(np.sum(rows["share"].to_numpy())) == pytest.approx(1)
        total = found.summary.loc[model].to_dict()
        assert total["errors"] == len(wrong)
        assert total["loss"] == pytest.approx(-np.nanmean(np.log(odds)), rel=1e-5)
        assert total["characters"] == np.count_nonzero(~np.isnan(odds))
    assert found.models == ["one", "two", "3-gram", "5-gram"]
    assert len(set(found.table.query("errors > 0")["category"])) >= 8


def test_what_one_gets_right_and_another_wrong(found: ErrorAnalysis, probabilities: dict[str, np.ndarray]) -> None:
    before = base()
    for right, other in permutations(probabilities, 2):
        rows = found.pairs.query(f"right == {right!r} and wrong == {other!r}")
        odds = zip(probabilities[right], probabilities[other], strict=True)
        numbers = [number for number, (p, q) in enumerate(odds) if p >= 0.5 > q]
        names = [name for name in NAMES if name != "n-gram" or {right, other} == set(MODELS)]
        of = [category(n, other, probabilities, before, "n-gram" in names) for n in range(len(before))]
        counts = pd.Series([of[n] for n in numbers], dtype=str).value_counts()
        assert rows.set_index("category")["characters"].to_dict() == {name: counts.get(name, 0) for name in names}
        wrong = pd.Series([of[n] for n, q in enumerate(probabilities[other]) if q < 0.5]).value_counts()
        for row in rows.to_dict("records"):
            errors = wrong.get(row["category"], 0)
            expected = row["characters"] / errors if errors else np.nan
            assert row["share"] == pytest.approx(expected, nan_ok=True)
    won = found.pairs.query("right == '5-gram' and wrong == 'one'")["characters"]
    assert np.count_nonzero(won) > 1  # not all of them are the n-gram's


def test_losses_by_class_position_and_distance(found: ErrorAnalysis, probabilities: dict[str, np.ndarray]) -> None:
    openings = [Openings.of(text) for text in TEXTS]
    position = np.concatenate([np.arange(1, len(text)) for text in TEXTS])
    kinds = np.concatenate([classes(text, one)[1:] for text, one in zip(TEXTS, openings, strict=True)])
    for model, odds in probabilities.items():
        losses, known = -np.log(odds), ~np.isnan(odds)
        for row in found.by_class.query(f"model == {model!r}").to_dict("records"):
            there = known & (kinds == list(CLASSES).index(row["class"]))
            assert row["characters"] == there.sum() > 0
            assert row["loss"] == pytest.approx(losses[there].mean(), rel=1e-4)
            assert row["errors"] == (odds[there] < 0.5).sum()
        by_position = found.by_position.query(f"model == {model!r}")
        assert by_position["characters"].sum() == known.sum()
        assert by_position["to"].iloc[-1] == position.max()
        for row in by_position.to_dict("records"):
            there = known & (position >= row["from"]) & (position <= row["to"])
            assert row["characters"] == there.sum()
            assert row["loss"] == pytest.approx(losses[there].mean(), rel=1e-4)
        for row in found.by_distance.query(f"model == {model!r}").to_dict("records"):
            steps = np.concatenate([getattr(one, row["opened"])[1:] for one in openings])
            closing = np.concatenate([getattr(one, f"closes_{row['opened']}")[1:] for one in openings])
            there = known & (steps >= row["from"]) & (steps <= row["to"])
            assert (row["characters"], row["closings"]) == (there.sum(), (there & closing).sum())
            assert row["loss"] == pytest.approx(losses[there].mean(), rel=1e-4)
            ends = losses[there & closing]
            assert row["closing_loss"] == pytest.approx(ends.mean() if len(ends) else np.nan, rel=1e-4, nan_ok=True)
    assert set(found.by_distance["opened"]) == {"quote", "bracket"}


def test_a_latch_knows_when_a_quotation_is_open() -> None:
    blind = latch()
    blind.head.weight.data[:, 3] = 0.0
    text = dialogue(np.random.default_rng(3), 2000)
    found = error_analysis({"latch": latch(), "blind": blind}, text)
    rows = found.by_distance.query("closings > 0")
    assert rows.query("model == 'latch'")["closing_loss"].to_numpy().max() < 3
    assert rows.query("model == 'blind'")["closing_loss"].to_numpy().min() > 10
    assert "n-gram" not in found.definitions
    assert "rare word" not in found.definitions


def test_a_long_document_is_read_with_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = error_analysis(MODELS, TEXTS)
    monkeypatch.setattr(predictors, "_CHUNK", 13)
    cut = error_analysis(MODELS, TEXTS)
    pd.testing.assert_frame_equal(cut.summary, whole.summary, rtol=1e-6)
    pd.testing.assert_frame_equal(cut.table, whole.table)


def test_models_may_be_one_or_a_list_and_the_order_of_their_characters_does_not_matter() -> None:
    assert error_analysis(MODELS["one"], TEXTS[0]).models == ["CharLanguageModel"]
    other = sharp(2, "rnn")
    other.vocabulary = type(other.vocabulary)(reversed(other.vocabulary.characters[1:]))
    assert error_analysis([MODELS["one"], other], TEXTS[0], train=TRAIN).models == [
        "CharLanguageModel 1",
        "CharLanguageModel 2",
        "7-gram",
    ]
    assert error_analysis([MODELS["one"]], TEXTS[0], train=TRAIN, orders=()).models == ["CharLanguageModel"]


def test_documents_limits_and_unknown_characters() -> None:
    limit, total = len(TEXTS[0]) + 7, sum(map(len, TEXTS)) + 1
    found = error_analysis(MODELS, [Document("a", TEXTS[0]), TEXTS[1], "a"], limit=limit)
    read = f"the first {limit:,} of {total:,} characters in 2 documents"
    assert found.text == f"{read}, 1 unknown one not counted"
    assert found.summary["characters"].tolist() == [limit - 2 - 1] * 2
    assert "3 unknown ones" in error_analysis(MODELS, TEXTS).text


def test_a_picture_and_a_card(found: ErrorAnalysis) -> None:
    axes = found.plot()
    assert len(axes) == 4
    assert found.plot(axes) == axes
    axes[0].figure.savefig(io.BytesIO(), dpi=30)  # pyright: ignore
    text = printed(found)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("Errors by category", "one gets right and the other wrong", "all  ", "Loss of the closing quote"):
        assert words in text
    alone = error_analysis(MODELS["one"], "ab ab")
    assert printed(alone)
    assert len(alone.plot()) == 4


def test_a_chart_without_closings_is_not_drawn() -> None:
    shown = [error_analysis(MODELS["one"], text).plot()[3].get_visible() for text in ("ab ab. " * 40, '"ab" ' * 40)]
    assert shown == [False, True]


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("a", {}, TextError, "no character of it follows another"),
        ("", {}, TextError, "empty"),
        ("éé", {}, TextError, "does not know most characters"),
        ("ab", {"limit": 1}, ArgumentError, "limit"),
        (Path("none.txt"), {}, TextError, "no file"),
        ("ab", {"orders": (3,)}, TextError, "give train"),
        ("ab", {"train": "ab", "orders": (3,)}, TextError, "at least 3 tokens"),
        ("ab", {"train": "", "orders": (3,)}, TextError, "empty"),
        ("ab", {"train": TRAIN, "orders": (0,)}, ArgumentError, "at least 1; got 0"),
        ("ab", {"train": TRAIN, "orders": ("two",)}, ArgumentError, "got 'two'"),
        ("ab", {"train": TRAIN, "orders": 7}, ArgumentError, "sequence of whole numbers"),
    ],
)
def test_bad_texts_and_options(text: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        error_analysis(MODELS, text, **options)


def test_bad_networks(make_model: Any) -> None:
    one = MODELS["one"]
    message = "one and two know different characters, .* two does not know : d; one does not know ,"
    with pytest.raises(ModelError, match=message):
        error_analysis({"one": make_model('abc .:d"\n'), "two": make_model('abc ."\n,')}, "ab")
    with pytest.raises(ModelError, match="bidirectional"):
        error_analysis([one, make_model(bidirectional=True)], "ab")
    with pytest.raises(ModelError, match="got Linear"):
        error_analysis([torch.nn.Linear(2, 2)], "ab")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="got str"):
        error_analysis("prose-lstm", "ab")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="give one at least"):
        error_analysis([], "ab")
    with pytest.raises(ModelError, match="the name of a network and of an n-gram"):
        error_analysis({"7-gram": one}, "ab", train=TRAIN)
    broken = random_network(0)
    broken.head.bias.data[:] = torch.nan
    with pytest.raises(ModelError, match="not finite"):
        error_analysis(broken, "abab")

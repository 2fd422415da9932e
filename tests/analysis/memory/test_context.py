"""Effective context: on a network that remembers exactly so many characters, and against one target at a time."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope import CharLanguageModel, Vocabulary
from rnnscope.analysis.memory import context
from rnnscope.analysis.memory.context import effective_context
from rnnscope.errors import ArgumentError, ModelError, TextError
from rnnscope.models import LanguageModelConfig
from rnnscope.text import Document
from tests.handmade import dialogue, random_network
from tests.printing import printed

TEXT = dialogue(np.random.default_rng(0), 900)
SIZE = 5


def register(memory: int) -> CharLanguageModel:
    """A shift register: it holds the last characters one-hot, and predicts that the oldest of them comes again."""
    config = LanguageModelConfig(cell="rnn", nonlinearity="relu", hidden_size=memory * SIZE, embedding_size=0)
    model = CharLanguageModel(config, Vocabulary("abcd")).eval()
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    rnn: Any = model.rnn
    rnn.weight_ih_l0.data[:SIZE] = torch.eye(SIZE)
    rnn.weight_hh_l0.data[SIZE:, :-SIZE] = torch.eye((memory - 1) * SIZE)
    model.head.weight.data[:, -SIZE:] = 3 * torch.eye(SIZE)
    return model


def noise(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("abcd"), length))


def rows(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    return table.query(f"condition == {condition!r}").set_index("to")


def loss_of(model: CharLanguageModel, text: str, target: str) -> float:
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(model.vocabulary.encode(text))[:, None])
    return float(functional.cross_entropy(logits[-1], torch.from_numpy(model.vocabulary.encode(target))))


@pytest.mark.parametrize("memory", [2, 5, 8])
def test_a_register_uses_as_many_characters_as_it_holds(memory: int) -> None:
    text = noise(memory) * 60
    found = effective_context(register(memory), text, contexts=(1, 2, 5, 8, 16), targets=80)
    assert (found.characters, found.low, found.high) == (memory, memory, memory)
    changes = rows(found.table, "truncated")["change"].to_dict()
    assert all(change == 0 if n >= memory else change > 0.5 for n, change in changes.items())


@pytest.mark.parametrize("memory", [13, 26])
def test_without_lengths_the_gap_of_the_effective_context_is_cut_into_ten(memory: int) -> None:
    text = noise(memory) * 60
    found = effective_context(register(memory), text, targets=80)
    finer = list(range(11, 20)) if memory == 13 else list(range(23, 50, 3))
    lengths = sorted([1, 2, 5, 10, 20, 50, 100, 200, *finer])
    assert list(rows(found.table, "truncated").index) == [n for n in lengths if 4 * n <= len(text)]
    assert (found.characters, found.low, found.high) == (memory, memory, memory)
    changes = rows(found.table, "truncated")["change"].to_dict()
    assert all(change == 0 if n >= memory else change > 0.5 for n, change in changes.items())
    bounds = [1, 2, 5, 10, 20, 50, 100, 200]
    assert list(rows(found.table, "replaced").index) == [n for n in bounds if 4 * n <= len(text)]


@pytest.mark.parametrize(
    ("low", "high", "finer"),
    [
        (1, 1, []),
        (5, 5, [3, 4]),
        (20, 20, list(range(11, 20))),
        (10, 20, [6, 7, 8, 9, *range(11, 20)]),
        (20, np.inf, [*range(11, 20), *range(28, 100, 8)]),
        (np.inf, np.inf, []),
    ],
)
def test_every_gap_that_the_interval_reaches_into_is_cut(low: float, high: float, finer: list[int]) -> None:
    assert context._between([1, 2, 5, 10, 20, 100], low, high) == finer


def test_what_a_register_no_longer_holds_may_be_anything() -> None:
    found = effective_context(register(4), noise(4) * 60, contexts=(2, 4, 6, 12), targets=80)
    for way in ("shuffled", "replaced"):
        bands = rows(found.table, way)
        assert list(bands["from"]) == [1, 3, 5, 7]
        changes = bands[["low", "change", "high"]].to_numpy()
        assert changes[1, 0] > 0
        assert changes[1, 1] > 0.3
        assert not changes[[0, 2, 3]].any()


def test_enough_is_what_costs_one_percent_more_at_most() -> None:
    lengths, losses = np.array([1, 2, 5, 10]), np.array([2.2, 2.1, 2.021, 2.019])
    assert context._smallest(lengths, losses, 2.0) == 10
    assert context._smallest(lengths, losses, 2.01) == 5


def test_nothing_is_enough_where_every_length_is_too_short() -> None:
    found = effective_context(register(8), noise(8) * 60, contexts=(2, 5), targets=40)
    assert np.isinf(found.characters)
    assert "more than 5 characters" in found.title
    assert "none of these to none of these" in printed(found)


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 2), ("gru", 1), ("rnn", 1)])
def test_every_condition_is_one_plain_reading_a_target(monkeypatch: pytest.MonkeyPatch, cell: str, layers: int) -> None:
    monkeypatch.setattr(context, "_BATCH", 7)
    monkeypatch.setattr(context, "_CHUNK", 4)
    read: list[Tensor] = []
    losses = context._losses

    def reading(model: CharLanguageModel, windows: Tensor, *rest: Any) -> np.ndarray:
        read.append(windows.clone())
        return losses(model, windows, *rest)

    monkeypatch.setattr(context, "_losses", reading)
    model, texts = random_network(1, cell, layers=layers), [TEXT[:300], TEXT[300:500]]
    found = effective_context(model, texts, contexts=(1, 3, 9), targets=20, seed=4)
    documents = context.Tokens.of(model, [Document("", text) for text in texts])
    places = context._targets(documents, 9, 20, np.random.default_rng(4))
    expected: dict[tuple[str, int], list[float]] = {}
    windows = iter(windows_of_targets(read, model, 20))
    for row in found.table.to_dict("records"):
        for place, window in zip(places, next(windows), strict=True):
            text, at = (texts[0], place) if place < 300 else (texts[1], place - 300)
            before, far = text[:at], len(window)
            if row["condition"] == "truncated":
                assert window == before[-far:]
                seen = window
            else:
                seen = before[:-far] + window
                check_window(row, before[-far:], window, texts)
            expected.setdefault((row["condition"], row["to"]), []).append(loss_of(model, seen, text[at]))
    means = [np.mean(one) for one in expected.values()]
    assert np.abs(found.table["loss"].to_numpy() - means).max() < 1e-5
    assert found.loss == pytest.approx(means[0], abs=1e-5)


def windows_of_targets(read: list[Tensor], model: CharLanguageModel, targets: int) -> list[list[str]]:
    """What was read before each target, condition by condition."""
    columns = [model.vocabulary.decode(column) for window in read for column in window.T.tolist()]
    return [columns[first : first + targets] for first in range(0, len(columns), targets)]


def check_window(row: dict[str, Any], true: str, window: str, texts: list[str]) -> None:
    if row["condition"] == "full":
        assert window == true
        return
    stretch = len(true) - int(row["from"]) + 1
    assert window[stretch:] == true[stretch:]
    if row["condition"] == "shuffled":
        assert sorted(window[:stretch]) == sorted(true[:stretch])
    else:
        assert any(window[:stretch] in text for text in texts)


def test_intervals_are_those_of_the_paired_difference() -> None:
    found = effective_context(random_network(0), TEXT, contexts=(1, 5, 50), targets=200)
    changes = found.table[["low", "change", "high"]].to_numpy()
    assert (np.diff(changes, axis=1) >= 0).all()
    assert not changes[0].any()
    again = effective_context(random_network(0), TEXT, contexts=(50, 5, 1, 5), targets=200)
    pd.testing.assert_frame_equal(again.table, found.table)
    other = effective_context(random_network(0), TEXT, contexts=(1, 5, 50), targets=200, seed=1)
    assert other.loss != found.loss


def test_lengths_go_as_far_as_the_text_allows() -> None:
    model = random_network(0)
    found = effective_context(model, [TEXT[:50], TEXT[50:250]], targets=10)
    assert list(rows(found.table, "replaced").index) == [1, 2, 5, 10, 20, 50]
    assert effective_context(model, TEXT[:4]).characters in (1, np.inf)
    assert "of the first 100 of" in effective_context(model, TEXT, limit=100, targets=10).text


def test_unknown_characters_are_no_targets() -> None:
    model = register(2)
    found = effective_context(model, "ab!" * 50, contexts=(1, 2), targets=1000)
    assert "Measured at 98 random characters" in found.text


def test_a_picture_and_a_card() -> None:
    found = effective_context(random_network(0), TEXT, targets=50)
    left, right = found.plot()
    assert left.get_xscale() == right.get_xscale() == "log"
    assert left.figure is right.figure
    assert found.plot((left, right)) == (left, right)
    left.figure.savefig(io.BytesIO())  # pyright: ignore
    replace(found, table=found.table.assign(low=np.nan)).plot()  # of too few places there are no intervals
    text = printed(found)
    assert "Effective context: " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("abc", {}, "at least 4 characters"),
        ("a", {}, "at least 4 characters"),
        ("", {}, "empty"),
        ("ab" * 5, {"contexts": (9,)}, "needs a document of at least 11"),
        ("ab" * 5, {"contexts": (0, 2)}, r"contexts are whole numbers of at least 1; got \(0, 2\)"),
        ("ab" * 5, {"contexts": (1.5,)}, r"whole numbers .*got \(1.5,\)"),
        ("ab" * 5, {"contexts": ()}, "contexts are whole numbers"),
        ("ab" * 5, {"contexts": 3}, "contexts are whole numbers"),
        ("ab" * 5, {"contexts": "12"}, "contexts are whole numbers"),
        ("ab" * 5, {"targets": 0}, "targets"),
        ("ab" * 5, {"targets": "many"}, "targets"),
        ("ab" * 5, {"seed": -1}, "seed"),
        ("ab" * 5, {"limit": 1}, "limit"),
        ("é" * 50, {}, "does not know most characters"),
        ("ababababab!!", {"contexts": (9,)}, "knows no character"),
        (Path("none.txt"), {}, "no file"),
        (3, {}, "reads texts"),
    ],
)
def test_bad_texts_and_options(text: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ArgumentError, TextError), match=message):
        effective_context(register(2), text, **options)


def test_bad_networks(make_model: Any) -> None:
    with pytest.raises(ModelError, match="bidirectional"):
        effective_context(make_model(bidirectional=True), TEXT)
    with pytest.raises(ModelError, match="training mode"):
        effective_context(random_network(0).train(), TEXT)
    with pytest.raises(ModelError, match="got Linear"):
        effective_context(torch.nn.Linear(2, 2), TEXT)  # pyright: ignore[reportArgumentType]
    broken = random_network(0)
    broken.rnn.weight_hh_l0.data[0, 0] = torch.nan  # pyright: ignore
    with pytest.raises(ModelError, match="not finite"):
        effective_context(broken, TEXT)

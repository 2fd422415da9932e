"""Forgetting times: on networks whose memory is known, and against two plain runs at a time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.analysis.memory import forgetting
from rnnscope.analysis.memory.forgetting import forgetting_times
from rnnscope.errors import ArgumentError, ModelError, TextError
from tests.analysis.memory.test_context import SIZE, noise, register
from tests.handmade import dialogue, latch, random_network
from tests.printing import printed

TEXT = dialogue(np.random.default_rng(0), 900)


def places_of(length: int, horizon: int, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(length - horizon))[:count]


def test_a_register_forgets_when_a_character_has_passed_through() -> None:
    memory = 6
    found = forgetting_times(register(memory), noise(400), places=40, horizon=20)
    times = found.times["l0.h"].reshape(-1, memory, SIZE)[:, :, 1:]
    assert np.array_equal(times.max(axis=(0, 2)), np.arange(1, memory + 1))
    assert np.isnan(found.times["l0.h"].reshape(-1, memory, SIZE)[:, :, 0]).all()  # no unknown character comes
    assert found.summary.loc["l0.h", ["units", "constant", "beyond"]].tolist() == [memory * 4, memory, 0]


def test_a_latch_never_forgets_its_bit() -> None:
    model = latch()
    found = forgetting_times(model, TEXT, places=200, horizon=300)
    with rnnscope.record(model, ["l0.c"]) as recording, torch.no_grad():
        model(torch.from_numpy(model.vocabulary.encode(TEXT))[:, None])
    bits = recording["l0.c"][places_of(len(TEXT), 300, 200), 0, 3].numpy() > 0
    differ = bits != np.roll(bits, 1)
    assert 20 < differ.sum() < 180
    times = found.times["l0.c"][:, 3]
    assert np.isinf(times[differ]).all()
    assert (times[~differ] < 300).all()
    assert found.table.loc["l0.c.3", "censored"] == pytest.approx(differ.mean())
    assert found.times["l0.c"][:, 4].max() == 1  # whether a colon came just before
    assert found.longest.index[0] in ("l0.c.3", "l0.h.3")


@pytest.mark.parametrize(("cell", "layers", "chunk"), [("lstm", 2, 7), ("gru", 1, 100), ("rnn", 1, 1)])
def test_times_are_those_of_two_plain_runs(monkeypatch: pytest.MonkeyPatch, cell: str, layers: int, chunk: int) -> None:
    monkeypatch.setattr(forgetting, "_CHUNK", chunk)
    model, horizon = random_network(2, cell, layers=layers), 30
    found = forgetting_times(model, TEXT[:400], places=5, horizon=horizon, seed=3)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT[:400]))[:, None]
    places = places_of(400, horizon, 5, seed=3)
    for signal in found.times:
        with rnnscope.record(model, [signal]) as recording, torch.no_grad():
            model(tokens)
            std = recording[signal][:, 0].double().std(dim=0, correction=0)
            for number, place in enumerate(places):
                runs = []
                for begin in (place, places[number - 1]):
                    model(torch.cat((tokens[: begin + 1], tokens[place + 1 : place + horizon + 1])))
                    runs.append(recording[signal][begin:, 0].double())
                above = ((runs[0] - runs[1]).abs() > 0.01 * std).numpy()
                for unit in range(above.shape[1]):
                    steps = np.flatnonzero(above[:, unit])
                    last = steps[-1] if len(steps) else -1
                    expected = np.inf if last == horizon else last + 1
                    assert found.times[signal][number, unit] == expected
    finite = np.concatenate([times.ravel() for times in found.times.values()])
    assert np.isfinite(finite).any()


def test_quartiles_are_times_that_were_seen() -> None:
    found = forgetting_times(random_network(2), TEXT, places=9, horizon=12)
    assert np.isinf(found.times["l0.c"]).any()
    for row in found.table.reset_index().to_dict("records"):
        signal, _, unit = row["unit"].rpartition(".")
        times = np.sort(found.times[signal][:, int(unit)])
        assert [row["lower"], row["median"], row["upper"]] == [times[2], times[4], times[6]]
        assert row["censored"] == pytest.approx(np.isinf(times).mean())


def test_the_horizon_and_the_limit() -> None:
    model = random_network(0)
    assert forgetting_times(model, TEXT[:400], places=3).horizon == 100
    found = forgetting_times(model, [TEXT[:50], TEXT[:200]], places=3, limit=150)
    assert found.horizon == 25
    assert "the first 150 of 250 characters" in found.text
    assert len(forgetting_times(model, TEXT[:40], horizon=20).times["l0.h"]) == 20
    again = forgetting_times(model, TEXT[:400], places=3, seed=1)
    assert again.table.equals(forgetting_times(model, TEXT[:400], places=3, seed=1).table)


def test_a_picture_and_a_card() -> None:
    found = forgetting_times(latch(), TEXT, places=20, horizon=200)
    axes = found.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["l0.h", "l0.c"]  # pyright: ignore
    assert found.plot(axes) is axes
    axes.figure.savefig(io.BytesIO())  # pyright: ignore
    text = printed(found)
    assert ">200" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_network_that_does_nothing_has_no_times() -> None:
    model = random_network(0)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    found = forgetting_times(model, TEXT, places=3, horizon=10)
    assert np.isnan(found.table["median"].to_numpy()).all()
    assert found.summary["constant"].tolist() == [8, 8]
    assert "l0.c" in printed(found)
    found.plot().figure.savefig(io.BytesIO())  # pyright: ignore


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a", {}, "at least 4 characters"),
        ("", {}, "empty"),
        ("ab" * 5, {"horizon": 9}, "Two places with 9 characters after them"),
        ("ab" * 5, {"horizon": 100}, "the text has 0"),
        ("ab" * 5, {"horizon": 0}, "horizon"),
        ("ab" * 5, {"places": 1}, "at least 2; got 1"),
        ("ab" * 5, {"seed": 0.5}, "seed"),
        ("é" * 50, {}, "does not know most characters"),
    ],
)
def test_bad_texts_and_options(text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ArgumentError, TextError), match=message):
        forgetting_times(register(2), text, **options)


def test_bad_networks(make_model: Any) -> None:
    with pytest.raises(ModelError, match="bidirectional"):
        forgetting_times(make_model(bidirectional=True), TEXT)
    broken: CharLanguageModel = random_network(0)
    broken.head.weight.data[:] = 1.0
    broken.rnn.bias_ih_l0.data[:] = torch.nan  # pyright: ignore
    with pytest.raises(ModelError, match="not finite"):
        forgetting_times(broken, TEXT)

"""Success at other lengths, and the unit that counts, on a network whose weights are set by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnnscope.analysis.memory.counting import counting_units, follow
from rnnscope.analysis.memory.success import task_success
from rnnscope.cells import CELLS
from rnnscope.errors import ArgumentError, ModelError, RecipeError
from rnnscope.models.transducer import Transducer, TransducerConfig
from rnnscope.problems.known import PROBLEMS
from tests.handmade import random_network
from tests.printing import printed

STEP, SURE = 0.01, 20.0
COUNTER, LAST = 2, 4


def random_transducer(problem: str = "anbn", length: int = 10, **config: Any) -> Transducer:
    torch.manual_seed(0)
    options: dict[str, Any] = {"hidden_size": 6, **config}
    return Transducer(TransducerConfig(problem=problem, length=length, **options)).eval()


def hand_counter(problem: str = "anbn", length: int = 10) -> Transducer:
    """An LSTM one of whose units adds up ``STEP`` for each symbol that opens and takes it back for each that closes.

    Another unit holds the last symbol. The head says that the string may end where the count is below half a step.
    """
    model = random_transducer(problem, length)
    lstm: Any = model.rnn
    opened = math.tanh(STEP / 2)
    with torch.no_grad():
        for unit, gate, bias, symbols in (
            (COUNTER, "i", SURE, (0.0, 0.0)),
            (COUNTER, "f", SURE, (0.0, 0.0)),
            (COUNTER, "g", 0.0, (math.atanh(STEP), -math.atanh(STEP))),
            (COUNTER, "o", SURE, (0.0, 0.0)),
            (LAST, "i", SURE, (0.0, 0.0)),
            (LAST, "f", -SURE, (0.0, 0.0)),
            (LAST, "g", 0.0, (SURE, -SURE)),
            (LAST, "o", SURE, (0.0, 0.0)),
        ):
            row = CELLS["lstm"].gate_rows(gate, 6).start + unit
            for weight in lstm.parameters():
                weight[row] = 0.0
            lstm.bias_ih_l0[row] = bias
            lstm.weight_ih_l0[row] = torch.tensor(symbols)
        model.head.weight.zero_()
        model.head.weight[0, LAST] = 0.0 if problem == "dyck1" else 30.0
        model.head.weight[1:, COUNTER] = torch.tensor([1e4, -1e4])
        model.head.bias.copy_(torch.tensor([SURE if problem == "dyck1" else 0.0, -1e4 * opened, 1e4 * opened]))
    return model


@pytest.mark.parametrize("problem", ["anbn", "dyck1"])
def test_a_counter_made_by_hand_is_right_far_beyond_its_length(problem: str) -> None:
    found = task_success(hand_counter(problem), [10, 50, 200], sequences=20)
    assert found.table["success"].tolist() == [1, 1, 1] and found.table["error"].tolist() == [0, 0, 0]
    assert max(found.table["loss"].tolist()) < 1e-4 and found.solved == 200
    assert "at least 0.99 at all up to 200, " in " ".join(printed(found).split())


def test_a_count_that_leaks_is_right_only_where_it_is_short() -> None:
    model = hand_counter()
    lstm: Any = model.rnn
    with torch.no_grad():
        lstm.bias_ih_l0[CELLS["lstm"].gate_rows("f", 6).start + COUNTER] = 5.0
    found = task_success(model, [4, 60, 400], sequences=60)
    short, middle, long = found.table["success"]
    assert short == 1 > middle > long > 0 and found.solved == 4
    # the last string that is right says where success falls as 1 / length
    largest = max(n for n in range(1, 401) if _right(model, n))
    assert middle == pytest.approx(largest / 60, abs=0.15) and long == pytest.approx(largest / 400, abs=0.1)


def _right(model: Transducer, n: int) -> bool:
    inputs = torch.eye(2)[[0] * n + [1] * n]
    with torch.no_grad():
        said = (model(inputs[:, None])[:, 0] > 0).tolist()
    return said == [[True, True, False]] * n + [[False, True, False]] * (n - 1) + [[False, False, True]]


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_floor_stands_beside_the_loss_at_each_length(name: str) -> None:
    found = task_success(random_transducer(name, 12), sequences=30)
    problem = PROBLEMS[name]
    assert 12 in found.table.index and found.table.index.is_monotonic_increasing and found.table.index.max() == 48
    assert found.table["floor"].tolist() == [problem.floor(length) for length in found.table.index]
    assert found.table["chance"].tolist() == [problem.chance(length) for length in found.table.index]
    assert found.solved is None and np.isfinite(found.table.to_numpy()).all()
    words = printed(found)
    assert problem.criterion in " ".join(words.split()) and max(map(len, words.splitlines())) <= 80
    axes = found.plot()
    assert axes.get_title().startswith(name)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["length of training", problem.forgetful, "network"]
    assert "below 0.99 at the shortest" in " ".join(words.split())


def test_success_follows_from_the_seed_and_not_from_the_other_lengths() -> None:
    model = random_transducer("copy", 5)
    one, same, other = (
        task_success(model, lengths, sequences=120, seed=seed) for lengths, seed in (([5, 8], 0), ([8, 3], 0), ([8], 1))
    )
    assert one.table.loc[8].equals(same.table.loc[8]) and not one.table.loc[8].equals(other.table.loc[8])


def test_lengths_that_sequences_cannot_have_are_left_out_of_the_default() -> None:
    assert task_success(random_transducer("anbn", 5), sequences=2).table.index[0] == 4
    assert task_success(random_transducer("adding", 2), sequences=2).table.index.tolist() == [2, 3, 4, 6, 8]


def test_the_unit_that_counts_is_found(tmp_path: Path) -> None:
    found = counting_units(hand_counter("dyck1"), 30)
    assert list(found.table.index[:2]) == [f"l0.c.{COUNTER}", f"l0.h.{COUNTER}"] and len(found.table) == 12
    best = found.table.iloc[0]
    assert best["linearity"] == pytest.approx(1, abs=1e-4) and best["correlation"] == pytest.approx(1)
    assert best["slope"] == pytest.approx(STEP, rel=1e-4)
    np.testing.assert_allclose(found.means[f"l0.c.{COUNTER}"], STEP * found.means.index, atol=1e-5)
    assert found.table["linearity"].iloc[2] < 0.9
    words = printed(found)
    assert "l0.c.2" in words and max(map(len, words.splitlines())) <= 80
    found.plot().figure.savefig(tmp_path / "units.png")  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(("cell", "signals"), [("rnn", 1), ("gru", 1), ("lstm", 2)])
def test_all_units_of_all_layers_are_looked_at(cell: str, signals: int) -> None:
    table = counting_units(random_transducer(cell=cell, layers=2), sequences=10).table
    assert len(table) == 2 * 6 * signals and f"l1.h.{5}" in table.index
    assert table["linearity"].is_monotonic_decreasing
    assert 0 <= min(table["linearity"]) <= max(table["linearity"]) <= 1


def test_correlation_and_slope_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    depth = rng.integers(0, 9, 400)
    values = np.stack([depth * -0.3 + rng.normal(0, 0.5, 400), rng.normal(0, 1, 400), depth > 4, np.ones(400)], axis=1)
    found = follow(values, depth)
    for unit in range(3):
        slope, _ = np.polyfit(depth, values[:, unit], 1)
        lower, upper = (np.polyfit(depth[half], values[half, unit], 1)[0] for half in (depth <= 4, depth >= 4))
        r = np.corrcoef(values[:, unit], depth)[0, 1]
        assert found.loc[unit, "slope"] == pytest.approx(slope) and found.loc[unit, "correlation"] == pytest.approx(r)
        steady = min(abs(lower), abs(upper)) / max(abs(lower), abs(upper), abs(slope))
        assert found.loc[unit, "linearity"] == pytest.approx(r**2 * steady * (lower * upper > 0))
    assert found["correlation"].isna().tolist() == [False] * 3 + [True]
    line, _, switch, _ = found["linearity"]
    assert line > 0.5 > 0.1 > switch  # a switch is no counter


@pytest.mark.parametrize("measure", [task_success, counting_units])
def test_networks_of_no_problem_are_refused(measure: Any) -> None:
    with pytest.raises(ModelError, match=r"\(Transducer\); got language-model"):
        measure(random_network(0))
    with pytest.raises(ModelError, match=r"\(Transducer\); got str"):
        measure("model.pt")
    with pytest.raises(ModelError, match="training mode"):
        measure(random_transducer().train())


def test_counting_is_asked_of_languages_alone() -> None:
    with pytest.raises(ModelError, match="networks of anbn and dyck1; this one does flip-flop"):
        counting_units(random_transducer("flip-flop"))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"lengths": []}, ArgumentError, r"at least 1; got \[\]"),
        ({"lengths": [10, 3]}, RecipeError, "anbn needs a length from 4 to 10,000; got 3"),
        ({"lengths": [10.5]}, ArgumentError, r"lengths are whole numbers of at least 1; got \[10.5\]"),
        ({"lengths": [20_000]}, RecipeError, "got 20,000"),
        ({"sequences": 0}, ArgumentError, "sequences is a whole number of at least 1; got 0"),
        ({"sequences": "many"}, ArgumentError, "got 'many'"),
    ],
)
def test_what_cannot_be_read_is_refused(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        task_success(random_transducer(), **options)

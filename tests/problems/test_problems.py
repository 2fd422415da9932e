"""The problems against plain Python, and their floors against simulation."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

from rnnscope.errors import RecipeError
from rnnscope.problems.counting import CounterLanguage
from rnnscope.problems.dyck1 import Dyck1
from rnnscope.problems.known import PROBLEMS, find_problem
from rnnscope.problems.losses import masked_loss
from rnnscope.problems.problem import Batch, Loss, Problem, generator

EACH = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
LANGUAGES = [problem for problem in PROBLEMS.values() if isinstance(problem, CounterLanguage)]


def mean_loss(problem: Problem, outputs: np.ndarray, batch: Batch) -> float:
    parts = (torch.from_numpy(part) for part in (outputs, *batch[1:]))
    return float(masked_loss(problem.loss, *parts)) / int(batch.mask.sum())


def logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def strings(problem: CounterLanguage, batch: Batch) -> list[str]:
    """The strings that were read; an error if a step of one is no symbol, or one behind its end is."""
    read = []
    for inputs, mask in zip(batch.inputs.swapaxes(0, 1), batch.mask.T, strict=True):
        steps = int(mask.sum())
        assert mask[:steps].all() and (inputs[:steps].sum(axis=1) == 1).all() and not inputs[steps:].any()
        read.append("".join(problem.symbols[int(step[1])] for step in inputs[:steps]))
    return read


@EACH
@pytest.mark.parametrize("longer", [0, 1, 8])
def test_a_batch_has_the_shapes_that_its_problem_says(problem: Problem, longer: int) -> None:
    inputs, targets, mask = problem.batch(generator(0), 6, problem.shortest + longer)
    assert inputs.shape == (*mask.shape, problem.input_size) and inputs.dtype == np.float32
    assert mask.shape[1] == 6 and mask.dtype == bool and mask.any(axis=0).all()
    if problem.loss == "cross-entropy":
        assert targets.shape == mask.shape and targets.dtype == np.int64
    else:
        assert targets.shape == (*mask.shape, problem.output_size) and targets.dtype == np.float32


@EACH
def test_a_batch_follows_from_its_place_in_the_tree_of_draws(problem: Problem) -> None:
    one, same, other = (problem.batch(generator(*place), 9, 12) for place in ((3, 0, 5), (3, 0, 5), (3, 5, 0)))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one.inputs, other.inputs)


@pytest.mark.parametrize("length", [2, 3, 10, 31])
def test_the_sum_is_that_of_one_marked_number_in_each_half(length: int) -> None:
    inputs, targets, mask = PROBLEMS["adding"].batch(generator(0), 50, length)
    seen = set()
    for sequence, answer in zip(inputs.swapaxes(0, 1), targets.swapaxes(0, 1), strict=True):
        marked = [step for step in range(length) if sequence[step, 1] == 1]
        assert len(marked) == 2 and marked[0] < length // 2 <= marked[1]
        assert sorted(set(sequence[:, 1])) == ([0, 1] if length > 2 else [1])
        assert answer[-1, 0] == pytest.approx(sum(sequence[step, 0] for step in marked))
        seen.update(marked)
    assert mask[-1].all() and not mask[:-1].any()
    assert 0 <= inputs[..., 0].min() < inputs[..., 0].max() < 1
    if length <= 10:
        assert seen == set(range(length))


def test_a_constant_answer_to_the_adding_problem_scores_a_sixth() -> None:
    adding = PROBLEMS["adding"]
    batch = adding.batch(generator(0), 50_000, 4)
    assert adding.floor(4) == 1 / 6
    assert batch.targets[-1].var(dtype=float) == pytest.approx(1 / 6, rel=0.01)
    for answer in (0.9, 1.1):
        assert mean_loss(adding, np.full_like(batch.targets, answer), batch) > 1.04 / 6
    ones = np.ones_like(batch.targets)
    assert mean_loss(adding, ones, batch) == pytest.approx(1 / 6, rel=0.01)
    assert adding.success(ones, *batch[1:]).mean() == pytest.approx(adding.chance(4), rel=0.03)


@pytest.mark.parametrize("length", [1, 2, 30])
def test_what_is_copied_comes_back_after_the_gap(length: int) -> None:
    inputs, targets, mask = PROBLEMS["copy"].batch(generator(0), 20, length)
    tokens = inputs.argmax(axis=-1)
    assert (inputs.sum(axis=-1) == 1).all() and mask.all()
    for read, answer in zip(tokens.T.tolist(), targets.T.tolist(), strict=True):
        kept = read[:10]
        assert max(kept) < 8
        assert read == [*kept, *[8] * (length - 1), 9, *[8] * 10]
        assert answer == [*[8] * (length + 10), *kept]
    assert set(tokens[:10].flat) == set(range(8))


def test_the_floor_of_copying_is_blank_then_any_symbol() -> None:
    copy = PROBLEMS["copy"]
    batch = copy.batch(generator(0), 4000, 5)
    outputs = np.full((*batch.mask.shape, 9), -50.0, dtype=np.float32)
    outputs[:-10, :, 8] = 50.0
    outputs[-10:, :, :8] = generator(1).normal(0, 1e-3, (10, 4000, 8)) + 50.0
    assert mean_loss(copy, outputs, batch) == pytest.approx(10 * math.log(8) / 25, rel=1e-3)
    assert copy.floor(5) == 10 * math.log(8) / 25
    assert copy.success(outputs, *batch[1:]).mean() == pytest.approx(copy.chance(5), rel=0.03)


def test_every_n_up_to_the_length_is_drawn_equally_often() -> None:
    problem = find_problem("anbn")
    assert isinstance(problem, CounterLanguage)
    counts = Counter(strings(problem, problem.batch(generator(0), 3000, 6)))
    assert set(counts) == {"a" * n + "b" * n for n in range(1, 7)}
    assert max(abs(count - 500) for count in counts.values()) < 100


def test_every_string_of_brackets_is_drawn_equally_often() -> None:
    dyck = Dyck1()
    words = set()
    for signs in itertools.product((1, -1), repeat=8):
        depths = np.cumsum(signs)
        if depths.min() >= 0 and depths[-1] == 0:
            words.add("".join("(" if sign > 0 else ")" for sign in signs))
    counts = Counter(strings(dyck, dyck.batch(generator(0), 7000, 4)))
    assert len(words) == 14 and set(counts) == words
    assert max(abs(count - 500) for count in counts.values()) < 100


@pytest.mark.parametrize("problem", LANGUAGES, ids=lambda problem: problem.name)
def test_legal_symbols_are_those_of_the_language(problem: CounterLanguage) -> None:
    batch = problem.batch(generator(0), 40, 7)
    depths = problem.depth(batch.inputs)
    for place, string in enumerate(strings(problem, batch)):
        depth = 0
        for step, symbol in enumerate(string):
            depth += 1 if symbol == problem.symbols[0] else -1
            first = problem.name == "dyck1" or problem.symbols[1] not in string[: step + 1]
            assert batch.targets[step, place].tolist() == [first, depth > 0, depth == 0]
            assert depths[step, place] == depth
        assert depth == 0


@pytest.mark.parametrize("problem", LANGUAGES, ids=lambda problem: problem.name)
@pytest.mark.parametrize("length", [5, 20])
def test_the_floor_of_a_language_is_the_best_answer_from_the_last_symbol(problem: CounterLanguage, length: int) -> None:
    batch = problem.batch(generator(0), 4000, length)
    last_is_second = batch.inputs[..., 1] > 0
    share = (batch.targets[..., 2] > 0).sum() / last_is_second.sum()
    assert share == pytest.approx(problem.end_share(length), rel=0.04) and share < 0.5
    sure = np.float32(30.0)
    after_first = np.array([sure, sure, -sure])
    after_second = np.array([sure if problem.reopens else -sure, -logit(share), logit(share)], dtype=np.float32)
    best = np.where(last_is_second[..., None], after_second, after_first)
    assert mean_loss(problem, best, batch) == pytest.approx(problem.floor(length), rel=0.04)
    for other in (0.8 * share, 1.2 * share):  # the best: any other odds lose more
        worse = np.array([after_second[0], -logit(other), logit(other)], dtype=np.float32)
        answers = np.where(last_is_second[..., None], worse, after_first)
        assert mean_loss(problem, answers, batch) > mean_loss(problem, best, batch)
    assert problem.success(best, *batch[1:]).mean() == problem.chance(length) == 0


@pytest.mark.parametrize("problem", LANGUAGES, ids=lambda problem: problem.name)
def test_a_string_is_right_if_each_of_its_steps_is(problem: CounterLanguage) -> None:
    batch = problem.batch(generator(0), 8, 6)
    outputs = np.where(batch.mask[..., None], batch.targets * 4 - 2, 7.0)
    assert problem.success(outputs, *batch[1:]).tolist() == [1.0] * 8
    last = batch.mask[:, 3].sum() - 1
    outputs[last, 3, 2] *= -1
    assert problem.success(outputs, *batch[1:]).tolist() == [1.0] * 3 + [0.0] + [1.0] * 4


@pytest.mark.parametrize("length", [2, 5, 10])
def test_a_bit_holds_the_last_pulse_of_its_own(length: int) -> None:
    inputs, targets, mask = PROBLEMS["flip-flop"].batch(generator(0), 30, length)
    assert len(inputs) == 5 * length and mask.all()
    assert set(inputs.flat) == {-1.0, 0.0, 1.0} and (inputs[0] != 0).all()
    for sequence, bit in itertools.product(range(30), range(3)):
        held = 0.0
        for step in range(5 * length):
            held = inputs[step, sequence, bit] or held
            assert targets[step, sequence, bit] == held
    later = inputs[1:] != 0
    assert later.mean() == pytest.approx(1 / length, abs=4 * math.sqrt(1 / length / later.size))


def test_the_floor_of_the_flip_flop_repeats_the_pulses_alone() -> None:
    flip_flop = PROBLEMS["flip-flop"]
    batch = flip_flop.batch(generator(0), 3000, 8)
    assert mean_loss(flip_flop, batch.inputs, batch) == pytest.approx(flip_flop.floor(8), rel=0.01)
    assert flip_flop.success(batch.inputs, *batch[1:]).mean() == pytest.approx(flip_flop.chance(8), abs=1e-6)
    assert flip_flop.success(batch.targets * 0.51, *batch[1:]).mean() == 1
    assert flip_flop.success(batch.targets * 0.49, *batch[1:]).mean() == 0


@EACH
def test_right_answers_cost_nothing(problem: Problem) -> None:
    batch = problem.batch(generator(0), 5, 6)
    if problem.loss == "cross-entropy":
        outputs = 60 * np.eye(problem.output_size, dtype=np.float32)[batch.targets]
    else:
        outputs = batch.targets if problem.loss == "squared error" else (batch.targets - 0.5) * 60
    assert mean_loss(problem, outputs, batch) < 1e-6 < problem.floor(6)
    assert problem.success(outputs, *batch[1:]).tolist() == [1.0] * 5
    assert problem.chance(6) < 0.2


def test_losses_are_means_over_the_steps_that_have_an_answer() -> None:
    rng = generator(0)
    outputs, mask = rng.normal(size=(4, 3, 5)).astype(np.float32), rng.random((4, 3)) < 0.6
    numbers, labels = rng.random((4, 3, 5)).astype(np.float32), rng.integers(0, 5, (4, 3))
    kinds: tuple[Loss, ...] = ("squared error", "cross-entropy", "legal symbols")
    wanted = np.zeros(3)
    for step, place in np.argwhere(mask):
        out, chances = outputs[step, place].astype(float), numbers[step, place].astype(float)
        likely = 1 / (1 + np.exp(-out))
        wanted[0] += ((out - chances) ** 2).mean()
        wanted[1] += math.log(np.exp(out).sum()) - out[labels[step, place]]
        wanted[2] -= (chances * np.log(likely) + (1 - chances) * np.log(1 - likely)).sum()
    for kind, value in zip(kinds, wanted, strict=True):
        targets = labels if kind == "cross-entropy" else numbers
        found = masked_loss(kind, *(torch.from_numpy(part) for part in (outputs, targets, mask)))
        assert float(found) == pytest.approx(value, rel=1e-5)


def test_an_unknown_problem_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(RecipeError, match=r"no problem 'addition'. Known: adding, copy, anbn, dyck1, flip-flop"):
        find_problem("addition")


@EACH
@pytest.mark.parametrize("length", [-1, 0, 10_001])
def test_lengths_that_no_sequence_has_are_refused(problem: Problem, length: int) -> None:
    with pytest.raises(RecipeError, match=f"{problem.name} needs a length from {problem.shortest} to 10,000; got "):
        problem.check_length(length)

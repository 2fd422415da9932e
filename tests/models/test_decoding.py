"""Greedy decoding and beam search against loops and exhaustive search."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from rnnscope import Vocabulary
from rnnscope.errors import ArgumentError
from rnnscope.models.decoding import END, END_ID, START, START_ID, RecurrentState, Step, decode, with_marks

TOKENS = 5  # 0 stands for no character, 1 starts and 2 ends a text, 3 and 4 are written
LONGEST = 5


def toy(seed: int) -> Step:
    """Odds that depend on the row's name and on all tokens before, which the state counts in base 5."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(97, TOKENS, generator=generator)
    table[:, [0, 1]] = -torch.inf

    def step(tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        assert isinstance(state, tuple)
        name, past = state
        past = past * TOKENS + tokens[None, :, None]
        return table[(name * 31 + past)[0, :, 0] % len(table)].log_softmax(dim=1), (name, past)

    return step


def first_state(batch: int) -> tuple[Tensor, Tensor]:
    return torch.arange(batch)[None, :, None], torch.zeros(1, batch, 1, dtype=torch.int64)


def log_probability(step: Step, row: int, text: tuple[int, ...]) -> float:
    """Of a text with its end, or of one cut off."""
    name, past = first_state(row + 1)
    state: RecurrentState = (name[:, row:], past[:, row:])
    total, last = 0.0, START_ID
    for token in text:
        odds, state = step(torch.tensor([last]), state)
        total, last = total + float(odds[0, token]), token
    return total


def best_of_all(step: Step, row: int) -> list[int]:
    texts = [(*t, END_ID) for n in range(LONGEST) for t in itertools.product((3, 4), repeat=n)]
    texts += list(itertools.product((3, 4), repeat=LONGEST))
    best = max(texts, key=lambda text: log_probability(step, row, text) / len(text))
    return [token for token in best if token != END_ID]


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_that_holds_all_texts_finds_the_best_of_all(seed: int) -> None:
    step = toy(seed)
    found = decode(step, first_state(6), longest=LONGEST, beam=64)
    assert found == [best_of_all(step, row) for row in range(6)]


def test_the_toy_is_one_where_greedy_decoding_misses_the_best() -> None:
    misses = sum(
        decode(toy(seed), first_state(6), longest=LONGEST)
        != decode(toy(seed), first_state(6), longest=LONGEST, beam=64)
        for seed in range(4)
    )
    assert misses == 4


def test_a_wider_beam_is_rarely_worse_and_a_beam_is_never_better_than_all() -> None:
    totals = {beam: 0.0 for beam in (1, 3, 64)}
    for seed in range(8):
        for beam in totals:
            for row, text in enumerate(decode(toy(seed), first_state(5), longest=LONGEST, beam=beam)):
                whole = (*text, END_ID)[:LONGEST]
                totals[beam] += log_probability(toy(seed), row, whole) / len(whole)
    assert totals[1] < totals[3] <= totals[64] + 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_one_takes_the_likeliest_token_at_each_step(seed: int) -> None:
    step, rows = toy(seed), []
    for row in range(6):
        name, past = first_state(6)
        state: RecurrentState = (name[:, row : row + 1], past[:, row : row + 1])
        text = [START_ID]
        while text[-1] != END_ID and len(text) <= 30:
            odds, state = step(torch.tensor(text[-1:]), state)
            text.append(int(odds.argmax()))
        rows.append([token for token in text[1:] if token != END_ID])
    assert decode(step, first_state(6), longest=30) == rows


@pytest.mark.parametrize("beam", [1, 4])
def test_what_never_ends_is_cut_off_at_the_longest(beam: int) -> None:
    def step(tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        odds = torch.tensor([-math.inf, -math.inf, -math.inf, math.log(0.7), math.log(0.3)])
        return odds.expand(len(tokens), TOKENS), state

    assert decode(step, torch.zeros(1, 2, 1), longest=7, beam=beam) == [[3] * 7] * 2


def test_a_text_may_be_empty_and_searching_stops_when_all_have_ended() -> None:
    calls = []

    def step(tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        calls.append(tokens)
        odds = torch.tensor([-math.inf, -math.inf, math.log(0.9), math.log(0.1), -math.inf])
        return odds.expand(len(tokens), TOKENS), state

    assert decode(step, torch.zeros(1, 3, 1), longest=50) == [[], [], []]
    assert len(calls) == 1


def test_a_text_is_as_good_as_its_tokens_are_in_the_mean() -> None:
    """Ending at once has 0.5; five further tokens have 0.5, and then 1 each."""

    def step(tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        assert isinstance(state, Tensor)
        place = int(state[0, 0, 0])
        odds = torch.full((len(tokens), TOKENS), -torch.inf)
        if place == 0:
            odds[:, 2:4] = torch.tensor([0.5001, 0.4999]).log()
        else:
            odds[:, 3 if place < 5 else 2] = 0.0
        return odds, state + 1

    assert decode(step, torch.zeros(1, 1, 1), longest=9, beam=2) == [[3] * 5]


@pytest.mark.parametrize("options", [{"longest": 0}, {"longest": 5, "beam": 0}])
def test_a_search_for_nothing_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match="at least 1; got"):
        decode(toy(0), first_state(1), **options)


def test_the_marks_come_before_all_characters_and_once() -> None:
    marked = with_marks(Vocabulary("xyz"))
    assert marked.characters == (Vocabulary.UNKNOWN, START, END, "x", "y", "z")
    assert marked.encode(f"{START}{END}").tolist() == [START_ID, END_ID]
    assert with_marks(marked) == marked

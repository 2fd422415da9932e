"""The steps at which an intervention acts: counted on across calls, and anew where a sequence begins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import rnnscope
from rnnscope import ablate, clamp, intervene, patch, resample

from .networks import CLOSE, KINDS, ONES, fused_and_loop, states_of, text


@pytest.mark.parametrize("sizes", [[1] * 9, [4, 1, 4], [9]], ids=str)
def test_steps_are_counted_on_across_calls_that_carry_the_state(network: Any, sizes: list[int]) -> None:
    x = text()
    changes = {states_of(network): clamp(0.5, steps=[2, 5, 8])}
    with intervene(network, changes):
        whole, _ = network(x)
        state, outputs = None, []
        for chunk in x.split(sizes):
            output, state = network(chunk, state)
            outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **CLOSE)
    assert (whole[[2, 5, 8]] == 0.5).all()


def test_steps_are_counted_anew_in_each_sequence_that_begins(network: Any) -> None:
    x, zeros = text(), torch.zeros(2, 2, 4, dtype=torch.float64)
    states = (zeros, zeros) if isinstance(network, nn.LSTM) else zeros
    with intervene(network, {"l1.h": clamp(0.5, steps=[2])}):
        first, again, given_zeros = network(x)[0], network(x)[0], network(x, states)[0]
    assert (first[2] == 0.5).all()
    assert torch.equal(first, again)
    assert torch.equal(first, given_zeros)


def test_a_sequence_begins_where_no_state_is_given_also_after_one_that_ended_in_zeros(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h": ablate(steps=[4])}):
        assert [counter(ONES)[0][:, 0, 0].tolist() for _ in range(3)] == [[1, 2, 3, 4, 0]] * 3


def test_a_state_of_zeros_is_gone_on_from_where_the_network_returned_it(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h": ablate(steps=[4]), "l0.h.0": clamp(7.0, steps=[6])}):
        _, state = counter(ONES)
        output, _ = counter(ONES, state)
    assert not state.any()
    assert output[:, 0, 0].tolist() == [1, 7, 8, 9, 10]


def test_a_state_that_is_used_twice_is_gone_on_from_twice(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": clamp(7.0, steps=[5])}):
        _, state = counter(ONES)
        assert [counter(ONES, state)[0][:, 0, 0].tolist() for _ in range(3)] == [[7, 8, 9, 10, 11]] * 3


def test_a_state_that_the_user_sets_to_zero_begins_a_sequence(counter: nn.RNN) -> None:
    with torch.no_grad(), intervene(counter, {"l0.h.0": clamp(7.0, steps=[0])}):
        _, state = counter(ONES)
        assert counter(ONES, state.zero_())[0][:, 0, 0].tolist() == [7, 8, 9, 10, 11]


def test_sequences_that_are_read_in_turns_are_counted_each_by_itself(network: Any) -> None:
    texts = [text(time=6) for _ in range(3)]
    with intervene(network, {"l0.h.1": clamp(0.5, steps=[4])}):
        expected = [network(x)[0] for x in texts]
        states, outputs = [None] * 3, [[], [], []]
        for stretch in range(0, 6, 2):
            for n, x in enumerate(texts):
                output, states[n] = network(x[stretch : stretch + 2], states[n])
                outputs[n].append(output)
    for found, whole in zip(outputs, expected, strict=True):
        torch.testing.assert_close(torch.cat(found), whole, **CLOSE)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_cell_in_a_loop_is_changed_as_the_fused_module_is(kind: str) -> None:
    fused, loop = fused_and_loop(kind)
    x = text()
    with rnnscope.record(fused) as source:
        fused(text())
    for address in source:
        for how in (ablate(source), clamp(0.3, steps=range(3, 5)), resample(source, seed=3), patch(source, steps=[6])):
            changes = {str(address): how}
            with intervene(fused, changes):
                expected, _ = fused(x)
            with intervene(loop, changes):
                output, state = loop(x[:4])
                rest, _ = loop(x[4:], state)
                again, _ = loop(x)
            torch.testing.assert_close(torch.cat((output, rest)), expected, **CLOSE)
            torch.testing.assert_close(again, expected, **CLOSE)


def test_a_loop_that_gives_zeros_itself_begins_a_sequence_also_after_one_that_ended_in_zeros() -> None:
    _, loop = fused_and_loop("gru")
    x, zeros = text(), torch.zeros(2, 4, dtype=torch.float64)
    with intervene(loop, {"l0.h": ablate(steps=[8])}):
        first, again = loop(x, zeros)[0], loop(x, zeros)[0]
    assert not first[8].any()
    assert torch.equal(first, again)

"""Means, random places and steps of another pass, put in the place of what a network does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

import rnnscope
from rnnscope import Recording, ablate, clamp, intervene, patch, resample
from rnnscope.errors import AddressError, InterventionError, RecordingError, RnnscopeError

from .networks import CLOSE, ONES, states_of, text


@pytest.mark.parametrize("lengths", [[4, 4], [4, 2]], ids=["whole", "packed"])
def test_a_unit_is_set_to_its_mean_within_the_sequences(counter: nn.RNN, lengths: list[int]) -> None:
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.ones(n, 1) for n in lengths]))
    mean = sum(sum(range(1, n + 1)) for n in lengths) / sum(lengths)
    with intervene(counter, {"l0.h": ablate(source)}):
        output, _ = counter(ONES)
    assert torch.equal(output, torch.tensor([mean, 10 * mean]).expand(5, 1, 2))


@pytest.fixture
def recorded(counter: nn.RNN) -> Recording:
    """Of the counter: 1 to 50, and 1 to 20 beside it, packed."""
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.ones(50, 1), torch.ones(20, 1)]))
    return source


def resampled(counter: nn.RNN, source: Recording, units: Any, seed: int = 0) -> Tensor:
    with intervene(counter, {units: resample(source, seed=seed)}), torch.no_grad():
        return counter(torch.ones(40, 3, 1))[0]


def test_what_is_resampled_depends_on_the_seed_alone(counter: nn.RNN, recorded: Recording) -> None:
    first, again, other = (resampled(counter, recorded, "l0.h", seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_is_resampled_differs_from_step_to_step_and_from_sequence_to_sequence(
    counter: nn.RNN, recorded: Recording
) -> None:
    drawn = resampled(counter, recorded, "l0.h.0")[..., 0]
    assert set(drawn.flatten().tolist()) <= set(range(1, 51))  # never what lies beyond a sequence's end
    assert len(drawn.unique()) > 20
    assert all(len(sequence.unique()) > 10 for sequence in drawn.T)
    assert sum(len(step.unique()) > 1 for step in drawn) > 30


@pytest.mark.parametrize("units", [("l0.h.0", "l0.h.1"), "l0.h"], ids=str)
def test_units_that_are_resampled_together_fit_each_other(counter: nn.RNN, recorded: Recording, units: Any) -> None:
    drawn = resampled(counter, recorded, units)
    assert torch.equal(drawn[..., 1], 10 * drawn[..., 0])


def test_h_and_c_that_are_resampled_together_fit_each_other() -> None:
    torch.manual_seed(0)
    module = nn.LSTM(3, 4, 2)
    with rnnscope.record(module) as source:
        module(torch.randn(30, 2, 3))
    pairs = {tuple(pair) for pair in torch.stack((source["l0.h.2"], source["l1.c.3"]), -1).flatten(0, 1).tolist()}
    with intervene(module, {("l0.h.2", "l1.c.3"): resample(source)}), rnnscope.record(module) as recording:
        module(torch.randn(10, 2, 3))
    drawn = torch.stack((recording["l0.h.2"], recording["l1.c.3"]), -1).flatten(0, 1).tolist()
    assert {tuple(pair) for pair in drawn} <= pairs


def test_patching_everything_from_another_pass_of_the_same_input_changes_nothing(network: Any) -> None:
    x = text()
    with rnnscope.record(network) as source:
        plain, _ = network(x)
    with intervene(network, {tuple(map(str, source)): patch(source)}):
        output, _ = network(x)
    torch.testing.assert_close(output, plain, **CLOSE)


def test_states_patched_at_one_step_make_the_rest_the_continuation_of_the_other_text(network: Any) -> None:
    here, there = text(), text()
    there[5:] = here[5:]
    with rnnscope.record(network) as source:
        expected, _ = network(there)
    with intervene(network, {states_of(network): patch(source, steps=[4])}):
        output, _ = network(here)
    torch.testing.assert_close(output[4:], expected[4:], **CLOSE)
    torch.testing.assert_close(output[:4], network(here)[0][:4], **CLOSE)


def test_one_recorded_sequence_is_patched_into_all_that_are_read(network: Any) -> None:
    x = text(batch=1)
    with rnnscope.record(network) as source:
        expected, _ = network(x)
    with intervene(network, {states_of(network): patch(source)}):
        output, _ = network(text(batch=3))
    torch.testing.assert_close(output, expected.expand(-1, 3, -1), **CLOSE)


def test_beyond_the_end_of_a_packed_source_what_is_read_stays_as_it_is(counter: nn.RNN) -> None:
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.full((4, 1), 100.0), torch.full((2, 1), 100.0)]))
    with intervene(counter, {"l0.h.0": patch(source, steps=range(4))}):
        output, _ = counter(torch.ones(5, 2, 1))
    assert output[..., 0].T.tolist() == [[100, 200, 300, 400, 401], [100, 200, 201, 202, 203]]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("signal", ["h", "c", "f"])
def test_a_patch_of_packed_sequences_goes_to_each_sequence_its_own(signal: str, bidirectional: bool) -> None:
    network = nn.LSTM(3, 4, bidirectional=bidirectional)
    packed = pack_sequence([torch.randn(length, 3) for length in (2, 5, 3)], enforce_sorted=False)
    with rnnscope.record(network) as source:
        plain, _ = network(packed)
    with rnnscope.intervene(network, {f"l0.{signal}": patch(source)}):
        patched, _ = network(packed)
    torch.testing.assert_close(patched.data, plain.data)


def test_a_reverse_layer_is_patched_at_the_steps_of_the_text() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4, bidirectional=True).double(), text()
    with rnnscope.record(module) as source:
        module(text())
    with intervene(module, {"l0r.h": patch(source, steps=[2])}):
        output, _ = module(x)
    torch.testing.assert_close(output[2, :, 4:], source["l0r.h"][2], **CLOSE)
    torch.testing.assert_close(output[3:], module(x)[0][3:], **CLOSE)


def test_a_reverse_layer_of_packed_sequences_has_no_common_steps() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4, bidirectional=True), torch.randn(5, 2, 3)
    with rnnscope.record(module) as source:
        module(x)
    packed = pack_sequence([x[:, 0], x[:3, 1]])
    for how in (clamp(0.5, steps=[1]), patch(source), resample(source)):
        with pytest.raises(InterventionError, match="give padded ones"), intervene(module, {"l0r.h.1": how}):
            module(packed)
        with intervene(module, {"l0.h.1": how}):
            output, lengths = pad_packed_sequence(module(packed)[0])
        assert lengths.tolist() == [5, 3]
        assert not output[3:, 1].any()


def test_a_source_that_does_not_fit_is_said(network: Any) -> None:
    with rnnscope.record(network, ["h"]) as short:
        network(text(time=4))
    with rnnscope.record(nn.GRU(3, 4)) as other:
        pass
    with rnnscope.record(nn.ModuleList([network])) as twice:
        network(text())
        network(text())
    for source, batch, error, said in (
        (short, 2, InterventionError, r"has 4 steps, and the network reads step 4. Give steps=range\(4\)"),
        (short, 3, InterventionError, "has 2 sequences, the network reads 3"),
        (other, 2, RnnscopeError, "l1"),
        (twice, 2, RecordingError, "called 2 times"),
    ):
        with pytest.raises(error, match=said), intervene(network, {"l1.h": patch(source)}):
            network(text(batch))
    with intervene(network, {"l1.h": patch(short, steps=range(4))}):
        network(text())


def test_a_source_without_the_signal_says_what_it_has() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module, ["h"]) as source:
        module(torch.randn(5, 2, 3))
    for how in (patch(source), resample(source), ablate(source)):
        with pytest.raises(AddressError, match="no signal 'c' in l0. It has: h"), intervene(module, {"l0.c": how}):
            module(torch.randn(5, 2, 3))


@pytest.mark.parametrize("units", [3, 6])
def test_values_come_from_a_signal_of_as_many_units(units: int) -> None:
    other, network, x = nn.LSTM(3, units), nn.LSTM(3, 4), torch.randn(5, 2, 3)
    with rnnscope.record(other) as source:
        other(x)
    for change in (patch(source), resample(source), ablate(source)):
        refused = pytest.raises(InterventionError, match=f"{units} units in the recording, and 4 in the network")
        with refused, rnnscope.intervene(network, {"l0.c": change}):
            network(x)

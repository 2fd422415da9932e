"""Recorded signals against a float64 loop of the equations, and a network that stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import rnnscope
from rnnscope.errors import AddressError, RecordingError
from rnnscope.recording import recovery
from tests import equations

KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.RNNBase, Tensor, Any]:
    """A fused module in float64, an input and an initial state, over the whole mix of options."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    options = {
        "num_layers": draw(st.integers(1, 3)),
        "bidirectional": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
    }
    if kind == "rnn":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    torch.manual_seed(draw(st.integers(0, 99)))
    module = KINDS[kind](3, 4, **options).double()
    time, batch = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    x = torch.randn((batch, time, 3) if module.batch_first else (time, batch, 3), dtype=torch.float64)
    rows = module.num_layers * (1 + module.bidirectional)
    states = [torch.randn(rows, batch, 4, dtype=torch.float64) for _ in range(1 + (kind == "lstm"))]
    if draw(st.booleans()):
        return module, x, None
    return module, x, tuple(states) if kind == "lstm" else states[0]


def expected_signals(module: nn.RNNBase, x: Tensor, state: Any) -> dict[str, np.ndarray]:
    inputs = (x.transpose(0, 1) if module.batch_first else x).numpy()
    rows = module.num_layers * (1 + module.bidirectional)
    zeros = torch.zeros(rows, inputs.shape[1], 4, dtype=torch.float64)
    states = [zeros, zeros] if state is None else list(state) if isinstance(state, tuple) else [state, zeros]
    signals = {}
    for number in range(module.num_layers):
        outputs = []
        for reverse in (False, True)[: 1 + module.bidirectional]:
            row = number * (1 + module.bidirectional) + reverse
            initial = [s[row].numpy() for s in states]
            order = slice(None, None, -1 if reverse else None)
            found = equations.layer(module, number, inputs[order], initial, "_reverse" if reverse else "")
            for name, values in found.items():
                signals[f"l{number}{'r' if reverse else ''}.{name}"] = values[order]
            outputs.append(found["h"][order])
        inputs = np.concatenate(outputs, axis=-1)
    return signals


class First(nn.Module):
    """The first of the values that a recurrent module returns."""

    def forward(self, values: tuple[Tensor, Any]) -> Tensor:
        return values[0]


@pytest.mark.parametrize("narrow", [0, 10**9], ids=["scan by steps", "scan by doubling"])
@given(network=networks())
@settings(max_examples=40, deadline=None)
def test_every_signal_equals_the_loop_and_the_output_is_untouched(
    narrow: int, network: tuple[nn.RNNBase, Tensor, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "_NARROW", narrow)
        assert_recorded(*network)


def assert_recorded(module: nn.RNNBase, x: Tensor, state: Any) -> None:
    plain, last = module(x, state)
    with rnnscope.record(module) as recording:
        output, state_after = module(x, state)
    assert torch.equal(plain, output)
    assert all(torch.equal(a, b) for a, b in zip(last, state_after, strict=True))
    expected = expected_signals(module, x, state)
    assert sorted(map(str, recording)) == sorted(expected)
    for address, values in expected.items():
        np.testing.assert_allclose(recording[address].numpy(), values, atol=1e-12, err_msg=address)
    assert recording.error < 1e-12


@pytest.mark.parametrize("narrow", [0, 10**9], ids=["scan by steps", "scan by doubling"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_float32_keeps_within_rounding_over_many_blocks(
    kind: str, narrow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_NARROW", narrow)
    monkeypatch.setattr(recovery, "_BLOCK", 2000)
    torch.manual_seed(0)
    module = KINDS[kind](3, 4)
    x = torch.randn(500, 2, 3)
    with rnnscope.record(module) as recording:
        module(x)
    expected = expected_signals(module.double(), x.double(), None)
    for address, values in expected.items():
        np.testing.assert_allclose(recording[address].numpy(), values, atol=2e-6, err_msg=address)


def test_one_sequence_without_a_batch_axis_is_recorded() -> None:
    module = nn.LSTM(3, 4)
    x = torch.randn(6, 3)
    with rnnscope.record(module) as recording:
        module(x, (torch.ones(1, 4), torch.ones(1, 4)))
        alone = recording["l0.c"]
        module(x.unsqueeze(1), (torch.ones(1, 1, 4), torch.ones(1, 1, 4)))
    torch.testing.assert_close(alone, recording["l0.c"])


def test_addresses_name_the_module_where_there_are_several() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.GRU(3, 4), nn.LSTM(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.decoder(self.encoder(x)[0])[0]

    network, x = Two(), torch.randn(5, 1, 3)
    with rnnscope.record(network, ["h", "decoder.l0.c"]) as recording:
        network(x)
    assert [str(a) for a in recording] == ["encoder.l0.h", "decoder.l0.h", "decoder.l0.c"]
    torch.testing.assert_close(recording["encoder.l0.h"], network.encoder(x)[0].detach())
    with rnnscope.record(network.decoder) as alone:
        network.decoder(network.encoder(x)[0])
    torch.testing.assert_close(recording["decoder.l0.c"], alone["l0.c"])


def test_a_recording_does_not_change_with_the_output() -> None:
    module = nn.Sequential(nn.GRU(3, 4), First(), nn.ReLU(inplace=True))
    with rnnscope.record(module, ["h"]) as recording:
        module(torch.randn(20, 2, 3))
    assert recording["l0.h"].min() < 0


def test_a_unit_and_a_signal_have_their_shapes() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module, ["c"]) as recording:
        module(torch.randn(7, 2, 3))
    assert recording["l0.c"].shape == (7, 2, 4)
    assert torch.equal(recording["l0.c.3"], recording["l0.c"][..., 3])
    assert not recording["l0.c"].requires_grad


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("l0.q", "It has: h, c, i, f, g, o"),
        ("l4.c", "Layers: l0"),
        ("l0.c.99", "Units: 0 to 3"),
        ("nonsense", "not an address"),
    ],
)
def test_an_unknown_address_says_what_exists(address: str, said: str) -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module) as recording:
        module(torch.randn(2, 1, 3))
        with pytest.raises(AddressError, match=said):
            recording[address]


def test_an_unknown_signal_is_refused_before_anything_runs() -> None:
    with pytest.raises(AddressError, match="It has: h, r, z, n"), rnnscope.record(nn.GRU(3, 4), ["c"]):
        pass


def test_no_hook_is_left_also_after_an_exception() -> None:
    module = nn.Sequential(nn.LSTM(3, 4))
    with pytest.raises(ZeroDivisionError), rnnscope.record(module):
        raise ZeroDivisionError
    with rnnscope.record(module):
        pass
    assert all(not m._forward_hooks for m in module.modules())


def test_reading_before_the_network_ran_is_an_error() -> None:
    with rnnscope.record(nn.GRU(3, 4)) as recording, pytest.raises(RecordingError, match="has not run"):
        recording["l0.h"]


@pytest.mark.parametrize(
    ("module", "x", "said"),
    [
        (nn.Linear(3, 4), torch.zeros(2, 3), "no recurrent layer"),
        (nn.LSTM(3, 4, proj_size=2), torch.zeros(2, 1, 3), "proj_size"),
        (nn.GRU(3, 4), pack_sequence([torch.zeros(2, 3)]), "Packed"),
        (nn.GRU(3, 4, num_layers=2, dropout=0.5), torch.zeros(2, 1, 3), "eval()"),
    ],
    ids=["no layer", "projection", "packed", "dropout"],
)
def test_what_cannot_be_recorded_is_said(module: nn.Module, x: Any, said: str) -> None:
    with pytest.raises(RecordingError, match=said), rnnscope.record(module):
        module(x)


def test_signals_are_asked_for_whole_and_at_least_one() -> None:
    for signals, said in ((["l0.c.2"], "Ask for l0.c"), ([], "No signal is asked for")):
        with pytest.raises(AddressError, match=said), rnnscope.record(nn.LSTM(3, 4), signals):
            pass


def test_the_self_check_sees_a_cell_state_that_a_saturated_tanh_hides() -> None:
    module = nn.LSTM(3, 4)

    def tampered(_: nn.Module, __: Any, output: Any) -> Any:
        return output[0], (output[1][0], output[1][1] + 1)

    module.register_forward_hook(tampered)
    with pytest.raises(RecordingError, match="give h back only to within"), rnnscope.record(module):
        module(torch.randn(5, 1, 3), (torch.zeros(1, 1, 4), torch.full((1, 1, 4), 100.0)))


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_the_self_check_catches_a_network_that_did_not_use_its_weights(kind: Any) -> None:
    module = kind(3, 4)

    def tampered(_: nn.Module, __: Any, output: Any) -> Any:
        return output[0] + 1e-3, output[1]

    module.register_forward_hook(tampered)
    with pytest.raises(RecordingError, match="give h back only to within"), rnnscope.record(module):
        module(torch.randn(5, 1, 3))

"""What a recording holds after a pass: calls, lengths, steps, and its forms outside torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

import rnnscope
from rnnscope.errors import AddressError, RecordingError, RnnscopeError
from rnnscope.recording.recorded import Recording

from .networks import CELLS, KINDS, PROJECTION_WARNING, Loop, Two

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)


class Shared(nn.Module):
    """One layer under two names, called by each."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.first = self.second = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)[0])[0]


def sequence(time: int = 5, batch: int = 2) -> Tensor:
    return torch.randn(time, batch, 3)


@pytest.mark.parametrize("make", [lambda: nn.GRU(3, 3), lambda: Loop(nn.LSTMCell(3, 3))], ids=["layer", "loop"])
def test_a_layer_under_two_names_is_one_layer_with_two_calls(make: Any) -> None:
    network, x = Shared(make()), sequence()
    hidden = network.first(x)[0]
    with rnnscope.record(network) as recording:
        output = network(x)
    calls = recording.calls("l0.h")
    assert torch.equal(torch.stack(calls), torch.stack((hidden, output)))
    assert torch.equal(torch.stack(recording.calls("l0.h.1")), torch.stack(calls)[..., 1])


def test_calls_of_which_there_are_several_have_to_be_asked_for_as_such() -> None:
    with rnnscope.record(network := Shared(nn.GRU(3, 3))) as recording:
        network(sequence())
    for read in (recording.__getitem__, recording.lengths):
        with pytest.raises(RecordingError, match="The module of l0.h was called 2 times"):
            read("l0.h")
    for convert in (recording.to_numpy, recording.to_xarray):
        with pytest.raises(RecordingError, match=r"recording\.calls\('l0\.h'\)|called 2 times"):
            convert()
    with pytest.raises(AddressError, match="Units: 0 to 2"):
        recording.calls("l0.h.3")
    with pytest.raises(AddressError, match="It has: h, r, z, n"):
        recording.calls("l0.c")


def test_calls_may_differ_in_length_and_batch() -> None:
    network = nn.ModuleList([nn.LSTM(3, 4)])
    with rnnscope.record(network) as recording:
        network[0](sequence(5, 2))
        network[0](sequence(7, 1))
    assert [tuple(call.shape) for call in recording.calls("l0.c")] == [(5, 2, 4), (7, 1, 4)]


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 4), lambda: Loop(nn.LSTMCell(3, 4))], ids=["layer", "loop"])
def test_a_later_pass_replaces_an_earlier_one(make: Any) -> None:
    network, x = make(), sequence(70)
    with rnnscope.record(network) as recording:
        network(sequence(100, 3))
        output, _ = network(x)
    assert torch.equal(recording["l0.h"], output)
    with rnnscope.record(network) as alone:
        network(x)
    for address in alone:
        assert torch.equal(recording[address], alone[address])


def test_the_signals_of_an_earlier_pass_stay_with_who_took_them() -> None:
    network = nn.GRU(3, 4)
    with rnnscope.record(network) as recording:
        before, _ = network(sequence())
        taken = recording["l0.h"]
        network(sequence())
    assert torch.equal(taken, before)
    assert not torch.equal(taken, recording["l0.h"])


def test_parts_that_are_called_without_the_whole_belong_to_one_pass() -> None:
    network, x = Two(), sequence()
    with rnnscope.record(network) as recording:
        hidden, _ = network.encoder(x)
        output, _ = network.decoder(hidden)
        assert torch.equal(recording["encoder.l0.h"], hidden)
        assert torch.equal(recording["decoder.l0.h"], output)
        network.encoder(x)
        assert len(recording.calls("encoder.l0.h")) == 2
        assert len(recording.calls("decoder.l0.h")) == 1
        network(2 * x)
        assert torch.equal(recording["encoder.l0.h"], network.encoder(2 * x)[0])


def test_a_recording_can_be_read_after_the_block_and_no_longer_grows() -> None:
    network = nn.ModuleList([nn.GRU(3, 4)])
    with rnnscope.record(network) as recording:
        output, _ = network[0](sequence())
    network[0](sequence())
    assert torch.equal(recording["l0.h"], output)


def packed() -> Any:
    return pack_sequence([torch.randn(n, 3) for n in (2, 5, 1)], enforce_sorted=False)


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 4, bidirectional=True), lambda: nn.GRU(3, 4)])
def test_packed_sequences_have_their_true_lengths_and_are_zero_beyond(make: Any) -> None:
    with rnnscope.record(network := make()) as recording:
        network(packed())
    for address in recording:
        assert recording.lengths(address).tolist() == [2, 5, 1]
        assert_zero_beyond(recording[address], [2, 5, 1])


def assert_zero_beyond(signal: Tensor, lengths: list[int]) -> None:
    for b, n in enumerate(lengths):
        assert signal[:n, b].all()
        assert not signal[n:, b].any()


@pytest.mark.parametrize("lengths", [[2, 5, 1], torch.tensor([2, 5, 1]), np.array([2, 5, 1])], ids=["list", "t", "n"])
@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 4, bidirectional=True), lambda: Loop(nn.GRUCell(3, 4))])
def test_lengths_that_are_given_hold_for_a_padded_batch(make: Any, lengths: Any) -> None:
    network, x = make(), sequence(5, 3)
    plain = network(x)[0]
    with rnnscope.record(network) as whole:
        network(x)
    with rnnscope.record(network, lengths=lengths) as recording:
        assert torch.equal(network(x)[0], plain)
    for address in recording:
        assert_zero_beyond(recording[address], [2, 5, 1])
        assert torch.equal(recording[address][:2, 0], whole[address][:2, 0])
        assert torch.equal(recording[address][:, 1], whole[address][:, 1])
        assert recording.lengths(address).tolist() == [2, 5, 1]
        assert recording.lengths(address).dtype == torch.int64


@pytest.mark.parametrize(
    "lengths",
    [[2, 5], [2, 5, 1, 1], [2, 6, 1], [2, 0, 1], [2, -1, 1]],
    ids=str,
)
@pytest.mark.parametrize("read", [Recording.__getitem__, Recording.lengths, Recording.calls])
def test_wrong_lengths_are_refused(lengths: Any, read: Any) -> None:
    network = nn.GRU(3, 4)
    with rnnscope.record(network, lengths=lengths) as recording:
        network(sequence(5, 3))
    with pytest.raises(RecordingError, match="a whole number from 1 to the 5 steps for each of the 3 sequences"):
        read(recording, "l0.h")


@pytest.mark.parametrize("lengths", ["ab", [None], ["2", "5", "1"], [2.0, 5.0, 1.0], 5, [[2, 5, 1]], []], ids=str)
def test_what_are_no_lengths_at_all_is_refused(lengths: Any) -> None:
    network = nn.GRU(3, 4)
    with pytest.raises(RnnscopeError, match="lengths"), rnnscope.record(network, lengths=lengths) as recording:
        network(sequence(5, 3))
        recording["l0.h"]


def test_packed_sequences_say_their_lengths_themselves() -> None:
    network = nn.GRU(3, 4)
    with rnnscope.record(network, lengths=[1, 1, 1]) as recording:
        network(packed())
    assert recording.lengths("l0.h").tolist() == [2, 5, 1]
    assert_zero_beyond(recording["l0.n"], [2, 5, 1])


def test_without_padding_each_sequence_is_as_long_as_the_input() -> None:
    network = nn.GRU(3, 4)
    with rnnscope.record(network) as recording:
        network(sequence(5, 3))
    assert recording.lengths("l0.h").tolist() == [5, 5, 5]
    with rnnscope.record(network) as recording:
        network(sequence(5, 3)[:, 0])
    assert recording.lengths("l0.h.2").tolist() == [5]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_signals_become_numpy_arrays(dtype: torch.dtype) -> None:
    network = nn.GRU(3, 4).to(dtype)
    with rnnscope.record(network) as recording, torch.no_grad():
        network(sequence().to(dtype))
    arrays = recording.to_numpy()
    assert list(arrays) == ["l0.h", "l0.r", "l0.z", "l0.n"]
    expected = torch.float32 if dtype == torch.bfloat16 else dtype
    for address, values in arrays.items():
        assert values.dtype == torch.zeros(0, dtype=expected).numpy().dtype
        np.testing.assert_array_equal(values, recording[address].to(expected))


def test_signals_that_are_nodes_of_the_graph_become_numpy_arrays_too() -> None:
    network = nn.GRU(3, 4)
    with rnnscope.unroll(network) as recording:
        network(sequence())
    np.testing.assert_array_equal(recording.to_numpy()["l0.h"], recording["l0.h"].detach())
    assert recording.to_xarray()["l0/h"].shape == (5, 2, 4)


def test_a_tree_has_a_node_a_layer_and_direction_and_nan_beyond_the_ends() -> None:
    with rnnscope.record(network := nn.LSTM(3, 4, 2, bidirectional=True)) as recording:
        network(packed())
    tree = recording.to_xarray()
    assert sorted(tree.children) == ["l0", "l0r", "l1", "l1r"]
    assert list(tree["l1r"].data_vars) == ["h", "c", "i", "f", "g", "o"]
    for address in recording:
        signal: Any = tree[f"{address.node}/{address.signal}"]
        assert signal.dims == ("time", "batch", "unit")
        assert signal["length"].values.tolist() == [2, 5, 1]
        for b, n in enumerate((2, 5, 1)):
            np.testing.assert_array_equal(signal[:n, b], recording[address][:n, b])
            assert np.isnan(signal[n:, b]).all()


def test_a_tree_keeps_the_type_but_bfloat16_becomes_float32() -> None:
    for dtype, expected in ((torch.float64, "float64"), (torch.float16, "float16"), (torch.bfloat16, "float32")):
        network = nn.GRU(3, 4).to(dtype)
        with rnnscope.record(network, lengths=[4, 5]) as recording, torch.no_grad():
            network(sequence().to(dtype))
        assert recording.to_xarray()["l0/h"].dtype == expected


def test_an_h_that_is_projected_has_an_axis_of_its_own() -> None:
    network = nn.LSTM(3, 4, proj_size=2)
    with rnnscope.record(network) as recording:
        network(sequence())
    tree = recording.to_xarray()
    assert tree["l0/h"].dims == ("time", "batch", "unit_h")
    assert dict(tree["l0"].sizes) == {"time": 5, "batch": 2, "unit_h": 2, "unit": 4}
    with rnnscope.record(network, ["h"]) as recording:
        network(sequence())
    assert recording.to_xarray()["l0/h"].dims == ("time", "batch", "unit")


def test_modules_of_other_lengths_and_batches_stand_in_one_tree() -> None:
    network = nn.ModuleDict({"a": nn.GRU(3, 4), "b": nn.ModuleList([nn.LSTMCell(3, 5)])})
    with rnnscope.record(network) as recording:
        network["a"](sequence(5, 2))
        network["b"][0](sequence(1, 7)[0])  # pyright: ignore[reportIndexIssue]
    tree = recording.to_xarray()
    assert tree["a/l0/z"].shape == (5, 2, 4)
    assert tree["b/0/l0/c"].shape == (1, 7, 5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_steps_of_a_cell_and_of_a_layer_are_those_of_the_signal(kind: str) -> None:
    for network in (KINDS[kind](3, 4), Loop(CELLS[kind](3, 4))):
        with rnnscope.unroll(network) as recording:
            network(sequence())
        for address in recording:
            assert torch.equal(torch.stack(recording.steps(address)), recording[address])
        with pytest.raises(AddressError, match=r"part of a node of the graph; ask for l0\.h"):
            recording.steps("l0.h.2")
        with pytest.raises(AddressError, match="Layers: l0"):
            recording.steps("l1.h")


def test_steps_of_a_layer_that_was_not_unrolled_or_not_once_are_an_error() -> None:
    loop = Loop(nn.GRUCell(3, 3))
    with rnnscope.record(loop) as recorded:
        loop(sequence())
    with rnnscope.unroll(shared := Shared(loop)) as twice:
        shared(sequence())
    with rnnscope.unroll(loop) as nothing:
        pass
    for recording in (recorded, twice):
        with pytest.raises(RecordingError, match="no single steps of l0.z: they are kept by rnnscope.unroll"):
            recording.steps("l0.z")
    with pytest.raises(RecordingError, match="has not run"):
        nothing.steps("l0.z")


class Breaking(nn.Module):
    """Two layers, between which something may go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.below, self.above = nn.LSTM(3, 4), nn.LSTM(4, 5)

    def forward(self, x: Tensor, broken: bool) -> Tensor:
        hidden, _ = self.below(x)
        if broken:
            raise ZeroDivisionError
        return self.above(hidden)[0]


def test_after_a_pass_that_broke_off_what_did_not_run_is_an_error_and_nothing_is_of_the_pass_before() -> None:
    network, x = Breaking(), sequence()
    with rnnscope.record(network) as recording:
        network(sequence(), False)
        with pytest.raises(ZeroDivisionError):
            network(x, True)
        assert torch.equal(recording["below.l0.h"], network.below(x)[0])
        with pytest.raises(RecordingError, match="Nothing is recorded at above.l0.h: the network ran without calling"):
            recording["above.l0.h"]
        network(x, False)
        assert recording["above.l0.c"].shape == (5, 2, 5)


@pytest.mark.parametrize("read", [Recording.__getitem__, Recording.calls, Recording.lengths, Recording.steps])
def test_reading_a_call_that_broke_off_is_an_error(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(*_: Any) -> Any:
        raise ZeroDivisionError

    network = nn.LSTM(3, 4)
    monkeypatch.setattr("rnnscope.recording.kernels.Call.one_layer", kernel)
    with rnnscope.record(network) as recording, pytest.raises(ZeroDivisionError):
        network(sequence())
    with pytest.raises(RecordingError, match="l0.h"):
        read(recording, "l0.h")


def test_a_loop_that_breaks_off_leaves_the_steps_before() -> None:
    cell = nn.GRUCell(3, 4)
    with rnnscope.record(cell) as recording:
        h = cell(torch.randn(2, 3))
        h = cell(torch.randn(2, 3), h)
        with pytest.raises(RuntimeError):
            cell(torch.randn(2, 7), h)
    assert recording["l0.z"].shape == (2, 2, 4)
    assert torch.equal(recording["l0.h"][-1], h)


def test_a_module_that_is_never_called_has_nothing_to_read() -> None:
    with rnnscope.record(nn.LSTM(3, 4)) as recording:
        pass
    for read in (recording.__getitem__, recording.calls, recording.steps, recording.lengths):
        with pytest.raises(RecordingError, match="Nothing is recorded at l0.c: the network has not run"):
            read("l0.c")
    for convert in (recording.to_numpy, recording.to_xarray):
        with pytest.raises(RecordingError, match="has not run"):
            convert()


def test_a_recording_says_what_it_holds() -> None:
    with rnnscope.record(nn.LSTM(3, 4), ["c", "h"]) as recording:
        pass
    assert repr(recording) == "Recording(l0.h, l0.c)"
    assert list(map(str, recording)) == ["l0.h", "l0.c"]

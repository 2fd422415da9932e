"""What a block leaves alone: exceptions, copies, other people's forwards, checkpointing, memory, devices."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.checkpoint import checkpoint

import rnnscope
from rnnscope.errors import RecordingError

from .networks import Loop


def test_an_exception_of_the_user_is_not_masked_by_what_was_held_back() -> None:
    cell = nn.GRUCell(3, 4)
    with pytest.raises(KeyError, match="mine"), torch.no_grad(), rnnscope.record(cell):
        cell(torch.randn(2, 3))
        cell.weight_hh.add_(1.0)  # what is held cannot be computed any more
        raise KeyError("mine")


def test_a_copy_made_inside_a_block_is_not_listened_to() -> None:
    module: Any = nn.LSTM(3, 4)
    x = torch.randn(5, 2, 3)
    with rnnscope.intervene(module, {"l0.h": rnnscope.clamp(0.5)}):
        copied: Any = copy.deepcopy(module)
        copied.weight_hh_l0.data.mul_(2)
        inside = copied(x)[0]
    assert torch.equal(copied(x)[0], inside)
    assert not torch.equal(module(x)[0], inside)
    torch.testing.assert_close(copied.weight_hh_l0, 2 * module.weight_hh_l0)


def test_a_forward_that_is_set_inside_a_block_stays() -> None:
    module = nn.GRU(3, 4)

    def mine(x: Tensor) -> str:
        return "mine"

    with rnnscope.record(module):
        module.__dict__["forward"] = mine
    assert str(module(torch.zeros(2, 1, 3))) == "mine"


@pytest.mark.parametrize("network", [nn.Sequential(nn.GRU(3, 4)), Loop(nn.GRUCell(3, 4))], ids=["fused", "cell"])
def test_what_checkpointing_runs_again_is_not_recorded_again(network: nn.Module) -> None:
    x = torch.randn(5, 2, 3, requires_grad=True)
    with rnnscope.record(network) as recording:
        output: Any = checkpoint(network, x, use_reentrant=False)
        before = recording["l0.h"].clone()
        (output[0] if isinstance(output, tuple) else output).sum().backward()
    assert len(recording.calls("l0.h")) == 1
    assert torch.equal(recording["l0.h"], before)
    assert x.grad is not None


def test_a_training_loop_may_change_the_weights_of_a_cell_between_its_steps() -> None:
    cell = nn.GRUCell(3, 4)
    optimizer = torch.optim.SGD(cell.parameters(), lr=0.5)
    with rnnscope.record(cell) as recording:
        for _ in range(3):
            h = cell(torch.randn(2, 3))
            h.sum().backward()
            optimizer.step()
    assert [call.shape for call in recording.calls("l0.z")] == [(1, 2, 4)] * 3


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("grad", [False, True])
def test_a_batch_of_no_sequences_is_recorded(kind: Any, grad: bool) -> None:
    module, x = kind(3, 4), torch.randn(40, 0, 3)
    with torch.set_grad_enabled(grad), rnnscope.record(module) as recording:
        output, _ = module(x)
    assert output.shape == recording["l0.h"].shape == (40, 0, 4)


def test_a_cell_inside_an_adapted_layer_is_the_layers_own_affair() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden_size = 4
            self.inner = nn.GRUCell(3, 4)

        def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
            h = x.new_zeros(x.shape[1], 4) if state is None else state
            outputs = []
            for x_t in x:
                h = self.inner(x_t, h)
                outputs.append(h)
            return torch.stack(outputs), h

    class LayerAdapter(rnnscope.Adapter):
        states = ("h",)
        whole = True

        def step(self, x: Tensor, states: Any, keep: Any) -> Any:
            h = keep("h", self.module.inner(x, states[0]))
            return h, (h,)

    rnnscope.register(Layer, LayerAdapter)
    layer = Layer()
    with rnnscope.record(layer) as recording:
        output, _ = layer(torch.randn(6, 2, 3))
    assert [str(address) for address in recording] == ["l0.h"]
    assert torch.equal(recording["l0.h"], output.detach())


def test_an_intervention_alone_holds_nothing_of_what_passes() -> None:
    loop = Loop(nn.GRUCell(3, 4))
    with rnnscope.intervene(loop, {"l0.h.0": rnnscope.ablate()}):
        tap: Any = loop.cell.forward
        for _ in range(20):
            loop(torch.randn(3, 2, 3))
        assert not tap._held


def test_tensors_are_made_where_they_belong_whatever_the_default_device() -> None:
    module = nn.GRU(3, 4, bidirectional=True)
    packed = pack_sequence([torch.randn(4, 3), torch.randn(2, 3)])
    with torch.device("meta"), rnnscope.record(module) as recording:
        module(packed)
    with rnnscope.record(module) as plain:
        module(packed)
    for address in plain:
        assert torch.equal(recording[address], plain[address])


def test_recovery_does_not_obey_an_autocast_around_it() -> None:
    module, x = nn.GRU(3, 4), torch.randn(50, 2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16), rnnscope.record(module) as recording:
        output, _ = module(x)
    assert torch.equal(recording["l0.h"], output.detach())
    assert recording["l0.z"].isfinite().all()


def test_data_parallel_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"its \.module"), rnnscope.record(nn.DataParallel(nn.GRU(3, 4))):
        pass


def test_a_pass_that_broke_off_before_its_layer_says_so() -> None:
    loop = Loop(nn.GRUCell(3, 4))
    with rnnscope.record(loop) as recording:
        with pytest.raises(TypeError):
            loop(torch.zeros(()))
        with pytest.raises(RecordingError, match="broke off before"):
            recording["l0.h"]


def test_truth_values_are_no_lengths() -> None:
    with pytest.raises(RecordingError, match="a whole number"), rnnscope.record(nn.GRU(3, 4), lengths=[True, True]):
        pass

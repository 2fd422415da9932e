"""A user's own cell takes part in everything once it has an adapter."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope.errors import RecordingError
from rnnscope.recording.adapter import Keep, States, adapter_of

from .adapted import Plus, Squared, SquaredAdapter, loop, page


@pytest.mark.parametrize("shape", [(90, 2, 3), (90, 3)], ids=["batched", "unbatched"])
def test_the_cell_of_the_docs_is_recorded_as_it_runs(leaky: Any, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, dtype=torch.float64)
    plain = loop(leaky, x)
    with rnnscope.record(leaky) as recording:
        assert torch.equal(loop(leaky, x), plain)
    assert [str(address) for address in recording] == ["l0.h", "l0.a"]
    torch.testing.assert_close(recording["l0.h"], plain.detach().view(90, -1, 4), rtol=0, atol=0)
    torch.testing.assert_close(recording["l0.a"], leaky.gate(x).sigmoid().detach().view(90, -1, 4))
    assert recording.error < 1e-14


def test_the_cell_of_the_docs_unrolls_with_the_gradients_of_its_loop(leaky: Any) -> None:
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    expected = torch.autograd.grad(loop(leaky, x)[-1].square().sum(), tuple(leaky.parameters()))
    with rnnscope.unroll(leaky) as recording:
        loss = loop(leaky, x)[-1].square().sum()
    found = torch.autograd.grad(loss, tuple(leaky.parameters()), retain_graph=True)
    torch.testing.assert_close(found, expected)
    by_step = torch.autograd.grad(loss, recording.steps("l0.a"))
    assert all(gradient.abs().max() > 0 for gradient in by_step)


def test_a_change_to_a_gate_is_felt(leaky: Any) -> None:
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    with rnnscope.intervene(leaky, {"l0.a": rnnscope.clamp(0.0)}):
        assert not loop(leaky, x).any()
    with rnnscope.intervene(leaky, {"l0.a.2": rnnscope.clamp(0.0, steps=range(4))}):
        changed = loop(leaky, x)
    assert not changed[:4, :, 2].any() and changed[4:, :, 2].all()


def test_a_subclass_is_known_and_a_name_stands_for_a_class(leaky: Any) -> None:
    class Named(nn.Module):
        hidden_size = 4

    class Finer(type(leaky)):
        pass

    assert adapter_of(Finer(3, 4)) is not None
    assert adapter_of(Named()) is None
    rnnscope.register(f"{Named.__module__}.{Named.__qualname__}", Plus)
    assert isinstance(adapter_of(Named()), Plus)


def test_no_package_is_imported_only_to_look_for_its_cells() -> None:
    code = (
        "import sys, torch, rnnscope\n"
        "with rnnscope.record(torch.nn.GRU(3, 4)): pass\n"
        "print('torchrecurrent' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_input_and_state_may_be_given_by_name_in_any_order(leaky: Any) -> None:
    x, h = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64)
    with rnnscope.unroll(leaky) as recording:
        leaky(h=h, x=x)
    torch.testing.assert_close(recording["l0.h"][0], leaky(x, h))


def test_hooks_of_the_user_see_each_call_once(leaky: Any) -> None:
    seen: list[Tensor] = []
    leaky.register_forward_hook(lambda cell, given, output: seen.append(output))
    for context in (rnnscope.record, rnnscope.unroll):
        with context(leaky) as recording:
            loop(leaky, torch.randn(5, 2, 3, dtype=torch.float64))
            assert len(recording["l0.a"]) == 5
        assert len(seen) == 5
        seen.clear()


class Masked(nn.Module):
    """A cell that is given more than an input and a state."""

    hidden_size = 4

    def forward(self, x: Tensor, h: Tensor, mask: Tensor | None = None) -> Tensor:
        return (x + h).tanh() if mask is None else (x + h).tanh() * mask


class MaskedAdapter(rnnscope.Adapter):
    states = ("h",)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", (x + states[0]).tanh())
        return h, (h,)


def test_a_cell_is_not_unrolled_without_what_its_adapter_cannot_see() -> None:
    rnnscope.register(Masked, MaskedAdapter)
    cell, x = Masked(), torch.randn(2, 4)
    with rnnscope.record(cell) as recording:
        h = cell(x, torch.zeros(2, 4), torch.zeros(2, 4))
    assert torch.equal(recording["l0.h"][0], h)
    with rnnscope.unroll(cell):
        cell(x, torch.zeros(2, 4), mask=None)
        with pytest.raises(RecordingError, match="called with more than an input and a state"):
            cell(x, torch.zeros(2, 4), mask=torch.zeros(2, 4))


def test_a_layer_may_put_out_something_else_than_its_state() -> None:
    rnnscope.register(Squared, SquaredAdapter)
    layer, x = Squared(), torch.randn(50, 2, 4)
    with rnnscope.record(layer) as recording:
        output, last = layer(x)
    torch.testing.assert_close(recording["l0.y"], output)
    torch.testing.assert_close(recording["l0.h"][-1], last)


class Doubling(nn.Module):
    """A cell that puts out what is not its state."""

    hidden_size = 4

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = (x + h).tanh()
        return 2 * h, h


class DoublingAdapter(rnnscope.Adapter):
    states = ("h",)
    gates = ("total", "y")
    puts_out = "y"
    factor = 2

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", keep("total", x + states[0]).tanh())
        return keep("y", self.factor * h), (h,)


@pytest.mark.parametrize("shape", [(70, 2, 4), (5, 4)], ids=["batched", "unbatched"])
def test_the_output_of_a_cell_is_seen_and_compared(shape: tuple[int, ...]) -> None:
    class Tripling(DoublingAdapter):
        factor = 3

    def run() -> Tensor:
        h, outputs = torch.zeros(shape[1:]), []
        for x_t in x:
            y, h = cell(x_t, h)
            outputs.append(y)
        return torch.stack(outputs)

    cell, x = Doubling(), torch.randn(shape)
    plain = run()
    rnnscope.register(Doubling, DoublingAdapter)
    for context in (rnnscope.record, rnnscope.unroll):
        with context(cell) as recording:
            assert torch.equal(run(), plain)
        assert torch.equal(recording["l0.y"], plain.view(len(x), -1, 4))
    rnnscope.register(Doubling, Tripling)
    with rnnscope.record(cell, signals=["y"]) as recording:
        run()
    assert torch.equal(recording["l0.y"], plain.view(len(x), -1, 4))
    with pytest.raises(RecordingError, match="Tripling computes something else than Doubling"), rnnscope.record(cell):
        run()


def test_the_output_may_be_any_of_the_states() -> None:
    class Second(Plus):
        states = ("c", "h")
        puts_out = "h"

    adapter, c, h = Second(nn.Identity()), torch.zeros(2, 4), torch.ones(2, 4)
    assert adapter.pack(h, (c, h)) == (c, h)
    assert adapter.unpack((c, h)) == (h, (c, h))


class GRULike(nn.Module):
    """A layer that takes and gives its state as nn.GRU does."""

    hidden_size = 4

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.input, self.recurrent = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        turned = self.batch_first and x.dim() == 3
        x = x.transpose(0, 1) if turned else x
        h = x.new_zeros(*x.shape[1:-1], 4) if hx is None else hx[0]
        output = torch.stack([h := (self.input(x_t) + self.recurrent(h)).tanh() for x_t in x])
        return (output.transpose(0, 1) if turned else output), h.unsqueeze(0)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(6, 6, 3), (6, 3)], ids=["batched", "unbatched"])
def test_a_layer_may_have_the_states_of_a_gru(shape: tuple[int, ...], batch_first: bool) -> None:
    rnnscope.register(GRULike, page()["GRULikeAdapter"])
    torch.manual_seed(0)
    layer, x = GRULike(batch_first).double(), torch.randn(shape, dtype=torch.float64)
    parts = x.split(2, dim=1 if batch_first and x.dim() == 3 else 0)
    plain, last = layer(x)
    for context in (rnnscope.record, rnnscope.unroll):
        with context(layer) as recording:
            state, outputs = None, []
            for part in parts:
                output, state = layer(part, hx=state)
                outputs.append(output)
        torch.testing.assert_close(torch.cat(outputs, dim=1 if batch_first and x.dim() == 3 else 0), plain)
        torch.testing.assert_close(state, last)
        torch.testing.assert_close(recording["l0.h"][-1:].view(last.shape), last)


class MoreMaskedAdapter(MaskedAdapter):
    gates = ("mask",)

    def arguments(self, x: Tensor, state: Any = None, mask: Tensor | None = None) -> tuple[Tensor, States | None]:
        return super().arguments(torch.cat((x, torch.ones_like(x) if mask is None else mask), dim=-1), state)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        x, mask = x.chunk(2, dim=-1)
        h = keep("h", (x + states[0]).tanh() * keep("mask", mask))
        return h, (h,)


@pytest.mark.parametrize("context", [rnnscope.record, rnnscope.unroll])
def test_an_adapter_may_take_more_than_an_input_and_a_state(context: Any) -> None:
    class Other(Masked):
        pass

    rnnscope.register(Other, MoreMaskedAdapter)
    cell, x, h, mask = Other(), torch.randn(2, 4), torch.randn(2, 4), torch.tensor([[0.0, 1, 1, 0]] * 2)
    plain = cell(x, h, mask)
    with context(cell) as recording:
        assert torch.equal(cell(x, h, mask), plain)
        assert torch.equal(cell(x, mask=mask, h=h), plain)
        assert torch.equal(cell(x, h), (x + h).tanh())
    assert torch.equal(torch.cat(recording.calls("l0.mask")), torch.stack((mask, mask, torch.ones_like(x))))

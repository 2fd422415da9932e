"""Every cell and layer of torchrecurrent against the loop that a user would write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rnnscope

torchrecurrent = pytest.importorskip("torchrecurrent")

FRESH = """
import torchrecurrent, rnnscope
with rnnscope.record(torchrecurrent.MGU(3, 4)) as recording:
    print(recording)
"""

CELLS = sorted(name for name in torchrecurrent.__all__ if name.endswith("Cell"))
LAYERS = sorted(name for name in torchrecurrent.__all__ if not name.endswith("Cell"))

DECOUPLED = {"IntersectionRNNCell": "yh", "MCLSTMCell": "hvc", "TLSTMCell": "hcx"}
"""The letters of what they return: the output, which is no state, and the states."""


def make(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    module = getattr(torchrecurrent, name)(4 if name.startswith("Intersection") else 3, 4, **options).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def letters(cell: str, returned: list[Tensor]) -> str:
    return DECOUPLED.get(cell) or ("hx" if cell == "TGRUCell" else "hc"[: len(returned)])


def flat(returned: Any) -> list[Tensor]:
    return [returned] if isinstance(returned, Tensor) else [tensor for part in returned for tensor in flat(part)]


def loop(cell: nn.Module, x: Tensor) -> Iterator[list[Tensor]]:
    """All that the cell returns at each step; to tauGRU's the state of one step ago is given, too."""
    name = type(cell).__name__
    state = before = None
    for x_t in x:
        more = (before,) if name == "tauGRUCell" else ()
        returned = cell(x_t) if state is None else cell(x_t, state, *more)
        before, state = state, returned[1] if name in DECOUPLED else returned
        yield flat(returned)


def inputs(cell: Any, *shape: int) -> Tensor:
    return torch.randn(*shape, cell.input_size, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("shape", [(70, 2), (5,)], ids=["batched", "unbatched"])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_recorded_as_it_runs(name: str, shape: tuple[int, ...]) -> None:
    cell = make(name)
    x = inputs(cell, *shape)
    plain = list(loop(cell, x))
    with rnnscope.record(cell) as recording:
        for before, now in zip(plain, loop(cell, x), strict=True):
            assert all(map(torch.equal, before, now))
    expected = dict(zip(letters(name, plain[0]), map(torch.stack, zip(*plain, strict=True)), strict=True))
    assert {str(address) for address in recording} == {f"l0.{letter}" for letter in expected}
    for letter, values in expected.items():
        found = recording[f"l0.{letter}"]
        torch.testing.assert_close(found, values.detach().view(len(x), -1, values.shape[-1]), msg=letter)


@pytest.mark.parametrize("shape", [(6, 2), (5,)], ids=["batched", "unbatched"])
@pytest.mark.parametrize("name", CELLS)
def test_an_unrolled_cell_has_the_values_and_gradients_of_the_loop(name: str, shape: tuple[int, ...]) -> None:
    cell = make(name)
    x = inputs(cell, *shape)
    plain = torch.cat([torch.cat(step, -1) for step in loop(cell, x)])
    with rnnscope.unroll(cell) as recording:
        unrolled = torch.cat([torch.cat(step, -1) for step in loop(cell, x)])
    torch.testing.assert_close(unrolled, plain)
    wanted = (x, *cell.parameters())
    gradients = [
        torch.autograd.grad(values.square().sum(), wanted, allow_unused=True, retain_graph=True)
        for values in (plain, unrolled)
    ]
    torch.testing.assert_close(gradients[1], gradients[0])
    for address in recording:
        assert recording[address].requires_grad
        torch.autograd.grad(unrolled.square().sum(), recording.steps(address), retain_graph=True)


@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_recorded_by_its_cells(name: str, batch_first: bool) -> None:
    layer: Any = make(name, num_layers=2, batch_first=batch_first)
    x = inputs(layer, *((2, 7) if batch_first else (7, 2)))
    plain, state = layer(x)
    with rnnscope.record(layer) as recording:
        output, state_after = layer(x)
    assert torch.equal(output, plain)
    assert all(map(torch.equal, flat(state), flat(state_after)))
    output_letter = DECOUPLED.get(f"{name}Cell", "h")[0]
    top = plain.transpose(0, 1) if batch_first else plain
    torch.testing.assert_close(recording[f"cells.1.l0.{output_letter}"], top.detach())
    below = recording[f"cells.0.l0.{output_letter}"]
    again = torch.stack([step[0] for step in loop(layer.cells[1], below)])
    torch.testing.assert_close(recording[f"cells.1.l0.{output_letter}"], again.detach())


@pytest.mark.parametrize("name", LAYERS)
def test_an_unrolled_layer_has_the_values_and_gradients_of_the_layer(name: str) -> None:
    layer: Any = make(name, num_layers=2)
    x = inputs(layer, 6, 2)
    plain, _ = layer(x)
    with rnnscope.unroll(layer):
        unrolled, _ = layer(x)
    torch.testing.assert_close(unrolled, plain)
    wanted = (x, *layer.parameters())
    gradients = [torch.autograd.grad(y.square().sum(), wanted, allow_unused=True) for y in (plain, unrolled)]
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize("delay", [1, 3])
def test_a_change_to_tau_gru_is_felt_when_its_delay_is_over(delay: int) -> None:
    layer: Any = make("tauGRU", delay=delay)
    x = inputs(layer, 7, 2)
    past = [torch.zeros(2, 4, dtype=torch.float64)] * (delay + 1)
    for t, x_t in enumerate(x):
        h = layer.cells[0](x_t, past[-1], past[-1 - delay])
        past.append(torch.zeros_like(h) if t == 2 else h)
    with rnnscope.intervene(layer, {"l0.h": rnnscope.ablate(steps=[2])}):
        output, _ = layer(x)
    torch.testing.assert_close(output, torch.stack(past[delay + 1 :]))


def test_a_delayed_state_may_be_given_by_its_name() -> None:
    cell: Any = make("tauGRUCell")
    x, delayed = inputs(cell, 2), torch.randn(2, 4, dtype=torch.float64)
    with rnnscope.unroll(cell):
        h = cell(delayed_state=delayed, inp=x)
    torch.testing.assert_close(h, cell(x, None, delayed))
    assert not torch.allclose(h, cell(x))


def test_a_layer_reads_on_with_the_state_that_it_returned() -> None:
    layer: Any = make("MGU", num_layers=2)
    x = inputs(layer, 6, 2)
    _, state = layer(x[:4])
    with rnnscope.record(layer) as recording:
        output, _ = layer(x[4:], state)
    torch.testing.assert_close(recording["cells.1.l0.h"], output.detach())


def test_a_change_to_a_state_acts_from_the_next_step_on() -> None:
    cell: Any = make("PeepholeLSTMCell")
    x = inputs(cell, 2, 2)
    with rnnscope.intervene(cell, {"l0.c": rnnscope.clamp(0.0, steps=[0])}):
        (h_0, c_0), (h_1, _) = loop(cell, x)
    assert not c_0.any()
    torch.testing.assert_close(h_0, cell(x[0])[0])
    torch.testing.assert_close(h_1, cell(x[1], (h_0, torch.zeros_like(c_0)))[0])


@pytest.mark.parametrize("context", [rnnscope.record, rnnscope.unroll])
def test_hooks_of_the_user_see_each_call_once(context: Any) -> None:
    cell = make("IntersectionRNNCell")
    seen: list[Any] = []
    cell.register_forward_hook(lambda cell, given, output: seen.append(output))
    with context(cell) as recording:
        steps = list(loop(cell, inputs(cell, 5, 2)))
        assert len(recording["l0.y"]) == len(steps) == len(seen)


def test_nothing_has_to_be_imported_or_registered_first() -> None:
    result = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "Recording(l0.h)"

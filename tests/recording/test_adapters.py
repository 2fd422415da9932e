"""A user's own cell takes part in everything once it has an adapter, and a wrong adapter is found out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope.errors import AdapterError, RecordingError
from rnnscope.recording.adapter import Keep, States, adapter_of

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"


@pytest.fixture
def leaky() -> Any:
    """The cell of docs/adapters.md, registered as the page says."""
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0], names)
    torch.manual_seed(0)
    return names["LeakyCell"](3, 4).double()


def loop(cell: Any, x: Tensor) -> Tensor:
    h, states = x.new_zeros(*x.shape[1:-1], 4), []
    for x_t in x:
        h = cell(x_t, h)
        states.append(h)
    return torch.stack(states)


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


class Plus(rnnscope.Adapter):
    """Not what any cell does."""

    states = ("h",)
    gates = ("a",)

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", states[0] + keep("a", x.sum(-1, keepdim=True)))
        return h, (h,)


def test_an_adapter_that_does_something_else_is_found_out(leaky: Any) -> None:
    class OtherCell(type(leaky)):
        pass

    cell: Any = OtherCell(3, 4)
    rnnscope.register(type(cell), Plus)
    with pytest.raises(RecordingError, match="Plus computes something else than OtherCell does") as caught:
        with rnnscope.record(cell):
            loop(cell, torch.randn(5, 2, 3))
    assert "give h back only to within" in str(caught.value)
    assert "forward" not in vars(cell)


def test_an_adapter_of_a_layer_that_does_something_else_is_found_out() -> None:
    class Layer(rnnscope.MinGRU):
        pass

    class WholePlus(Plus):
        whole = True

    rnnscope.register(Layer, WholePlus)
    layer = Layer(3, 4)
    with pytest.raises(RecordingError, match="WholePlus computes something else than Layer does"):
        with rnnscope.record(layer):
            layer(torch.randn(5, 2, 3))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, r"names the states \(\)"),
        ({"states": ()}, r"at least one state"),
        ({"states": ("h",), "gates": ("r", "r")}, "no name twice"),
        ({"states": ("h",), "gates": ("h",)}, "no name twice"),
        ({"states": ("l0.h",)}, r"letters, digits and underscores; got l0\.h"),
    ],
)
def test_an_adapter_with_wrong_names_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        rnnscope.register(nn.Module, type("Wrong", (rnnscope.Adapter,), attributes))


def test_what_is_not_an_adapter_is_refused() -> None:
    with pytest.raises(AdapterError, match=r"int is not an adapter: derive it from rnnscope\.Adapter"):
        rnnscope.register(nn.Module, int)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda self, x, states, keep: (keep("h", states[0]), states), "Wrong has to keep a once in each step"),
        (lambda self, x, states, keep: (keep("a", keep("a", keep("h", states[0]))), states), "keep a once"),
        (lambda self, x, states, keep: (keep("q", states[0]), states), r"keeps 'q' .*; one of h, a was expected"),
        (lambda self, x, states, keep: (keep("a", x.sum()), states), r"shape \(\); .* of shape \(.*, 'unit'\)"),
    ],
)
@pytest.mark.parametrize("context", [rnnscope.record, rnnscope.unroll])
def test_an_adapter_keeps_each_signal_once_a_step(leaky: Any, step: Any, message: str, context: Any) -> None:
    cell: Any = type("OtherCell", (type(leaky),), {})(3, 4)
    rnnscope.register(type(cell), type("Wrong", (rnnscope.Adapter,), {"states": "h", "gates": "a", "step": step}))
    with pytest.raises(AdapterError, match=message), context(cell):
        loop(cell, torch.randn(5, 2, 3))


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


class Squared(nn.Module):
    """A layer whose output is not its state, and whose values are large."""

    hidden_size = 4

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(x.shape[1:]) if state is None else state
        states = torch.stack([h := 0.9 * h + 1e5 * x_t for x_t in x])
        return states.square() / 1e5, states[-1]


class SquaredAdapter(rnnscope.Adapter):
    states = ("h",)
    gates = ("y",)
    whole = True

    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        h = keep("h", 1e5 * x + 0.9 * states[0])
        return keep("y", h / 1e5 * h), (h,)


def test_a_layer_may_put_out_something_else_than_its_state() -> None:
    rnnscope.register(Squared, SquaredAdapter)
    layer, x = Squared(), torch.randn(50, 2, 4)
    with rnnscope.record(layer) as recording:
        output, last = layer(x)
    torch.testing.assert_close(recording["l0.y"], output)
    torch.testing.assert_close(recording["l0.h"][-1], last)

"""A wrong adapter is found out: when it is registered, or as soon as it is at work."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rnnscope
from rnnscope.errors import AdapterError, InterventionError, RecordingError
from rnnscope.recording.adapter import Keep, States

from .adapted import Plus, Squared, SquaredAdapter, loop


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
        (
            {"states": ("h",), "gates": ("a",), "puts_out": "y"},
            "Wrong puts out 'y', which is none of its signals: h, a",
        ),
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


def test_what_is_put_out_and_is_no_state_goes_one_way() -> None:
    rnnscope.register(Squared, SquaredAdapter)
    for signal in ("h", "y"):
        with pytest.raises(InterventionError, match=f"said of l0.{signal}: this layer puts out y, which is no state"):
            with rnnscope.intervene(Squared(), {f"l0.{signal}": rnnscope.ablate(on="above")}):
                pass


def test_of_a_cell_in_a_loop_the_loop_decides(leaky: Any) -> None:
    with pytest.raises(InterventionError, match="on='above' cannot be said of l0.h: the loop around the cell decides"):
        with rnnscope.intervene(leaky, {"l0.h": rnnscope.ablate(on="above")}):
            pass


@pytest.mark.parametrize("context", [rnnscope.record, rnnscope.unroll])
def test_an_adapter_says_what_it_puts_out(context: Any) -> None:
    layer = Squared()
    adapter = type("Silent", (SquaredAdapter,), {"puts_out": ""})
    layer.__class__ = type("Other", (Squared,), {})
    rnnscope.register(type(layer), adapter)
    with pytest.raises(AdapterError, match="Silent puts out something else than its 'h'"), context(layer):
        layer(torch.randn(5, 2, 4))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda h, kept: (h, (kept,)), "Wrong puts out something else than its 'h'"),
        (lambda h, kept: (kept, (h,)), "Wrong goes on with something else than its 'h': return what keep gives back"),
        (lambda h, kept: (kept, (kept, kept)), "Wrong returns 2 states; h was expected"),
    ],
)
def test_a_change_that_an_adapter_would_lose_is_an_error(leaky: Any, returned: Any, message: str) -> None:
    def step(self: Any, x: Tensor, states: States, keep: Keep) -> Any:
        h = self.module(x, states[0])
        return returned(h, keep("h", h))

    cell: Any = type("OtherCell", (type(leaky),), {})(3, 4)
    rnnscope.register(type(cell), type("Wrong", (rnnscope.Adapter,), {"states": ("h",), "step": step}))
    with pytest.raises(AdapterError, match=message), rnnscope.intervene(cell, {"l0.h": rnnscope.clamp(0.5)}):
        loop(cell, torch.randn(5, 2, 3))


def test_what_is_no_adapter_is_refused_when_it_is_registered() -> None:
    class Stepless(rnnscope.Adapter):
        states = ("h",)

    class Forgetful(rnnscope.Adapter):
        states = ("h",)
        memory = "q"

        def step(self, x: Any, states: Any, keep: Any) -> Any: ...

    no_adapters: list[tuple[Any, str]] = [(5, "adapter were expected"), (Stepless, "lacks step"), (Forgetful, "memory")]
    for adapter, said in no_adapters:
        with pytest.raises(AdapterError, match=said):
            rnnscope.register(nn.Linear, adapter)


def test_a_step_that_returns_nothing_is_said() -> None:
    class Cell(nn.Module):
        hidden_size = 4

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            return h

    class CellAdapter(rnnscope.Adapter):
        states = ("h",)

        def step(self, x: Any, states: Any, keep: Any) -> Any:
            keep("h", states[0])

    rnnscope.register(Cell, CellAdapter)
    cell = Cell()
    with pytest.raises(AdapterError, match="has to return"), rnnscope.unroll(cell):
        cell(torch.zeros(2, 3), torch.zeros(2, 4))

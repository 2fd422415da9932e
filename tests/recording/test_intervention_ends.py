"""What is refused before anything runs, and that nothing is left after a block of interventions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from rnnscope import ablate, clamp, intervene, patch, resample
from rnnscope.errors import AddressError, ArgumentError, InterventionError, RnnscopeError
from rnnscope.recording.intervention import Intervention

from .networks import KINDS, Loop, counts, fused_and_loop, stumble, text


@pytest.mark.parametrize("where", ["nowhere", "block", "value", "model", "inner block"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_left_after_the_block(where: str, kind: str) -> None:
    for network in fused_and_loop(kind):
        x, layer = text(), getattr(network, "cell", network)
        plain = network(x)[0]
        handle = network.register_forward_hook(stumble) if where == "model" else None
        try:
            with intervene(network, {"l0.h.1": Intervention(stumble) if where == "value" else ablate()}):
                network(x)
                with intervene(network, {"l0.h.2": ablate()}):
                    if where == "inner block":
                        raise ZeroDivisionError
                if where == "block":
                    raise ZeroDivisionError
        except ZeroDivisionError:
            assert where != "nowhere"
        else:
            assert where == "nowhere"
        if handle is not None:
            handle.remove()
        assert "forward" not in vars(layer)
        assert not network._forward_pre_hooks
        assert torch.equal(network(x)[0], plain)


def test_an_inner_block_that_breaks_off_leaves_the_outer_one_in_force(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": clamp(7.0)}):
        with pytest.raises(ZeroDivisionError):
            counts(counter, {"l0.h.0": Intervention(stumble)})
        assert counts(counter, {}) == [7, 7, 7, 7, 7, 7]


@pytest.mark.parametrize(
    ("interventions", "error", "said"),
    [
        ({"l0.q": ablate()}, AddressError, "It has: h, c, i, f, g, o"),
        ({"l2.h": ablate()}, AddressError, "Layers: l0, l1"),
        ({"l0r.h": ablate()}, AddressError, "Layers: l0, l1"),
        ({"l0.c.4": ablate()}, AddressError, "no unit 4 in l0.c. Units: 0 to 3"),
        ({"l0.h.2": ablate()}, AddressError, "no unit 2 in l0.h. Units: 0 to 1"),
        ({("l0.c.1", "l0.c.9"): ablate()}, AddressError, "no unit 9 in l0.c"),
        ({"37": ablate()}, AddressError, "not an address"),
        ({"l0.c": clamp(1.0, on="above")}, InterventionError, "h alone"),
        ({"l0.f": clamp(1.0, on="recurrence")}, InterventionError, "h alone"),
        ({"l0.c.1": 0.0}, InterventionError, r"l0\.c\.1 is given 0\.0; one such as ablate\(\)"),
        ({"l0.c.1": ablate}, InterventionError, "l0.c.1 is given <function ablate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_changed_is_refused_before_anything_runs(
    interventions: Any, error: type[RnnscopeError], said: str
) -> None:
    module = nn.LSTM(3, 4, 2, proj_size=2)
    with pytest.raises(error, match=said), intervene(module, interventions):
        raise AssertionError
    assert "forward" not in vars(module)


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (ablate, {"steps": 3}, r"steps are whole numbers, such as range\(10\) or \[3\]; got 3"),
        (ablate, {"steps": ["3"]}, r"steps are whole numbers, such as range\(10\) or \[3\]; got \['3'\]"),
        (ablate, {"on": "sideways"}, "on is both, above or recurrence; got 'sideways'"),
        (clamp, {"value": float("nan")}, "finite value; got nan"),
        (clamp, {"value": float("inf")}, "finite value; got inf"),
        (clamp, {"value": "a"}, "finite value; got 'a'"),
        (clamp, {"value": None}, "finite value; got None"),
        (ablate, {"mean": 0.5}, "recording"),
        (patch, {"source": torch.zeros(3, 1, 4)}, "recording"),
        (resample, {"source": 7}, "recording"),
    ],
    ids=["steps", "words", "on", "nan", "inf", "word", "none", "mean", "patch", "resample"],
)
def test_an_intervention_without_sense_is_refused_when_it_is_made(make: Any, options: Any, said: str) -> None:
    with pytest.raises((ArgumentError, InterventionError), match=said):
        make(**options)


def test_a_cell_in_a_loop_has_no_ways_of_its_own_and_says_which_units_it_has() -> None:
    loop = Loop(nn.LSTMCell(3, 4))
    with pytest.raises(InterventionError, match="the loop around the cell decides"):
        with intervene(loop, {"l0.h": ablate(on="above")}):
            raise AssertionError
    with pytest.raises(AddressError, match="no unit 4 in l0.c. Units: 0 to 3"), intervene(loop, {"l0.c.4": ablate()}):
        loop(torch.randn(5, 2, 3))

"""Any layer step by step: differentiable, in any mode, on any device, and open to interventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from rnnscope.errors import AdapterError

from .adapter import Adapter, States
from .directions import Directions

Edit = Callable[[Tensor, int | None], Tensor]
"""A value (batch, unit) and its step in the text, None where sequences differ in it; what becomes of the value."""

Where = Literal["both", "above", "recurrence"]
"""Of a state that is put out: what goes to the layers above, what goes on in time, or both."""

Edits = dict[str, list[tuple[Where, Edit]]]
"""By signal, in the order in which they are made."""


def unroll_layer(
    adapter: Adapter,
    x: Tensor,
    initial: States,
    edits: Edits,
    *,
    start: int = 0,
    reverse: bool = False,
    lengths: Tensor | None = None,
    directions: Mapping[str, Directions] | None = None,
) -> tuple[Tensor, States, dict[str, list[Tensor]]]:
    """Run one layer and direction by its adapter.

    Parameters
    ----------
    adapter : Adapter
    x : tensor of shape (time, batch, input)
        In the order of reading.
    initial : tuple of tensors of shape (batch, unit)
    edits : dict
        What is changed on the way.
    start : int
        The number of the first step of the text, for the edits.
    reverse : bool
        Whether the order of reading is from the text's end.
    lengths : tensor of shape (batch,), or None
        Sequences end there: their states stay, their outputs are zero.
    directions : mapping of str to Directions, optional
        What is shown along with the signals, as nodes of the graph.

    Returns
    -------
    output : tensor of shape (time, batch, unit)
    states : tuple of tensors of shape (batch, unit)
    signals : dict of name to list of tensors of shape (batch, unit)
        By step, in the order of reading.
    """
    directions = directions or {}
    signals: dict[str, list[Tensor]] = {name: [] for name in (*adapter.signals, *directions)}
    outputs, states, time = [], initial, len(x)
    for t, x_t in enumerate(adapter.prepare(x).unbind()):
        step = start + (time - 1 - t if reverse else t) if lengths is None or not reverse else None
        output, after = step_once(adapter, x_t, states, edits, step, signals, directions)
        if lengths is not None:
            alive = (t < lengths)[:, None]
            after = tuple(torch.where(alive, new, old) for new, old in zip(after, states, strict=True))
            output = torch.where(alive, output, 0)
        states = after
        outputs.append(output)
    return torch.stack(outputs), states, signals


def step_once(
    adapter: Adapter,
    x: Tensor,
    states: States,
    edits: Edits,
    step: int | None,
    signals: dict[str, list[Tensor]],
    directions: Mapping[str, Directions] | None = None,
) -> tuple[Tensor, States]:
    """One step of an adapter on a prepared input, edited on the way; its signals and directions are appended.

    Raises
    ------
    AdapterError
        If it does not keep each of its signals once, of shape (batch, unit), or returns something else than it kept.
    """
    batch, kept = states[0].shape[:-1], 1 + len(signals[adapter.states[0]])
    raw: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> Tensor:
        if name not in signals or value.shape[:-1] != batch:
            raise AdapterError(
                f"{type(adapter).__name__} keeps {name!r} of shape {tuple(value.shape)}; one of "
                f"{', '.join(adapter.signals)} was expected, of shape {(*batch, 'unit')}."
            )
        raw[name] = value
        value = _edited(value, edits.get(name, []), ("both",), step)
        for shown, along in (directions or {}).items():
            if along.base == name:
                node, value = along.through(value)
                signals[shown].append(node)
        signals[name].append(value)
        return value

    returned = adapter.step(x, states, keep)
    if wrong := [name for name, values in signals.items() if len(values) != kept]:
        raise AdapterError(f"{type(adapter).__name__} has to keep {', '.join(wrong)} once in each step.")
    output, states = _checked(adapter, returned, signals)
    mine = edits.get(adapter.output, [])
    if all(where == "both" for where, _ in mine):
        return output, states
    place = adapter.states.index(adapter.output)
    goes_on = _edited(raw[adapter.output], mine, ("both", "recurrence"), step)
    output = _edited(raw[adapter.output], mine, ("both", "above"), step)
    return output, (*states[:place], goes_on, *states[place + 1 :])


def _edited(value: Tensor, edits: list[tuple[Where, Edit]], places: tuple[Where, ...], step: int | None) -> Tensor:
    for where, edit in edits:
        if where in places:
            value = edit(value, step)
    return value


def _checked(adapter: Adapter, returned: Any, signals: dict[str, list[Tensor]]) -> tuple[Tensor, States]:
    """What a step returns, which has to be what `keep` gave back, or a change to it would be lost."""
    name, who = adapter.output, type(adapter).__name__
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], tuple):
        raise AdapterError(f"{who}.step has to return (output, states), the states a tuple.")
    output, states = returned
    if not _same(output, signals[name][-1]):
        raise AdapterError(
            f"{who} puts out something else than its {name!r}: "
            "keep what is put out as a signal, return what keep gives back, and name the signal in puts_out."
        )
    if len(states) != len(adapter.states):
        raise AdapterError(f"{who} returns {len(states)} states; {', '.join(adapter.states)} was expected.")
    for name, state in zip(adapter.states, states, strict=True):
        if not _same(state, signals[name][-1]):
            raise AdapterError(f"{who} goes on with something else than its {name!r}: return what keep gives back.")
    return output, states


def _same(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    return one.shape == other.shape and torch.allclose(one, other.to(one), rtol=0, atol=0, equal_nan=True)

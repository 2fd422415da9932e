"""The tap of cells that somebody's own loop calls, and of layers that only an adapter knows."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from rnnscope.errors import RecordingError

from .adapter import Adapter, States
from .chains import Chain, Chains
from .kernels import Found, Place
from .recovery import agree, tolerance
from .tap import Observers, Tap
from .unroll import step_once, unroll_layer

_HELD = 64
"""Steps of a cell that are held before their signals are computed together."""

_PLACE = Place(0, False)


class _Held:
    """Steps of one sequence whose signals are not computed yet."""

    def __init__(self, observers: Observers) -> None:
        self.observers = observers
        self.steps: list[tuple[Tensor, States, dict[str, Tensor]]] = []
        """Input, states before, and the signals that the module showed."""
        self.allowed = 0.0
        """What rounding explains in the arithmetic of these steps."""
        self.autocast: tuple[bool, torch.dtype] | None = None
        """Whether and to what products were cast, when it was."""

    def take(self, x: Tensor, before: States, shown: dict[str, Tensor]) -> None:
        """Hold a step, in memory of its own."""
        kind = x.device.type
        self.autocast = (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
        copies = {name: _copy(values) for name, values in shown.items()}
        self.steps.append((_copy(x), tuple(map(_copy, before)), copies))
        self.allowed = max(
            [self.allowed, *(tolerance(values) for values in copies.values() if values.is_floating_point())]
        )


class CellTap(Tap):
    """The module runs as it is and its adapter computes what it hides; or its adapter runs in its place."""

    def __init__(self, module: Any, adapter: Adapter) -> None:
        super().__init__(module)
        self.adapter = adapter
        self._takes = _positions(adapter.arguments)
        self.chains = Chains(loop=True)
        self._inside = False
        self._held: dict[Chain, _Held] = {}

    def run(self, *args: Any, **kwargs: Any) -> Any:
        if self._inside:  # the adapter calls the module it stands for
            return self.forward(*args, **kwargs)
        return (self._sequence if self.adapter.whole else self._step)(args, kwargs)

    def _step(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x, given = self._arguments(args, kwargs)
        single = x.dim() == 1
        if single:
            x, given = x.unsqueeze(0), None if given is None else tuple(state.unsqueeze(0) for state in given)
        states = self.adapter.initial(x) if given is None else given
        chain = self.chains.find(states, fresh=given is None)
        if self.stepwise:
            directions = self.nodes(_PLACE)
            signals: dict[str, list[Tensor]] = {name: [] for name in (*self.adapter.signals, *directions)}
            with self._adapting():
                prepared, edits = self.adapter.prepare(x), self.edits_at(_PLACE)
                output, after = step_once(self.adapter, prepared, states, edits, chain.steps, signals, directions)
            if self.listening:
                self._hold(chain).observers.receive(_stacked(signals))
            returned = self.adapter.pack(*((output[0], tuple(s[0] for s in after)) if single else (output, after)))
        else:
            returned = self.forward(*args, **kwargs)
            output, after = self.adapter.unpack(returned)
            if single:
                output, after = output.unsqueeze(0), tuple(state.unsqueeze(0) for state in after)
            if self.listening:
                shown = {self.adapter.output: output, **dict(zip(self.adapter.states, after, strict=True))}
                held = self._hold(chain)
                held.take(x, states, shown)
                if torch.is_grad_enabled() or len(held.steps) >= _HELD:  # a training loop changes the weights
                    self._let_go(held)
        self.chains.go_on(chain, after, 1)
        return returned

    def flush(self) -> None:
        """Compute what is held."""
        for held in self._held.values():
            self._let_go(held)

    def forget(self) -> None:
        """Let go of what is held."""
        self._held.clear()

    def _hold(self, chain: Chain) -> _Held:
        held = self._held.get(chain)
        if held is None or not held.observers.current:
            self.flush()
            self._held = {other: h for other, h in self._held.items() if h.observers.current}
            held = self._held[chain] = _Held(Observers(self))
        return held

    @torch.no_grad()
    def _let_go(self, held: _Held) -> None:
        """All held steps at once: to the cell, a step more is a row more."""
        if not held.steps:
            return
        x, before, shown = zip(*held.steps, strict=True)
        held.steps = []
        seen = {name: torch.stack([step[name] for step in shown]) for name in shown[0]}
        held.observers.receive(Found(_PLACE, seen, None, 0.0, {}))
        if held.observers.wanted(_PLACE) - set(seen):
            x = torch.stack(x)
            enabled, dtype = held.autocast or (False, x.dtype)
            with torch.autocast(x.device.type, dtype=dtype, enabled=enabled):
                found = self._rows(x, tuple(map(torch.stack, zip(*before, strict=True))))
            error = self._agree([found.pop(name) for name in seen], [*seen.values()], held.allowed)
            held.observers.receive(Found(_PLACE, found, None, error, {}))

    def _sequence(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x, given = self._arguments(args, kwargs)
        turn = _Turn(x, getattr(self.module, "batch_first", False))
        x, given = turn.sequence(x), None if given is None else tuple(map(turn.state, given))
        states = self.adapter.initial(x[0]) if given is None else given
        chain, observers = self.chains.find(states, fresh=given is None), Observers(self)
        if self.stepwise:
            edits, directions = self.edits_at(_PLACE), self.nodes(_PLACE)
            with self._adapting():
                output, last, signals = unroll_layer(
                    self.adapter, x, states, edits, start=chain.steps, directions=directions
                )
            observers.receive(_stacked(signals))
            returned = self.adapter.pack(turn.back(output), tuple(map(turn.state_back, last)))
        else:
            returned = self.forward(*args, **kwargs)
            output, last = self.adapter.unpack(returned)
            output, last = turn.sequence(output), tuple(map(turn.state, last))
            observers.receive(self._recovered(x, states, output, last))
        self.chains.go_on(chain, last, len(x))
        return returned

    @torch.no_grad()
    def _recovered(self, x: Tensor, states: States, output: Tensor, last: States) -> Found:
        """The signals of a layer that has run: all steps at once if its output is all its state, else one by one."""
        if len(states) == 1 and self.adapter.output in self.adapter.states:
            signals = self._rows(x, (torch.cat((states[0].unsqueeze(0), output[:-1])),))
            found = signals[self.adapter.output]
            after: States = (found[-1],)
        else:
            with self._adapting():
                found, after, steps = unroll_layer(self.adapter, x, states, {})
            signals = _stacked(steps).signals
        error = self._agree((found, *after), (output, *last), tolerance(output))
        return Found(_PLACE, {**signals, self.adapter.output: output.detach().clone()}, None, error, {})

    def _rows(self, x: Tensor, before: States) -> dict[str, Tensor]:
        """The signals of many steps whose states are known, each a row of one large batch."""
        signals: dict[str, list[Tensor]] = {name: [] for name in self.adapter.signals}
        with self._adapting():
            prepared = self.adapter.prepare(x.flatten(0, 1))
            step_once(self.adapter, prepared, tuple(s.flatten(0, 1) for s in before), {}, 0, signals)
        return {name: values[0].unflatten(0, x.shape[:2]) for name, values in signals.items()}

    @contextmanager
    def _adapting(self) -> Iterator[None]:
        """The adapter is at work, and may call the module."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _agree(self, found: Sequence[Tensor], seen: Sequence[Tensor], allowed: float) -> float:
        """The largest difference of what the adapter found from what the module did, relative to 1 + its size."""
        module, adapter = type(self.module).__name__, type(self.adapter).__name__
        differences = [(one - other) / (1 + other.abs()) for one, other in zip(found, seen, strict=True)]
        suspect = f"{adapter} computes something else than {module} does, or it"
        strangest = max(seen, key=lambda values: values.isnan().any().item())
        return agree(module, differences, strangest, suspect, allowed)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, States | None]:
        """Input and states of a call, as far as the adapter knows of what it is given."""
        if kwargs:
            args = _in_order(self.forward, args, kwargs)
        if self.stepwise and any(other is not None for other in args[self._takes :]):
            raise RecordingError(
                f"{type(self.module).__name__} was called with more than an input and a state, which is all that its "
                "adapter knows of. Its states can be recorded; to unroll it or to intervene in it, its adapter has to "
                "take the rest, too (see Adapter.arguments)."
            )
        return self.adapter.arguments(*args[: self._takes])


class _Turn:
    """Between a module's order of axes and (time, batch, unit)."""

    def __init__(self, x: Tensor, batch_first: bool) -> None:
        self._single = x.dim() == 2
        self._batch_first = batch_first and not self._single

    def sequence(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1) if self._single else x.transpose(0, 1) if self._batch_first else x

    def back(self, x: Tensor) -> Tensor:
        return x.squeeze(1) if self._single else x.transpose(0, 1) if self._batch_first else x

    def state(self, state: Tensor) -> Tensor:
        return state.unsqueeze(0) if self._single else state

    def state_back(self, state: Tensor) -> Tensor:
        return state.squeeze(0) if self._single else state


def _positions(function: Callable[..., Any]) -> int:
    """How many arguments a function takes."""
    parameters = inspect.signature(function).parameters.values()
    return sys.maxsize if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(parameters)


def _in_order(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """What a function is given, in the order of its parameters up to the last one that is."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    last = next(reversed(bound.arguments))
    bound.apply_defaults()
    while next(reversed(bound.arguments)) != last:
        bound.arguments.popitem()
    return (*bound.args, *bound.kwargs.values())


def _stacked(signals: dict[str, list[Tensor]]) -> Found:
    return Found(_PLACE, {name: torch.stack(steps) for name, steps in signals.items()}, None, 0.0, signals)


def _copy(values: Tensor) -> Tensor:
    return values.detach().clone()

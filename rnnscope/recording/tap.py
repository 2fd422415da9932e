"""What stands in the place of a recurrent module's ``forward`` while somebody listens or intervenes.

A tap is put in by the first who needs it and taken out by the last. However many recordings,
unrollings and interventions there are, the module runs once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from .address import Address
from .chains import Chains
from .directions import Directions, directions_of
from .kernels import Found, Place, cut
from .tape import CallSignals, Tape
from .unroll import Edits


class Listener:
    """A tape's ear at one module.

    Parameters
    ----------
    tape : Tape
    path : str
        Of the module in the tape's addresses.
    attached : bool
        Whether it wants the signals as nodes of the graph.
    """

    def __init__(self, tape: Tape, path: str, attached: bool = False) -> None:
        self.tape = tape
        self.path = path
        self.attached = attached
        self._wanted: dict[Place, set[str]] = {}
        for address in tape.addresses:
            if address.module == path:
                self._wanted.setdefault(Place(address.layer, address.reverse), set()).add(address.signal)

    def wanted(self, place: Place) -> set[str]:
        return self._wanted.get(place, set())

    def take(self, call: CallSignals, found: Found) -> None:
        """Keep what is wanted of what was found in a call."""
        for name in self.wanted(found.place) & found.signals.keys():
            address = Address(self.path, *found.place, name)
            call.append(address, found.signals[name] if self.attached else found.signals[name].detach())
            if self.attached and name in found.steps:
                call.steps.setdefault(address, []).extend(found.steps[name])
        if found.lengths is not None:
            call.lengths = found.lengths
        self.tape.take_error(found.error)


class Tap(ABC):
    """The stand-in for the ``forward`` of one module."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.forward = module.forward
        self.listeners: list[Listener] = []
        self.edits: list[dict[Place, Edits]] = []
        self.chains: Chains
        self.users = 0
        self._own = module.__dict__.get("forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():  # what is compiled around a network leaves its graph here
            return torch.compiler.disable(self.run)(*args, **kwargs)
        return self.run(*args, **kwargs)

    @abstractmethod
    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The module's call."""

    def flush(self) -> None:  # noqa: B027
        """Hand over what is still held back."""

    def forget(self) -> None:  # noqa: B027
        """Let go of what is still held back."""

    @property
    def listening(self) -> list[Listener]:
        """Who listens; nobody while a backward pass runs the module once more, as checkpointing does."""
        return [] if running_backward() else self.listeners

    def wanted(self, place: Place) -> set[str]:
        """The signals of the module that any listener wants, or wants directions of."""
        named, shown = _named(place, self.listening), directions_of(self.module).get(place, {})
        return {shown[name].base if name in shown else name for name in named}

    def directions(self, place: Place) -> dict[str, Directions]:
        """The directions that any listener wants."""
        return self._chosen(place, self.listening)

    def nodes(self, place: Place) -> dict[str, Directions]:
        """The directions that any listener wants as nodes of the graph, which is the same when it is made once more."""
        return self._chosen(place, [listener for listener in self.listeners if listener.attached])

    def _chosen(self, place: Place, listeners: list[Listener]) -> dict[str, Directions]:
        shown = directions_of(self.module).get(place)
        if not shown:
            return {}
        named = _named(place, listeners)
        return {name: directions for name, directions in shown.items() if name in named}

    def edits_at(self, place: Place) -> Edits:
        """All edits of a layer and direction, those of the outer interventions first."""
        together: Edits = {}
        for edits in self.edits:
            for signal, changes in edits.get(place, {}).items():
                together.setdefault(signal, []).extend(changes)
        return together

    @property
    def passes(self) -> list[tuple[int, int]]:
        """Who listens, and in which pass."""
        return [(id(listener), listener.tape.passes) for listener in self.listening]

    @property
    def stepwise(self) -> bool:
        """Whether the module has to run step by step."""
        return bool(self.edits) or any(listener.attached for listener in self.listeners)

    def close(self) -> None:
        """Give the module its own ``forward`` back."""
        if self.module.__dict__.get("forward") is not self:
            return  # somebody has put another in its place
        if self._own is None:
            del self.module.__dict__["forward"]
        else:
            self.module.__dict__["forward"] = self._own

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of the module is not listened to: it gets a plain ``forward``."""
        copied = memo.get(id(self.module), self.module)
        return MethodType(type(self.module).forward, copied)


def running_backward() -> bool:
    return torch._C._current_graph_task_id() != -1


def _named(place: Place, listeners: list[Listener]) -> set[str]:
    """The names of the signals and directions that any of some listeners wants."""
    return set().union(*(listener.wanted(place) for listener in listeners))


def _with_directions(found: Found, directions: dict[str, Directions]) -> Found:
    """What was found, with the coordinates of what is there along directions, zero beyond a sequence's end."""
    there = found.signals
    more = {
        name: one.coordinates(there[one.base])
        for name, one in directions.items()
        if one.base in there and name not in there
    }
    if found.lengths is not None:
        more = {name: cut(values, found.lengths) for name, values in more.items()}
    return found._replace(signals={**there, **more}) if more else found


class Observers:
    """All listeners of a tap in one call or sequence."""

    def __init__(self, tap: Tap, unsorted: Tensor | None = None) -> None:
        self._tap = tap
        self.unsorted = unsorted
        self._calls = [(listener, listener.tape.begin_call(listener.path)) for listener in tap.listening]
        self._passes = tap.passes

    @property
    def current(self) -> bool:
        """Whether the same listeners are still in the same pass."""
        return self._passes == self._tap.passes

    def wanted(self, place: Place) -> set[str]:
        return self._tap.wanted(place)

    def receive(self, found: Found) -> None:
        """Hand on what was found, in the order in which the sequences were given."""
        found = _with_directions(found, self._tap.directions(found.place))
        if (order := self.unsorted) is not None:
            signals = {name: values.index_select(1, order) for name, values in found.signals.items()}
            lengths = None if found.lengths is None else found.lengths[order.cpu()]
            found = found._replace(signals=signals, lengths=lengths)
        for listener, call in self._calls:
            listener.take(call, found)

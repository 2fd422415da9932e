"""Which calls belong to one sequence: a network is often run a step or a stretch at a time."""

from __future__ import annotations

from collections import OrderedDict

import torch

from .adapter import States


class Chain:
    """A sequence that goes on from call to call.

    Attributes
    ----------
    first, last : tuple of tensors
        The states before its first and after its last step so far.
    steps : int
        How many there were before its next call.
    """

    def __init__(self, first: States, steps: int = 0) -> None:
        self.first = self.last = _copied(first)
        self.steps = steps


class Chains:
    """The sequences that a module is reading.

    A call goes on with the sequence whose last states it is given, or begins a new one. States are
    known by their memory, and by their values if these are not all zero, as those of a beginning
    mostly are. A call that is given states from the midst of a sequence begins a new one that counts
    on from there. A cell in somebody's loop is often given what no call has returned, because states
    are masked or scaled between the steps: with ``loop`` it then goes on with the latest sequence,
    unless these are the states with which that one began.
    """

    _KEPT = 256

    def __init__(self, loop: bool) -> None:
        self._loop = loop
        self._open: OrderedDict[Chain, None] = OrderedDict()
        self._returned: OrderedDict[int, tuple[Chain, int, States, States]] = OrderedDict()
        """By memory: chain, steps, values, and the tensors themselves, so that their memory is not used again."""
        self._latest: Chain | None = None

    def find(self, states: States, fresh: bool) -> Chain:
        """The sequence that a call with these states belongs to; ``fresh`` if it was given none."""
        chain = None if fresh else self._by_memory(states) or self._by_value(states) or self._by_order(states)
        self._latest = Chain(states) if chain is None else chain
        self._open[self._latest] = None
        self._open.move_to_end(self._latest)
        while len(self._open) > self._KEPT:
            self._open.popitem(last=False)
        return self._latest

    def go_on(self, chain: Chain, states: States, steps: int) -> None:
        """A call of so many steps has returned these states."""
        chain.last = _copied(states)
        chain.steps += steps
        seen = tuple(state.detach() for state in states)
        self._returned[states[0].data_ptr()] = (chain, chain.steps, chain.last, seen)
        while len(self._returned) > self._KEPT:
            self._returned.popitem(last=False)

    def begin_pass(self) -> None:
        """The network was called anew: what follows goes on with a sequence only if it says so."""
        self._latest = None

    def _by_memory(self, states: States) -> Chain | None:
        chain, steps, values, _ = self._returned.get(states[0].data_ptr(), (None, 0, (), ()))
        if chain is None or not _same(values, states):
            return None
        return chain if steps == chain.steps else Chain(states, steps)

    def _by_value(self, states: States) -> Chain | None:
        if not any(state.any() for state in states):
            return None
        return next((c for c in reversed(self._open) if c.last is not c.first and _same(c.last, states)), None)

    def _by_order(self, states: States) -> Chain | None:
        latest = self._latest
        if not self._loop or latest is None or latest.last[0].shape != states[0].shape:
            return None
        begins = _same(latest.first, states) and not _same(latest.last, states)
        return None if begins else latest


def _same(one: States, other: States) -> bool:
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(one, other, strict=True))


def _copied(states: States) -> States:
    return tuple(state.detach().clone() for state in states)

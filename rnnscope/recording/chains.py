"""Which calls belong to one sequence: a network is often run a step or a stretch at a time."""

from __future__ import annotations

import torch

from .adapter import States


class Chain:
    """A sequence that goes on from call to call.

    Attributes
    ----------
    first, last : tuple of tensors
        The states before its first and after its last step so far.
    steps : int
        How many it has had.
    """

    def __init__(self, first: States) -> None:
        self.first = tuple(state.detach().clone() for state in first)
        self.last = self.first
        self.steps = 0

    def go_on(self, states: States, steps: int) -> None:
        self.last = tuple(state.detach() for state in states)
        self.steps += steps


class Chains:
    """The sequences that a module is reading.

    A call goes on with the sequence whose last states it is given, or begins a new one. A cell in
    somebody's loop is often given what no call has returned, because states are masked or scaled
    between the steps: with ``loop`` it then goes on with the latest sequence, unless these are the
    states with which that one began (zeros mostly).
    """

    _OPEN = 256

    def __init__(self, loop: bool) -> None:
        self._loop = loop
        self._open: list[Chain] = []
        self._latest: Chain | None = None

    def find(self, states: States, fresh: bool = False) -> Chain:
        """The sequence that a call with these states belongs to; ``fresh`` if it was given none."""
        chain = None if fresh else self._going_on(states)
        if chain is None:
            self._open = [*self._open[1 - self._OPEN :], chain := Chain(states)]
        self._latest = chain
        return chain

    def begin_pass(self) -> None:
        """The network was called anew: what follows goes on with a sequence only if it says so."""
        self._latest = None

    def _going_on(self, states: States) -> Chain | None:
        for chain in reversed(self._open):
            if chain.steps and _same(chain.last, states):
                return chain
        latest = self._latest
        same_size = latest is not None and latest.last[0].shape == states[0].shape
        return latest if self._loop and latest and same_size and not _same(latest.first, states) else None


def _same(one: States, other: States) -> bool:
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(one, other, strict=True))

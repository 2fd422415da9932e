"""What listeners write while a network runs: the signals of each call of each module."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rnnscope.errors import RecordingError

from .address import Address


class Tape:
    """What is written in a pass, and read by a `rnnscope.Recording`.

    Parameters
    ----------
    addresses : sequence of Address
        The signals that are recorded.
    lengths : int64 tensor of shape (batch,), optional
        The true lengths of the sequences, where these do not say it themselves.

    Attributes
    ----------
    calls : dict of list of CallSignals
        Those of the last pass, by the path of the module.
    error : float
        The largest difference found by the self-check.
    passes : int
        That have begun.
    flush : list of callable
        Take in what taps hold back.
    """

    def __init__(self, addresses: Sequence[Address], lengths: Tensor | None = None) -> None:
        self.addresses = tuple(addresses)
        self.calls: dict[str, list[CallSignals]] = {}
        self.error = 0.0
        self.passes = 0
        self.flush: list[Callable[[], None]] = []
        self._lengths = lengths

    def begin_pass(self) -> None:
        """Forget what the pass before has left."""
        self.passes += 1
        self.error = 0.0
        self.calls.clear()

    def begin_call(self, path: str) -> CallSignals:
        """Make room for a call of a module."""
        call = CallSignals(self._lengths)
        self.calls.setdefault(path, []).append(call)
        return call

    def take_error(self, error: float) -> None:
        """Keep the largest, NaN being larger than any."""
        self.error = error if math.isnan(error) else max(self.error, error)

    def catch_up(self) -> None:
        """Take in what taps hold back."""
        for flush in self.flush:
            flush()


class CallSignals:
    """The signals of one call of one module.

    Parameters
    ----------
    given : tensor of shape (batch,), or None
        The lengths that the user says the sequences have.
    """

    def __init__(self, given: Tensor | None = None) -> None:
        self.lengths: Tensor | None = None
        self.steps: dict[Address, list[Tensor]] = {}
        self._given = given
        self._blocks: dict[Address, list[Tensor]] = {}
        self._cut: set[Address] = set()

    def append(self, address: Address, block: Tensor) -> None:
        """Take in the next stretch of time, of shape (time, batch, unit)."""
        self._blocks.setdefault(address, []).append(block)

    def __getitem__(self, address: Address) -> Tensor:
        if address not in self._blocks:
            raise RecordingError(f"Nothing is recorded at {address}: the call of its module broke off.")
        blocks = self._blocks[address]
        if len(blocks) > 1:
            blocks[:] = [torch.cat(blocks)]
        if self.lengths is None and self._given is not None:
            self.lengths = _checked(self._given, blocks[0])
        if self._given is not None and self.lengths is not None and address not in self._cut:
            beyond = torch.arange(len(blocks[0]), device="cpu")[:, None] >= self.lengths
            blocks[0] = blocks[0].masked_fill(beyond[..., None].to(blocks[0].device), 0)
            self._cut.add(address)
        return blocks[0]


def _checked(lengths: Tensor, signal: Tensor) -> Tensor:
    time, batch, _ = signal.shape
    if lengths.shape != (batch,) or not 1 <= lengths.min() <= lengths.max() <= time:
        raise RecordingError(
            f"lengths= has a whole number from 1 to the {time} steps for each of the {batch} sequences; "
            f"got {lengths.tolist()}."
        )
    return lengths.cpu()

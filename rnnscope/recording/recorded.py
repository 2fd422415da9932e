"""What a network's pass leaves: its signals by address, as tensors, numpy arrays or xarray."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rnnscope.errors import AddressError, RecordingError

from .address import Address, check_unit, find


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


class Recording:
    """The signals of a network's last pass, by address.

    ``recording["l0.c"]`` is a tensor of shape (time, batch, unit), ``recording["l0.c.37"]`` one of
    shape (time, batch). A pass is one call of the network that is recorded; where that is never
    called itself, all that its parts do belongs to one pass. Sequences that end earlier than others
    are zero from there on. Made by `rnnscope.record` and `rnnscope.unroll`.

    Parameters
    ----------
    addresses : sequence of Address
        What is recorded.
    lengths : int64 tensor of shape (batch,), optional
        The true lengths of the sequences, where these do not say it themselves.

    Attributes
    ----------
    error : float
        The largest difference found by the self-check, see `rnnscope.recording.recovery.recover`.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=5)
    >>> with rnnscope.record(gru, signals="z") as recording:
    ...     output, _ = gru(torch.zeros(7, 2, 3))
    >>> recording["l0.z"].shape, recording["l0.z.4"].shape
    (torch.Size([7, 2, 5]), torch.Size([7, 2]))
    >>> recording.to_numpy()["l0.z"].dtype
    dtype('float32')
    """

    def __init__(self, addresses: Sequence[Address], lengths: Tensor | None = None) -> None:
        self.addresses = tuple(addresses)
        self.error = 0.0
        self.passes = 0
        self.flush: list[Callable[[], None]] = []
        self._lengths = lengths
        self._calls: dict[str, list[CallSignals]] = {}

    def __getitem__(self, address: str | Address) -> Tensor:
        calls = self.calls(address)
        if len(calls) > 1:
            raise RecordingError(
                f"The module of {address} was called {len(calls)} times. "
                f"recording.calls({str(address)!r}) has the signal of each call."
            )
        return calls[0]

    def calls(self, address: str | Address) -> list[Tensor]:
        """The signal in each call of its module in the last pass, each as `Recording` describes."""
        address, calls = self._find(address)
        return [_unit(call[address.whole], address) for call in calls]

    def steps(self, address: str | Address) -> list[Tensor]:
        """The signal at each step, of shape (batch, unit), as nodes of the graph: of `rnnscope.unroll` only.

        In the order of reading: of a reverse layer, the first is the text's last. A gradient with
        respect to one of them is how much the loss depends on the signal at that step. All units of a
        signal are one node; the gradient of one unit is a column of the node's.
        """
        address, calls = self._find(address)
        if address.unit is not None:
            raise AddressError(f"{address} is a part of a node of the graph; ask for {address.whole}.")
        if len(calls) > 1 or address not in calls[0].steps:
            raise RecordingError(
                f"There are no single steps of {address}: they are kept by rnnscope.unroll, "
                "for sequences that are not packed, where the module is called once."
            )
        return list(calls[0].steps[address])

    def lengths(self, address: str | Address) -> Tensor:
        """The true length of each sequence, an int64 tensor of shape (batch,)."""
        address, calls = self._find(address)
        if len(calls) > 1:
            raise RecordingError(
                f"The module of {address} was called {len(calls)} times, each with lengths of its own."
            )
        signal, lengths = calls[0][address.whole], calls[0].lengths
        return torch.full(signal.shape[1:2], len(signal)) if lengths is None else lengths

    def to_numpy(self) -> dict[str, np.ndarray]:
        """All signals by address, each of shape (time, batch, unit); bfloat16 becomes float32."""
        return {str(address): _numpy(self[address]) for address in self.addresses}

    def to_xarray(self) -> xr.DataTree:
        """All signals as a tree like that of a trace, of dims (time, batch, unit), NaN beyond a sequence's end."""
        tree: dict[str, xr.Dataset] = {}
        for node, here in by_node(self.addresses).items():
            axes = unit_axes({address: self[address].shape[-1] for address in here})
            lengths = self.lengths(here[0]).cpu().numpy()
            arrays = {}
            for address in here:
                values = _numpy(self[address])
                beyond = np.arange(len(values))[:, None] >= lengths
                arrays[address.signal] = (("time", "batch", axes[address]), np.where(beyond[..., None], np.nan, values))
            tree[node.replace(".", "/")] = xr.Dataset(arrays, coords={"length": ("batch", lengths)})
        return xr.DataTree.from_dict(tree)

    def __iter__(self) -> Iterator[Address]:
        return iter(self.addresses)

    def __len__(self) -> int:
        return len(self.addresses)

    def __contains__(self, address: object) -> bool:
        return str(address) in map(str, self.addresses)

    def __repr__(self) -> str:
        return f"Recording({', '.join(map(str, self.addresses))})"

    def begin_pass(self) -> None:
        """Forget what the pass before has left."""
        self.passes += 1
        self.error = 0.0
        self._calls.clear()

    def take_error(self, error: float) -> None:
        """Keep the largest, NaN being larger than any."""
        self.error = error if math.isnan(error) else max(self.error, error)

    def catch_up(self) -> None:
        """Take in what taps hold back."""
        for flush in self.flush:
            flush()

    def begin_call(self, path: str) -> CallSignals:
        """Make room for a call of a module."""
        call = CallSignals(self._lengths)
        self._calls.setdefault(path, []).append(call)
        return call

    def _find(self, address: str | Address) -> tuple[Address, list[CallSignals]]:
        self.catch_up()
        address = find(address, self.addresses)
        if address.module not in self._calls:
            module = address.module or "its recurrent layer"
            ran = f"the network ran without calling {module}, or broke off before"
            reason = ran if self._calls or self.passes else "the network has not run inside the with block yet"
            raise RecordingError(f"Nothing is recorded at {address}: {reason}.")
        return address, self._calls[address.module]


def _unit(signal: Tensor, address: Address) -> Tensor:
    if address.unit is None:
        return signal
    check_unit(address, signal.shape[-1])
    return signal[..., address.unit]


def _numpy(signal: Tensor) -> np.ndarray:
    signal = signal.detach().cpu()
    return (signal.float() if signal.dtype == torch.bfloat16 else signal).numpy()


def by_node(addresses: Iterable[Address]) -> dict[str, list[Address]]:
    """The signals of each layer and direction."""
    nodes: dict[str, list[Address]] = {}
    for address in addresses:
        nodes.setdefault(address.node, []).append(address)
    return nodes


def unit_axes(sizes: Mapping[Address, int]) -> dict[Address, str]:
    """The name of each signal's axis of units in xarray, given the sizes in one node.

    ``unit`` for the largest size, and ``unit_h`` for an h of another, as an LSTM with proj_size has it.
    """
    size = max(sizes.values())
    return {address: "unit" if width == size else f"unit_{address.signal}" for address, width in sizes.items()}

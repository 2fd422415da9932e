"""What a network's pass leaves: its signals by address, as tensors, numpy arrays or xarray."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from rnnscope.errors import AddressError, RecordingError

from .address import Address, check_unit, find
from .tape import CallSignals, Tape


class Recording:
    """The signals of a network's last pass, by address.

    ``recording["l0.c"]`` is a tensor of shape (time, batch, unit), ``recording["l0.c.37"]`` one of
    shape (time, batch). A pass is one call of the network that is recorded; where that is never
    called itself, all that its parts do belongs to one pass. Sequences that end earlier than others
    are zero from there on. Made by `rnnscope.record` and `rnnscope.unroll`.

    Parameters
    ----------
    tape : Tape
        What is written while the network runs, and read here.

    Attributes
    ----------
    addresses : tuple of Address
        What is recorded.
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

    def __init__(self, tape: Tape) -> None:
        self.addresses = tape.addresses
        self._tape = tape

    @property
    def error(self) -> float:
        return self._tape.error

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

    def clear(self) -> None:
        """Forget what the last pass has left."""
        self._tape.begin_pass()

    def _find(self, address: str | Address) -> tuple[Address, list[CallSignals]]:
        self._tape.catch_up()
        address, calls = find(address, self.addresses), self._tape.calls
        if address.module not in calls:
            module = address.module or "its recurrent layer"
            ran = f"the network ran without calling {module}, or broke off before"
            reason = ran if calls or self._tape.passes else "the network has not run inside the with block yet"
            raise RecordingError(f"Nothing is recorded at {address}: {reason}.")
        return address, calls[address.module]


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

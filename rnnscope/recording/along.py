"""Seeing a network along other directions than its units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import nn

from rnnscope.errors import RecordingError

from .address import find
from .directions import Directions, attach, detach, directions_of, listed
from .kernels import Place
from .layers import recurrent_layers, signals_of, units_of


@contextmanager
def along(module: nn.Module, directions: Directions | Sequence[Directions]) -> Iterator[None]:
    """Give a network one more signal for each set of directions, for as long as the block lasts.

    `Directions` of ``l0.c`` with the name ``pc`` make the signal ``l0.pc``, whose unit i is the coordinate of c along
    direction i. Whatever takes an address takes this one: it is recorded, traced, searched, ablated, clamped, and it
    has gradients in `rnnscope.unroll`. The network computes what it always does. A trace that is there already is seen
    along directions by `Trace.along`.

    Parameters
    ----------
    module : nn.Module
        With recurrent layers as for `rnnscope.record`.
    directions : Directions, or a sequence of these

    Raises
    ------
    AddressError
        If there is no such signal.
    RecordingError
        If this is no network, the layer has a signal of that name, or its signal another number of units.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> gru = torch.nn.GRU(input_size=3, hidden_size=2)
    >>> sums = rnnscope.Directions.spanning("l0.h", "sum", [1, 1], mean=[0, 0])
    >>> with rnnscope.along(gru, sums), rnnscope.record(gru) as recording:
    ...     output, _ = gru(torch.zeros(7, 1, 3))
    >>> recording
    Recording(l0.h, l0.r, l0.z, l0.n, l0.sum)
    >>> torch.allclose(recording["l0.sum.0"], output.sum(dim=-1) / 2**0.5)
    True
    """
    layers = recurrent_layers(module)
    with ExitStack() as stack:
        for one in listed(directions):
            layer = _checked(layers, one)
            attach(layer, one)
            stack.callback(detach, layer, one)
        yield


def _checked(layers: dict[str, nn.Module], directions: Directions) -> nn.Module:
    """The layer of directions that can be attached to it."""
    known = signals_of(layers)
    base = find(directions.signal, known)
    layer, place = layers[base.module], Place(base.layer, base.reverse)
    if directions.base in directions_of(layer).get(place, {}):
        raise RecordingError(f"{base} is made of directions itself; give directions of a signal of the network.")
    if directions.address in known:
        raise RecordingError(f"There is a signal {directions.address} already. Give the directions another name.")
    size = units_of(layers, base)
    if size is not None and size != len(directions.mean):
        raise RecordingError(
            f"{directions.name} has directions of {len(directions.mean)} units, and {base} has {size}. "
            "Make directions of this network's own."
        )
    return layer


def shown(module: nn.Module) -> list[Directions]:
    """The directions that a network shows now, see `along`."""
    places = (place for layer in recurrent_layers(module).values() for place in directions_of(layer).values())
    return [directions for place in places for directions in place.values()]

"""Addresses: one name for a signal or a unit, the same in Python, on the command line and in files.

l0.c          signal c of layer 0                     l1r.h.5           layer 1, reverse direction, unit 5
l0.c.37       unit 37 of it                           encoder.l0.c.37   in the module ``encoder``
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnscope.errors import AddressError

_PATTERN = re.compile(
    r"(?:(?P<module>[\w.]+)\.)?l(?P<layer>\d+)(?P<reverse>r?)\.(?P<signal>[A-Za-z]\w*)(?:\.(?P<unit>\d+))?"
)


@dataclass(frozen=True)
class Address:
    """Where a quantity lives in a network.

    Attributes
    ----------
    module : str
        Path of the recurrent module; empty if the network has only one.
    layer : int
    reverse : bool
        Whether the layer reads from the end.
    signal : str
    unit : int or None
        None for all units of the signal.
    """

    module: str
    layer: int
    reverse: bool
    signal: str
    unit: int | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address such as ``l0.c.37``."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise AddressError(
                f"{text!r} is not an address. An address is LAYER.SIGNAL or LAYER.SIGNAL.UNIT, such as l0.c.37."
            )
        return cls(
            module=match["module"] or "",
            layer=int(match["layer"]),
            reverse=bool(match["reverse"]),
            signal=match["signal"],
            unit=None if match["unit"] is None else int(match["unit"]),
        )

    @property
    def node(self) -> str:
        """The layer's name: ``l0``, ``l1r``, ``encoder.l0``."""
        name = f"l{self.layer}{'r' if self.reverse else ''}"
        return f"{self.module}.{name}" if self.module else name

    @property
    def whole(self) -> Address:
        """The address of all units of this signal."""
        return replace(self, unit=None)

    def of(self, unit: int) -> Address:
        """The address of one unit of this signal."""
        return replace(self, unit=int(unit))

    def __str__(self) -> str:
        return f"{self.node}.{self.signal}" + ("" if self.unit is None else f".{self.unit}")


def find(address: str | Address, known: Iterable[Address]) -> Address:
    """The address, if its signal is among the known ones.

    Raises
    ------
    AddressError
        Naming what exists instead.
    """
    known = list(known)
    try:
        address = Address.parse(address) if isinstance(address, str) else address
    except AddressError as error:
        raise AddressError(f"{error} Layers: {', '.join(dict.fromkeys(k.node for k in known))}.") from None
    if address.whole in known:
        return address
    if (node := address.node) in {k.node for k in known}:
        signals = ", ".join(k.signal for k in known if k.node == node)
        raise AddressError(f"There is no signal {address.signal!r} in {node}. It has: {signals}.")
    layers = ", ".join(dict.fromkeys(k.node for k in known))
    raise AddressError(f"There is no layer {node!r}. Layers: {layers}.")

"""Addresses: one name for a signal or a unit, the same in Python, on the command line and in files.

l0.c          signal c of layer 0                     l1r.h.5           layer 1, reverse direction, unit 5
l0.c.37       unit 37 of it                           encoder.l0.c.37   in the module ``encoder``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
        match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
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


Units = str | Address | Sequence[str | Address]
"""The address of one unit or signal, or those of several."""


def listed(units: Units) -> list[str | Address]:
    """One address or several, as a list."""
    return [units] if isinstance(units, str | Address) or not isinstance(units, Iterable) else list(units)


def find(address: str | Address, known: Iterable[Address]) -> Address:
    """The address, if its signal is among the known ones.

    Raises
    ------
    AddressError
        Naming what exists instead.
    """
    known = list(known)
    try:
        address = address if isinstance(address, Address) else Address.parse(address)
    except AddressError as error:
        raise AddressError(f"{error} Layers: {_layers(known)}.") from None
    if address.whole in known:
        return address
    if (node := address.node) in {k.node for k in known}:
        signals = ", ".join(k.signal for k in known if k.node == node)
        raise AddressError(f"There is no signal {address.signal!r} in {node}. It has: {signals}.")
    raise AddressError(f"There is no layer {node!r}. Layers: {_layers(known)}.")


def _layers(known: Iterable[Address]) -> str:
    return ", ".join(dict.fromkeys(address.node for address in known))


def whole_signals(signals: Units | None, known: Sequence[Address]) -> list[Address]:
    """Those of the known signals that are asked for, by name (``"c"``, in all layers) or address; all if None.

    Raises
    ------
    AddressError
        If one does not exist or is a unit, or none is asked for.
    """
    if signals is None:
        return list(known)
    chosen: set[Address] = set()
    for asked in listed(signals):
        named = [address for address in known if address.signal == asked]
        if not named and isinstance(asked, str) and "." not in asked:
            there = ", ".join(dict.fromkeys(address.signal for address in known))
            raise AddressError(f"There is no signal {asked!r} in this network. It has: {there}.")
        address = named[0] if named else find(asked, known)
        if address.unit is not None:
            raise AddressError(f"{address} is one unit; a whole signal was expected. Ask for {address.whole}.")
        chosen.update(named or [address])
    if not chosen:
        raise AddressError(f"No signal is asked for. There are: {', '.join(map(str, known))}.")
    return [address for address in known if address in chosen]


def check_unit(address: Address, size: int) -> None:
    """Refuse a unit beyond those of its signal.

    Raises
    ------
    AddressError
    """
    if address.unit is not None and address.unit >= size:
        raise AddressError(f"There is no unit {address.unit} in {address.whole}. Units: 0 to {size - 1}.")

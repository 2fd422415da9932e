"""The recurrent layers of a network: where they are, and which signals each has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from rnnscope.cells import cell_of
from rnnscope.errors import AddressError, RecordingError

from . import adapters  # noqa: F401  those that are shipped register themselves
from .adapter import adapter_of
from .address import Address, check_unit, find
from .directions import directions_of
from .kernels import Place


def recurrent_layers(module: nn.Module) -> dict[str, nn.Module]:
    """The recurrent layers of a network by their paths; the path is empty if there is only one.

    Raises
    ------
    RecordingError
        If there is none, or they cannot be reached; or if this is no network.
    """
    if not isinstance(module, nn.Module):
        raise RecordingError(
            f"A network was expected, an nn.Module; got {type(module).__name__}. rnnscope.load opens a file."
        )
    for name, part in module.named_modules():
        if hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None:
            where = f"{name} " if name else ""
            raise RecordingError(
                f"{where}{type(part).__name__} is compiled, which leaves no place to look into it. "
                "Record the network that was given to torch.compile instead."
            )
    if isinstance(module, nn.DataParallel):
        raise RecordingError("DataParallel runs copies of its network. Record the network itself, its .module.")
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise RecordingError("A TorchScript network cannot be looked into. Save it and open it with: rnnscope import")
    layers: dict[str, nn.Module] = {}
    for name, part in module.named_modules():
        inner = any(name.startswith(f"{path}." if path else "") for path in layers)  # it is the layer's own affair
        if not inner and (isinstance(part, nn.RNNBase) or adapter_of(part) is not None):
            layers[name] = part
    if not layers:
        raise RecordingError(
            f"{type(module).__name__} holds no recurrent layer: no nn.RNN, nn.GRU, nn.LSTM or their cells inside, "
            "and no class with an adapter (see rnnscope.register)."
        )
    return layers if len(layers) > 1 else {"": next(iter(layers.values()))}


def signals_of(layers: Mapping[str, nn.Module]) -> list[Address]:
    """The addresses of all signals of a network, from its `recurrent_layers`."""
    return [address for path, layer in layers.items() for address in addresses_of(layer, path)]


def states_of(layers: Mapping[str, nn.Module]) -> list[Address]:
    """The addresses of all states that a network carries from step to step, from its `recurrent_layers`."""
    found: list[Address] = []
    for path, layer in layers.items():
        adapter = adapter_of(layer)
        fused: Any = layer
        names = [state.name for state in cell_of(fused).states] if adapter is None else adapter.states
        found += [address for address in addresses_of(layer, path) if address.signal in names]
    return found


def addresses_of(layer: Any, path: str = "") -> list[Address]:
    """The addresses of all signals of a recurrent layer, with those that `rnnscope.along` gives it."""
    shown = directions_of(layer)
    if (adapter := adapter_of(layer)) is not None:
        return [Address(path, 0, False, name) for name in (*adapter.signals, *shown.get(Place(0, False), ()))]
    return [
        Address(path, number, reverse, signal)
        for number in range(layer.num_layers)
        for reverse in ((False, True) if layer.bidirectional else (False,))
        for signal in (*cell_of(layer).signal_names, *shown.get(Place(number, reverse), ()))
    ]


def units_of(layers: Mapping[str, nn.Module], signal: Address) -> int | None:
    """How many units a signal of a network has; None if only a pass can tell."""
    layer: Any = layers[signal.module]
    directions = directions_of(layer).get(Place(signal.layer, signal.reverse), {})
    if signal.signal in directions:
        return len(directions[signal.signal])
    if not isinstance(layer, nn.RNNBase):
        return None
    return layer.proj_size if signal.signal == "h" and layer.proj_size else layer.hidden_size


def find_in(layers: Mapping[str, nn.Module], address: str | Address) -> Address:
    """The address of a signal or unit of a network.

    Raises
    ------
    AddressError
        Naming what exists instead.
    """
    address = find(address, signals_of(layers))
    if (size := units_of(layers, address)) is not None:
        check_unit(address, size)
    return address


def find_unit(layers: Mapping[str, nn.Module], address: str | Address) -> Address:
    """The address of one unit of a network.

    Raises
    ------
    AddressError
        If it does not exist, or is a whole signal.
    """
    unit = find_in(layers, address)
    if unit.unit is None:
        raise AddressError(f"{unit} is a whole signal; name a unit of it, such as {unit.of(0)}.")
    return unit


def memories(module: nn.Module) -> dict[str, str]:
    """For each recurrent layer, by its path, the signal that best shows what it keeps."""
    found = {}
    for path, layer in recurrent_layers(module).items():
        adapter = adapter_of(layer)
        fused: Any = layer
        found[path] = cell_of(fused).memory if adapter is None else adapter.memory or adapter.states[-1]
    return found

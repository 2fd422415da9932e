"""The recurrent part of a network, from the names and shapes of its weights alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from rnnscope.cells import CELLS
from rnnscope.errors import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]

_NAME = re.compile(
    r"(?:(?P<module>.*)\.)?(?P<kind>(?:weight|bias)_[ih]h|weight_hr)(?:_l(?P<layer>\d+)(?P<back>_reverse)?)?"
)

_CELL_BY_GATES = {max(1, len(cell.gates)): cell.name for cell in CELLS.values()}
"""How often the units stand above one another in ``weight_hh``."""


@dataclass(frozen=True)
class Stack:
    """Recurrent layers on top of each other.

    Attributes
    ----------
    name : str
        Of the module that holds them, or of the modules, joined by commas.
    cell : {"rnn", "gru", "lstm"}
    input_size, hidden_size, layers, proj_size : int
    bidirectional, bias : bool
    weights : dict
        By PyTorch's name in one fused module, such as ``weight_ih_l0_reverse``, the name in the file.
    chained : tuple of str
        The modules, if there are several: their names alone say that each reads what the one before gives.
    """

    name: str
    cell: str
    input_size: int
    hidden_size: int
    layers: int
    proj_size: int
    bidirectional: bool
    bias: bool
    weights: dict[str, str]
    chained: tuple[str, ...] = ()

    @property
    def output_size(self) -> int:
        """What the top layer gives at a step."""
        return (self.proj_size or self.hidden_size) * (1 + self.bidirectional)


@dataclass(frozen=True)
class _Layer:
    """One layer and direction: names in the file by kind, and their shapes."""

    place: str
    names: dict[str, str]
    shapes: dict[str, tuple[int, ...]]

    def sizes(self) -> tuple[int, int, int, bool]:
        """Gates, hidden_size, proj_size and bias; checked against each other."""
        if missing := {"weight_ih", "weight_hh"} - set(self.names):
            raise CheckpointError(f"{self.place} lacks {' and '.join(sorted(missing))}: the file is incomplete.")
        rows, columns = self.matrix("weight_hh")
        proj, hidden = self.matrix("weight_hr") if "weight_hr" in self.names else (0, columns)
        gates, left = divmod(rows, hidden) if hidden else (0, 0)
        if left or gates not in _CELL_BY_GATES or (proj and gates != 4):
            raise CheckpointError(
                f"{self.names['weight_hh']} has {rows} rows for {hidden} units; expected 4 times as many as units for "
                "an LSTM (the only one that has a weight_hr), 3 times for a GRU, or as many for a vanilla RNN."
            )
        expected = {"weight_hh": (rows, proj or hidden), "weight_ih": (rows, self.matrix("weight_ih")[1])}
        bias = "bias_ih" in self.names or "bias_hh" in self.names
        if bias:
            expected |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for kind, shape in expected.items():
            if self.shapes.get(kind) != shape:
                got = self.shapes.get(kind, "nothing")
                raise CheckpointError(f"{self.place} has a {kind} of shape {got} where {shape} is expected.")
        return gates, hidden, proj, bias

    def matrix(self, kind: str) -> tuple[int, int]:
        shape = self.shapes[kind]
        if len(shape) != 2 or 0 in shape:
            raise CheckpointError(f"{self.names[kind]} has the shape {shape}; a matrix is expected.")
        return shape[0], shape[1]


def find_stacks(shapes: Shapes, wanted: str | None = None) -> list[Stack]:
    """All recurrent stacks in a file, each of them one fused module, one cell, or a chain of numbered ones.

    A module that is wanted by its name is not joined with others.

    Raises
    ------
    CheckpointError
        If the weights of one do not fit together.
    """
    modules = _modules(shapes)
    stacks = []
    for chain in _chains(modules):
        parts = [_one_stack(name, modules[name], shapes) for name in chain]
        stacks += [_joined(parts)] if _fit_together(parts) and wanted not in chain else parts
    return stacks


def is_recurrent(name: str) -> bool:
    """Whether a weight has a name that PyTorch's recurrent modules and cells use."""
    return _NAME.fullmatch(name) is not None


def _modules(shapes: Shapes) -> dict[str, dict[tuple[int, str], dict[str, str]]]:
    """Names in the file by module, by layer and direction, by kind."""
    modules: dict[str, dict[tuple[int, str], dict[str, str]]] = {}
    for name in shapes:
        if match := _NAME.fullmatch(name):
            place = (int(match["layer"] or 0), match["back"] or "")
            modules.setdefault(match["module"] or "", {}).setdefault(place, {})[match["kind"]] = name
    return modules


def _chains(modules: Iterable[str]) -> Iterator[list[str]]:
    """Modules whose names differ in a last number alone, in its order: cells.0 and cells.1, lstm1 and lstm2."""
    families: dict[str, list[str]] = {}
    for name in modules:
        families.setdefault(re.sub(r"\d+$", "#", name), []).append(name)
    for family in families.values():
        yield sorted(family, key=lambda name: (len(name), name))


def _one_stack(module: str, found: dict[tuple[int, str], dict[str, str]], shapes: Shapes) -> Stack:
    layers, both = 1 + max(layer for layer, _ in found), any(back for _, back in found)
    expected = [(layer, back) for layer in range(layers) for back in ("", "_reverse")[: 1 + both]]
    if missing := [f"layer {layer}{back.replace('_', ' ')}" for layer, back in expected if (layer, back) not in found]:
        raise CheckpointError(f"{module or 'The network'} lacks {', '.join(missing)}: the file is incomplete.")
    parts = []
    for layer, back in expected:
        names = found[layer, back]
        kinds = {kind: tuple(shapes[name]) for kind, name in names.items()}
        parts.append(_Layer(f"{module or 'The network'}, layer {layer}{back.replace('_', ' ')},", names, kinds))
    gates, hidden, proj, bias = parts[0].sizes()
    output = (proj or hidden) * (1 + both)
    for (layer, _), part in zip(expected, parts, strict=True):
        if part.sizes() != parts[0].sizes():
            raise CheckpointError(f"{part.place} differs in size or kind from layer 0; layers alike are expected.")
        reads = parts[0].matrix("weight_ih")[1] if layer == 0 else output
        if part.matrix("weight_ih")[1] != reads:
            raise CheckpointError(
                f"{part.names['weight_ih']} has {part.matrix('weight_ih')[1]} columns; {reads} are expected."
            )
    weights = {
        f"{kind}_l{layer}{back}": name
        for (layer, back), part in zip(expected, parts, strict=True)
        for kind, name in part.names.items()
    }
    sizes = (parts[0].matrix("weight_ih")[1], hidden, layers, proj, both, bias)
    return Stack(module, _CELL_BY_GATES[gates], *sizes, weights=weights)


def _fit_together(parts: list[Stack]) -> bool:
    kinds = {(part.cell, part.hidden_size, part.proj_size, part.bidirectional, part.bias) for part in parts}
    return len(kinds) == 1 and all(above.input_size == below.output_size for below, above in pairwise(parts))


def _joined(parts: list[Stack]) -> Stack:
    """Modules that each read what the one before gives, as the one module that computes the same."""
    if len(parts) == 1:
        return parts[0]
    weights, layers = {}, 0
    for part in parts:
        for place, name in part.weights.items():
            [(kind, layer, back)] = re.findall(r"(\w+_l)(\d+)(\w*)", place)
            weights[f"{kind}{layers + int(layer)}{back}"] = name
        layers += part.layers
    below = parts[0]
    names = tuple(part.name for part in parts)
    sizes = (below.input_size, below.hidden_size, layers, below.proj_size, below.bidirectional, below.bias)
    return Stack(",".join(names), below.cell, *sizes, weights=weights, chained=names)

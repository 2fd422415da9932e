"""The size at which a cell has as many parameters as another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from rnnscope.errors import RecipeError
from rnnscope.models import Network

MOST_OFF = 0.02
"""The share by which the parameters of a network may differ from what is asked for."""

_LARGEST = 2**20


@dataclass(frozen=True)
class Size:
    """How large a cell's network is.

    Attributes
    ----------
    hidden_size : int
    parameters : int
        Of the whole network.
    off : float
        By which share that is more than what was asked for; negative where it is less.
    """

    hidden_size: int
    parameters: int
    off: float


def equal_size(network: Network, cell: str, parameters: int) -> Size:
    """The hidden_size with which a network of another cell comes closest to a number of parameters.

    Parameters
    ----------
    network : Network
        Of the task, with its symbols; all of its configuration but cell and hidden_size is kept.
    cell : str
    parameters : int

    Raises
    ------
    RecipeError
        If the configuration does not fit the cell, or no size comes within 2 %.
    """
    if getattr(network.config, "tied", False):
        raise RecipeError("model.tied must be false in a comparison: it leaves no size to choose for a cell.")
    low = high = 1 + getattr(network.config, "proj_size", 0)
    while count_parameters(network, cell, high) < parameters:
        low, high = high, 2 * high
        if high > _LARGEST:
            raise RecipeError(f"{cell} reaches {parameters:,} parameters with no hidden_size up to {_LARGEST:,}.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count_parameters(network, cell, middle) < parameters else (low, middle)
    counts = {size: count_parameters(network, cell, size) for size in (low, high)}
    size = min(counts, key=lambda size: abs(counts[size] - parameters))
    off = counts[size] / parameters - 1
    if abs(off) > MOST_OFF:
        nearest = " and ".join(f"{count:,} with a hidden_size of {size}" for size, count in counts.items())
        raise RecipeError(
            f"no size comes within {MOST_OFF:.0%} of {parameters:,} parameters. Those next to it have {nearest}. "
            "Ask for a number that all cells come near, or for more parameters."
        )
    return Size(size, counts[size], off)


def count_parameters(network: Network, cell: str, hidden_size: int) -> int:
    """The parameters that a network would have with another cell and size; none of them is made."""
    config = replace(network.config, cell=cell, hidden_size=hidden_size)
    with torch.device("meta"):
        other = type(network).build(config, network.vocabularies)
    return sum(parameter.numel() for parameter in other.parameters())

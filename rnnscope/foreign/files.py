"""The weights in a file that another program wrote, and what else it carries; nothing in it is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnnscope.checkpoint import FORMAT, unpickle
from rnnscope.errors import CheckpointError

from .recurrent import is_recurrent
from .torchscript import read_archive

_WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "net_state_dict",
    "state",
    "weights",
    "params",
)
"""Keys under which programs put the weights, the likeliest first."""

_PREFIXES = ("module.", "_orig_mod.")
"""Put before each name by nn.DataParallel and torch.compile."""

_DEEPEST = 3


def read_weights(path: Path) -> tuple[dict[str, Tensor], Any]:
    """The weights by name, and the whole content of the file, in which to look for a vocabulary.

    Raises
    ------
    CheckpointError
        If the file is none of PyTorch's, is damaged, wants to run code, or holds no weights.
    """
    content = unpickle(path, legacy=True, read_scripted=read_archive)
    if isinstance(content, Mapping) and content.get("format") == FORMAT:
        raise CheckpointError(f"{path} is an rnnscope checkpoint already: try rnnscope info {path}.")
    found = dict(_state_dicts(content, "", _DEEPEST))
    found = {key: weights for key, weights in found.items() if any(map(is_recurrent, weights))} or found
    if not found:
        raise CheckpointError(
            f"{path} holds no weights by name; expected what torch.save(model.state_dict(), ...) writes, bare or "
            f"under a key such as {', '.join(_WRAPPERS[:3])}."
        )
    key = next((key for wrapper in _WRAPPERS for key in found if key.rpartition(".")[2] == wrapper), None)
    if key is None and len(found) > 1:
        raise CheckpointError(
            f"{path} holds several sets of weights: {', '.join(found)}. Save the one to import alone, or under the key "
            "state_dict."
        )
    weights = found[key if key is not None else next(iter(found))]
    return _without_prefixes(weights), content


def as_float32(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Plain finite float32 weights, and notes on what was converted.

    Raises
    ------
    CheckpointError
        If a weight is no plain tensor of finite real numbers.
    """
    plain, others = {}, set()
    for name, tensor in weights.items():
        if tensor.layout != torch.strided or not tensor.is_floating_point():
            raise CheckpointError(f"{name} holds {tensor.dtype} numbers; plain floating-point weights are expected.")
        plain[name] = tensor.detach().to(torch.float32).contiguous()
        if count := int((~torch.isfinite(plain[name])).sum()):
            raise CheckpointError(f"{name} has {count:,} weights that are NaN or infinite: its training diverged.")
        if tensor.dtype != torch.float32:
            others.add(str(tensor.dtype).removeprefix("torch."))
    return plain, [f"weights converted to float32 from {', '.join(sorted(others))}"] if others else []


def _state_dicts(content: Any, prefix: str, depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The sets of weights in nested dicts by their keys: every dict with tensors of at least one axis in it."""
    if not isinstance(content, Mapping) or not depth:
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if any(tensor.dim() for tensor in tensors.values()):
        yield prefix.removesuffix("."), tensors
    for key, value in content.items():
        yield from _state_dicts(value, f"{prefix}{key}.", depth - 1)


def _without_prefixes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES * 2:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights

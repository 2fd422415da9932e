"""Memory for signals."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Memory for a tensor; on the CPU by numpy, which asks for huge pages: ten times as fast to fill at first."""
    if like.device.type != "cpu" or not math.prod(shape):
        return torch.empty(shape, dtype=like.dtype, device=like.device)
    room = np.empty(math.prod(shape) * like.element_size(), dtype=np.uint8)
    return torch.from_numpy(room).view(like.dtype).view(shape)

"""Where tensors live and work is done."""

from __future__ import annotations

import torch

from .errors import DeviceError


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device of a name such as ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; ``auto`` prefers a GPU.

    Raises
    ------
    DeviceError
        If this machine does not have it.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has no numbers
    except (RuntimeError, AssertionError, ImportError) as error:
        raise DeviceError(f"This machine has no device {str(name)!r}. Use --device cpu.") from error
    return device

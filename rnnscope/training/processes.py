"""One process or several, as Lightning Fabric sees them: started by torchrun, they share each batch."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Literal, cast

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.loggers.logger import Logger
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor

from rnnscope.device import pick_device
from rnnscope.errors import TrainingError

_PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "bf16": "bf16-mixed"}
"""What Fabric calls them."""


def launch(device: str, precision: str, logger: str, folder: Path) -> Fabric:
    """This process's part of a run.

    Parameters
    ----------
    device : str
        See `rnnscope.device.pick_device`.
    precision : {"32", "bf16"}
    logger : {"csv", "tensorboard"}
    folder : Path
        Where tensorboard's figures go.

    Raises
    ------
    DeviceError, TrainingError
    """
    chosen = pick_device(device)
    count = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if count > 1 and chosen.index is not None:
        raise TrainingError(f"Under torchrun each process takes a device of its own: {device!r} names a single one.")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=chosen.type,
        devices=here if chosen.index is None else [chosen.index],
        num_nodes=count // here,
        strategy="ddp" if count > 1 else "auto",
        precision=_PRECISIONS[precision],
        loggers=_loggers(logger, folder),
    )
    fabric.launch()
    return fabric


def _loggers(name: str, folder: Path) -> list[Logger]:
    if name != "tensorboard":
        return []
    try:
        return [TensorBoardLogger(folder, name="tensorboard")]
    except ModuleNotFoundError:
        raise TrainingError(
            "training.logger is tensorboard, which is not installed: pip install tensorboard."
        ) from None


def mean(fabric: Fabric, values: Tensor) -> Tensor:
    """The mean of a tensor over the processes, on the CPU."""
    return cast("Tensor", fabric.all_reduce(values, reduce_op="mean")).cpu()


def anyone(fabric: Fabric, holds: bool) -> bool:
    """Whether it holds in one process at least."""
    if fabric.world_size == 1:
        return holds
    return bool(mean(fabric, torch.tensor(float(holds), device=fabric.device)) > 0)


def gather(fabric: Fabric, mine: dict[str, Any]) -> list[dict[str, Any]]:
    """What each process has, in the order of their ranks; complete in the first process alone."""
    if fabric.world_size == 1:
        return [mine]
    everyone: list[Any] = [None] * fabric.world_size
    torch.distributed.gather_object(mine, everyone if fabric.is_global_zero else None)
    return everyone


def random_states(fabric: Fabric) -> dict[str, Tensor | None]:
    """Where this process's random numbers stand."""
    on_gpu = fabric.device.type == "cuda"
    return {
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(fabric.device) if on_gpu else None,
    }


def restore_random_states(fabric: Fabric, states: dict[str, Any]) -> None:
    """Take up what `random_states` gave."""
    torch.set_rng_state(states["rng"])
    if states["cuda_rng"] is not None and fabric.device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda_rng"], fabric.device)

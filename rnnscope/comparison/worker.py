"""One training run, in the process that it is in: ``python -m rnnscope.comparison.worker FOLDER DEVICE THREADS``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import torch

from rnnscope.errors import DivergedError, RnnscopeError
from rnnscope.output import atomic_path
from rnnscope.progress import silence
from rnnscope.training.making import train

from .plan import DIVERGED


def train_run(folder: Path, device: str) -> None:
    """Train the network of the recipe in a folder, or go on with it; a run that diverges leaves a note there.

    Raises
    ------
    TrainingError
        If another process is at work there.
    """
    last = (folder / "last.pt").exists()
    try:
        with silence():
            train(folder / "recipe.toml", folder, resume=last, force=not last, device=device)
    except DivergedError as error:
        with atomic_path(folder / DIVERGED) as partial:
            partial.write_text(f"{error}\n", encoding="utf-8")


def end_with(parent: int) -> None:
    """Ask this process to end as soon as the one that started it is no more."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main(folder: str, device: str, threads: str) -> None:
    """Train in a process of its own; what goes wrong is said on standard error."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    torch.set_num_threads(int(threads))
    try:
        train_run(Path(folder), device)
    except RnnscopeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])

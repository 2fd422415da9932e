"""A part of a benchmark in a process of its own, whose peak memory is that of nothing else."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import Any


def afresh(program: str, *arguments: Any) -> dict[str, float]:
    """The figures that a benchmark prints as JSON if it is given ``--inside`` and these arguments."""
    command = [sys.executable, program, "--inside", json.dumps(arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak() -> float:
    """Megabytes of this process at its highest."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

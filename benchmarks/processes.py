"""A part of a benchmark in a process of its own, whose peak memory is that of nothing else."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")


def afresh(program: str, *arguments: Any) -> dict[str, Any]:
    """The figures that a benchmark prints as JSON if it is given ``--inside`` and these arguments."""
    command = [sys.executable, program, "--inside", json.dumps(arguments)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def peak() -> float:
    """Megabytes of this process at its highest: Linux's VmHWM, as what getrusage says begins with the parent's."""
    if _STATUS.exists():
        return int(_STATUS.read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

"""What commands are tried on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope import Network, checkpoint


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts networks and a text into a folder of its own, and makes it the working folder."""

    def stored(text: str, **networks: Network) -> Path:
        monkeypatch.chdir(tmp_path)
        for name, network in networks.items():
            checkpoint.save(f"{name}.pt", network, {})
        Path("text.txt").write_text(text)
        return tmp_path

    return stored
